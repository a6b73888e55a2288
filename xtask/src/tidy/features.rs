//! `cfg(feature ..)` stands only where a reader looks for it: a feature drops a dependency and changes no behaviour.

use super::House;
use std::path::Path;

/// Files of any crate that may hold it.
const FILES: [&str; 2] = ["lib.rs", "transports.rs"];

/// Folders and files that may hold it all the same, and why.
const EXCEPTIONS: [(&str, &str); 1] = [("xtask/src/tidy", "it looks for the words")];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in house.texts(".rs") {
        if is_allowed(file) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if line.contains("feature = \"")
                && (line.contains("cfg") || line.trim_start().starts_with("feature"))
            {
                let place = format!("{}:{}", file.display(), number + 1);
                found.push(format!("{place}: a feature is asked for; move it to lib.rs or transports.rs"));
            }
        }
    }
    found
}

fn is_allowed(file: &Path) -> bool {
    let name = file.file_name().unwrap_or_default();
    FILES.iter().any(|allowed| name == *allowed)
        || EXCEPTIONS.iter().any(|(place, _)| file.starts_with(place))
}
