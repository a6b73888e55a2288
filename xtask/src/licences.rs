//! Licences: every package that is built on this platform must be usable under one of those listed here.

use crate::{
    process::step,
    workspace::{OUTSIDE, Workspace},
};
use anyhow::{Result, bail};

/// Licences that ask for nothing but their own text to be passed on.
const ALLOWED: [&str; 14] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// How cargo names the one place that packages come from; a git repository or another registry reads otherwise.
const SOURCE: &str = "registry+https://github.com/rust-lang/";

pub(crate) fn run() -> Result<()> {
    step("licences and sources");
    let mut packages = Workspace::load()?.packages;
    for manifest in OUTSIDE {
        packages.extend(Workspace::of(manifest)?.packages);
    }
    let mut wrong = Vec::new();
    for package in &packages {
        let named = format!("{} {}", package.name, package.version);
        match &package.license {
            None => wrong.push(format!("{named} names no licence")),
            Some(licence) if !is_allowed(licence) => wrong.push(format!("{named} is under {licence}")),
            Some(_) => {}
        }
        if package.source.as_ref().is_some_and(|source| !source.starts_with(SOURCE)) {
            wrong.push(format!("{named} does not come from the package registry"));
        }
    }
    wrong.iter().for_each(|line| eprintln!("{line}"));
    if !wrong.is_empty() {
        bail!(
            "{} packages may not be used: choose others, or argue for the licence in xtask/src/licences.rs",
            wrong.len()
        );
    }
    eprintln!("    {} packages are fine", packages.len());
    Ok(())
}

/// Whether an SPDX expression offers a way that is allowed. `/` is the old spelling of `OR`.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('(', " ( ").replace(')', " ) ").replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    either(&mut rest) && rest.is_empty()
}

fn either(rest: &mut &[&str]) -> bool {
    let mut is_allowed = both(rest);
    while let Some(after) = rest.strip_prefix(&["OR"]) {
        *rest = after;
        is_allowed |= both(rest);
    }
    is_allowed
}

fn both(rest: &mut &[&str]) -> bool {
    let mut is_allowed = one(rest);
    while let Some(after) = rest.strip_prefix(&["AND"]) {
        *rest = after;
        is_allowed &= one(rest);
    }
    is_allowed
}

fn one(rest: &mut &[&str]) -> bool {
    match *rest {
        ["(", after @ ..] => {
            *rest = after;
            let is_allowed = either(rest);
            let Some(after) = rest.strip_prefix(&[")"]) else { return false };
            *rest = after;
            is_allowed
        }
        [licence, "WITH", exception, after @ ..] => {
            *rest = after;
            ALLOWED.contains(&format!("{licence} WITH {exception}").as_str())
        }
        [licence, after @ ..] => {
            *rest = after;
            ALLOWED.contains(licence)
        }
        [] => false,
    }
}

#[cfg(test)]
mod tests {
    use super::is_allowed;

    #[test]
    fn one_allowed_choice_is_enough() {
        assert!(is_allowed("GPL-3.0 OR MIT"));
        assert!(is_allowed("MIT/Apache-2.0"));
        assert!(is_allowed("Apache-2.0 WITH LLVM-exception OR GPL-3.0"));
    }

    #[test]
    fn every_part_of_an_and_must_be_allowed() {
        assert!(is_allowed("(MIT OR GPL-3.0) AND Unicode-3.0"));
        assert!(!is_allowed("MIT AND GPL-3.0"));
        assert!(!is_allowed("(MIT OR Apache-2.0) AND OpenSSL"));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        assert!(!is_allowed(""));
        assert!(!is_allowed("(MIT"));
        assert!(!is_allowed("MIT MIT"));
        assert!(!is_allowed("GPL-3.0 WITH Classpath-exception"));
    }
}
