//! Links between Markdown files lead somewhere, and the book's summary lists every page.

use super::House;
use std::path::{Path, PathBuf};

const BOOK: &str = "docs/book/src";

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    let mut listed: Vec<PathBuf> = Vec::new();
    for (file, text) in house.texts(".md") {
        let folder = file.parent().unwrap_or(Path::new(""));
        for link in links(&text) {
            let target = folder.join(link);
            if !target.exists() {
                found.push(format!("{}: the link {link} leads nowhere", file.display()));
            }
            if file.ends_with("SUMMARY.md") {
                listed.push(target);
            }
        }
    }
    let pages = house
        .files
        .iter()
        .filter(|file| file.starts_with(BOOK) && file.extension().is_some_and(|e| e == "md"));
    let lost = pages.filter(|page| !page.ends_with("SUMMARY.md") && !listed.contains(page));
    found.extend(lost.map(|page| format!("{}: SUMMARY.md does not list it", page.display())));
    found
}

/// Targets of `[text](target)` that are files of this repository, without what follows `#`.
fn links(text: &str) -> Vec<&str> {
    let mut is_code = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        if is_code {
            continue;
        }
        let targets = line.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let files = targets.map(|target| target.split('#').next().unwrap_or_default());
        found.extend(
            files.filter(|target| !target.is_empty() && !target.contains("://") && !target.contains("::")),
        );
    }
    found
}

#[cfg(test)]
mod tests {
    use super::links;

    #[test]
    fn only_links_to_files_are_followed() {
        let text = "[a](a.md#part) [b](https://x.org) [c](#here)\n```\n[d](d.md)\n```\n[e](../e.md)";
        assert_eq!(links(text), ["a.md", "../e.md"]);
    }
}
