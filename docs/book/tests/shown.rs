//! What a snippet of the dispatcher's page prints is what the page shows below it.
#![allow(
    dead_code,
    unused_variables,
    clippy::all,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "the book's snippets"
)]

use std::sync::{Mutex, PoisonError};

static PRINTED: Mutex<String> = Mutex::new(String::new());

fn print(line: std::fmt::Arguments<'_>) {
    let mut printed = PRINTED.lock().unwrap_or_else(PoisonError::into_inner);
    printed.push_str(&format!("{line}\n"));
}

// In the snippets these stand before the ones of the standard library.
macro_rules! println {
    ($($what:tt)*) => { crate::print(format_args!($($what)*)) };
}
macro_rules! eprintln {
    ($($what:tt)*) => { crate::print(format_args!($($what)*)) };
}

include!(concat!(env!("OUT_DIR"), "/shown.rs"));

#[test]
fn every_snippet_that_prints_shows_what_it_prints() {
    assert!(SNIPPETS.len() > 8, "the snippets were found");
    let mut wrong = String::new();
    for (line, run, shown) in SNIPPETS {
        PRINTED.lock().unwrap().clear();
        run();
        let printed = std::mem::take(&mut *PRINTED.lock().unwrap());
        if Some(printed.as_str()) != *shown {
            let shown = shown.unwrap_or("nothing\n");
            wrong.push_str(&format!("dispatcher.md:{line} prints\n{printed}and shows\n{shown}\n"));
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}
