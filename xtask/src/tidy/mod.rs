//! `tidy`: the rules of the house that no compiler checks. Each rule is a file with one `check`.

mod book;
mod directions;
mod disallowed;
mod features;
mod length;
mod manifests;
mod places;

use crate::{
    process::step,
    workspace::{Workspace, tracked},
};
use anyhow::{Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
};

/// A rule: returns a line for each place where it is broken.
type Rule = fn(&House) -> Vec<String>;

pub(crate) fn run() -> Result<()> {
    step("tidy");
    let house = House { workspace: Workspace::load()?, files: tracked()? };
    let rules: [(&str, Rule); 7] = [
        ("who may depend on whom", directions::check),
        ("where cfg(feature) may stand", features::check),
        ("what every manifest says", manifests::check),
        ("how long a file may be", length::check),
        ("nothing names one machine", places::check),
        ("disallowed methods are on", disallowed::check),
        ("links lead somewhere", book::check),
    ];
    let mut count = 0;
    for (rule, check) in rules {
        let found = check(&house);
        eprintln!("    {rule}: {}", if found.is_empty() { "fine" } else { "broken" });
        found.iter().for_each(|line| eprintln!("      {line}"));
        count += found.len();
    }
    if count > 0 {
        bail!("tidy found {count} things: each line above says what to do");
    }
    Ok(())
}

/// What the rules look at.
struct House {
    workspace: Workspace,
    files: Vec<PathBuf>,
}

impl House {
    /// The text files whose name ends so, with what is in them.
    fn texts<'a>(&'a self, ending: &'a str) -> impl Iterator<Item = (&'a Path, String)> {
        let files = self.files.iter().filter(move |file| file.to_string_lossy().ends_with(ending));
        files.filter_map(|file| Some((file.as_path(), fs::read_to_string(file).ok()?)))
    }
}
