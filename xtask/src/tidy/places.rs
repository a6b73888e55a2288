//! No tracked file names a folder of one machine or a package registry: a clone works anywhere, with any mirror.

use super::House;

/// The one file that must say where packages come from, in words that cargo itself writes.
const EXCEPTION: &str = "Cargo.lock";

/// Folders that exist on one machine only. The leading sign keeps `src/work/` from being found.
const FOLDERS: [&str; 4] = ["work", "root", "tmp/bash_jobs", "home/user"];

/// Hosts, each in two parts so that this file does not name them either.
const HOSTS: [(&str, &str); 8] = [
    ("crates", "io"),
    ("registry.npmjs", "org"),
    ("registry.yarnpkg", "com"),
    ("pypi", "org"),
    ("files.pythonhosted", "org"),
    ("deb.debian", "org"),
    ("proxy.golang", "org"),
    ("repo1.maven", "org"),
];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    for (file, text) in house.texts("").filter(|(file, _)| !file.ends_with(EXCEPTION)) {
        for (number, line) in text.lines().enumerate() {
            if let Some(what) = names_a_place(line) {
                found.push(format!("{}:{}: names {what}", file.display(), number + 1));
            }
        }
    }
    found
}

fn names_a_place(line: &str) -> Option<String> {
    let host = HOSTS.iter().map(|(name, end)| format!("{name}.{end}")).find(|host| line.contains(host));
    host.or_else(|| {
        FOLDERS.iter().map(|folder| format!("/{folder}/")).find(|folder| names_folder(line, folder))
    })
}

fn names_folder(line: &str, folder: &str) -> bool {
    let mut places = line.match_indices(folder);
    places.any(|(at, _)| {
        let before = line.get(..at).and_then(|start| start.chars().next_back());
        !before.is_some_and(|c| c.is_alphanumeric() || "._-$}*/".contains(c))
    })
}

#[cfg(test)]
mod tests {
    use super::names_a_place;

    #[test]
    fn absolute_folders_of_one_machine_are_found() {
        assert!(names_a_place(&format!("see /{}/notes", "root")).is_some());
        assert!(names_a_place(&format!("path = \"/{}/main\"", "work")).is_some());
        assert!(names_a_place("src/work/mod.rs and ./work/x").is_none());
    }

    #[test]
    fn hosts_of_registries_are_found() {
        assert!(names_a_place(&format!("https://registry.npmjs.{}/x", "org")).is_some());
        assert!(names_a_place("https://docs.rs/axum").is_none());
    }
}
