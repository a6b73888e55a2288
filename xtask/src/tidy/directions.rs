//! Who may depend on whom.
//!
//! ```text
//! core <- broker, adapters <- fanfare <- gateway <- apps, examples, benches
//!   ^---- testkit (tests only)      macros <- fanfare
//! ```

use super::House;
use crate::workspace::Package;
use std::path::Path;

/// Packages of ours that each may be built from. A folder that ends in `/` stands for all packages in it.
const MAY_USE: [(&str, &[&str]); 11] = [
    ("crates/fanfare-core", &[]),
    ("crates/fanfare-macros", &[]),
    ("crates/fanfare-broker", &["fanfare-core"]),
    ("adapters/", &["fanfare-core"]),
    ("crates/fanfare", &["fanfare-core", "fanfare-macros", "fanfare-broker", "adapters/"]),
    ("crates/fanfare-gateway", &["fanfare-core", "fanfare"]),
    ("crates/fanfare-testkit", &["fanfare-core", "fanfare-broker", "fanfare"]),
    ("crates/fanfare-cli", &["fanfare-core", "fanfare-broker", "fanfare", "adapters/"]),
    ("apps/", &["fanfare-core", "fanfare", "fanfare-gateway"]),
    ("examples/", &["fanfare", "fanfare-gateway"]),
    ("xtask", &[]),
];

/// Packages that only stand at the end of the chain.
const ENDS: [&str; 8] =
    ["crates/fanfare-cli", "apps/", "examples/", "docs/", "benches", "sim", "fuzz", "xtask"];

/// What makes a runtime or does I/O, and so must not come into the vocabulary.
const NOT_IN_CORE: [&str; 6] = ["tokio", "mio", "async-std", "smol", "socket2", "hyper"];

pub(super) fn check(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    let members: Vec<&Package> = house.workspace.members().collect();
    for package in &members {
        let folder = house.workspace.folder(package);
        let allowed = MAY_USE.iter().find(|(place, _)| covers(place, folder)).map(|(_, allowed)| *allowed);
        for dependency in &package.dependencies {
            let Some(ours) = members.iter().find(|member| member.name == dependency.name) else { continue };
            let place = house.workspace.folder(ours);
            let line = format!("{} depends on {}", package.name, ours.name);
            if ours.id != package.id && ENDS.iter().any(|end| covers(end, place)) {
                found.push(format!("{line}: nothing may, it stands at the end of the chain"));
            } else if dependency.kind.as_deref() == Some("dev") {
                continue;
            } else if let Some(allowed) = allowed
                && !allowed.iter().any(|name| *name == ours.name || covers(name, place))
            {
                found.push(format!("{line}: it may use {}", say(allowed)));
            }
        }
        if package.name == "fanfare-core" {
            let linked = house.workspace.linked_with(package);
            let wrong = NOT_IN_CORE.iter().filter(|name| linked.contains(*name));
            found.extend(
                wrong.map(|name| format!("fanfare-core brings in {name}: it knows no runtime and no I/O")),
            );
        }
    }
    found
}

fn covers(place: &str, folder: &Path) -> bool {
    match place.strip_suffix('/') {
        Some(parent) => folder.starts_with(parent),
        None => folder == Path::new(place),
    }
}

fn say(allowed: &[&str]) -> String {
    if allowed.is_empty() { "nothing of ours".to_owned() } else { format!("only {}", allowed.join(", ")) }
}
