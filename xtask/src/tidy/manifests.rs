//! Every member takes lints, edition and versions of dependencies from the root manifest.

use super::House;
use std::{fs, path::Path};

/// Keys of `[package]` that the root decides.
const INHERITED: [&str; 4] = ["version", "edition", "rust-version", "license"];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for member in house.workspace.members() {
        let place = house.workspace.folder(member).join("Cargo.toml");
        match fs::read_to_string(&place) {
            Ok(text) => check_one(&place, &text, &mut found),
            Err(error) => found.push(format!("{}: {error}", place.display())),
        }
    }
    found
}

fn check_one(place: &Path, text: &str, found: &mut Vec<String>) {
    let place = place.display();
    let lines = sections(text);
    if !lines.iter().any(|(section, line)| *section == "lints" && squeeze(line) == "workspace=true") {
        found.push(format!("{place}: add `[lints] workspace = true`"));
    }
    for key in INHERITED {
        let wanted = format!("{key}.workspace=true");
        if !lines.iter().any(|(section, line)| *section == "package" && squeeze(line) == wanted) {
            found.push(format!("{place}: write `{key}.workspace = true` under [package]"));
        }
    }
    for (section, line) in lines {
        let is_own = section.ends_with("dependencies") && line.contains('=') && !line.contains("workspace");
        let is_continued = !line.starts_with(|first: char| first.is_ascii_alphabetic());
        if is_own && !is_continued {
            found.push(format!("{place}: `{line}` belongs into [workspace.dependencies], with its version"));
        }
    }
}

/// Each line that says something, with the section it stands in.
fn sections(text: &str) -> Vec<(&str, &str)> {
    let mut section = "";
    let mut lines = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
        match line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            Some(name) if !line.contains(',') => section = name,
            _ => lines.push((section, line)),
        }
    }
    lines
}

fn squeeze(line: &str) -> String {
    line.chars().filter(|c| !c.is_whitespace()).collect()
}

#[cfg(test)]
mod tests {
    use super::check_one;
    use std::path::Path;

    const GOOD: &str = "[package]\nname = \"a\"\nversion.workspace = true\nedition.workspace = true\n\
        rust-version.workspace = true\nlicense.workspace = true\n[lints]\nworkspace = true\n\
        [dependencies]\nbytes.workspace = true\nserde = { workspace = true, features = [\"rc\"] }\n";

    fn found(text: &str) -> Vec<String> {
        let mut found = Vec::new();
        check_one(Path::new("a/Cargo.toml"), text, &mut found);
        found
    }

    #[test]
    fn a_manifest_that_inherits_is_fine() {
        assert_eq!(found(GOOD), Vec::<String>::new());
    }

    #[test]
    fn own_lints_and_own_versions_are_found() {
        assert_eq!(found(&GOOD.replace("[lints]\nworkspace = true", "")).len(), 1);
        assert_eq!(found(&GOOD.replace("bytes.workspace = true", "bytes = \"1\"")).len(), 1);
        assert_eq!(found(&GOOD.replace("edition.workspace = true", "edition = \"2021\"")).len(), 1);
    }
}
