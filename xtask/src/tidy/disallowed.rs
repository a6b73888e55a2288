//! Wall clocks, sleeping and the environment stay out of libraries: the lint is on, knows them all, and is
//! lifted only where the outside world is met, each time with a reason.

use super::House;
use std::path::Path;

const LINT: &str = "clippy::disallowed_methods";

/// Methods that clippy.toml must list.
const METHODS: [&str; 6] = [
    "std::time::SystemTime::now",
    "std::time::Instant::now",
    "std::thread::sleep",
    "tokio::time::sleep",
    "uuid::Uuid::now_v7",
    "std::env::var",
];

/// Crates in which nothing may lift it.
const NEVER: [&str; 2] = ["crates/fanfare-core/src", "crates/fanfare-broker/src/machine"];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    let read = |file: &str| std::fs::read_to_string(file).unwrap_or_default();
    let listed = read("clippy.toml");
    let missing = METHODS.iter().filter(|method| !listed.contains(&format!("\"{method}\"")));
    found.extend(missing.map(|method| format!("clippy.toml: disallowed-methods lost {method}")));
    let is_on = |line: &str| line.starts_with("disallowed_methods") && !line.contains("allow\"");
    if !read("Cargo.toml").lines().any(is_on) {
        found.push("Cargo.toml: [workspace.lints.clippy] must set disallowed_methods to \"warn\"".into());
    }
    for (file, text) in house.texts(".rs").filter(|(file, _)| !file.starts_with("xtask/src/tidy")) {
        let lifts = text.match_indices(LINT).map(|(at, _)| at);
        for at in lifts {
            check_lift(file, &text, at, &mut found);
        }
    }
    found
}

fn check_lift(file: &Path, text: &str, at: usize, found: &mut Vec<String>) {
    let number = text.get(..at).unwrap_or_default().lines().count();
    let place = format!("{}:{number}", file.display());
    let rest = text.get(at..).unwrap_or_default();
    let attribute = rest.split(")]").next().unwrap_or_default();
    if !attribute.contains("reason") {
        found.push(format!("{place}: {LINT} is lifted without a reason"));
    }
    let is_test = text.get(..at).unwrap_or_default().contains("#[cfg(test)]");
    if !is_test && NEVER.iter().any(|folder| file.starts_with(folder)) && !file.ends_with("tests.rs") {
        found.push(format!("{place}: {LINT} is never lifted here; take the Clock port"));
    }
}
