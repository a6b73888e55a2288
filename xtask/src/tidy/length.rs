//! A file is about one thing: around 100 lines, rarely over 400, never over 500.

use super::House;

const LINES_MAX: usize = 500;

pub(super) fn check(house: &House) -> Vec<String> {
    let sources = house.texts(".rs").filter(|(file, _)| {
        let parts: Vec<_> = file.components().map(|part| part.as_os_str()).collect();
        parts.first().is_some_and(|first| *first == "crates" || *first == "adapters")
            && parts.get(2).is_some_and(|third| *third == "src")
    });
    let lengths = sources.map(|(file, text)| (file.display().to_string(), text.lines().count()));
    let long = lengths.filter(|(_, lines)| *lines > LINES_MAX);
    long.map(|(file, lines)| format!("{file}: {lines} lines; a second idea in it wants its own file"))
        .collect()
}
