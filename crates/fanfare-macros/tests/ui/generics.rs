extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct OrderPlaced<T> {
    item: T,
}

#[derive(Event)]
#[event(type = "order.placed", local)]
struct Borrowed<'a> {
    item: &'a str,
}

fn main() {}
