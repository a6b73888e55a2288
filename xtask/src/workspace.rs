//! What cargo and git know of this workspace: packages, what each depends on, tracked files.

use crate::process::{cargo, output};
use anyhow::{Context, Result};
use serde::Deserialize;
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::{Path, PathBuf},
    process::Command,
};

/// Packages that are workspaces of their own, since what they are built from takes long: the tasks look after them too.
pub(crate) const OUTSIDE: [&str; 2] = ["benches/dispatch/Cargo.toml", FUZZ];

/// What is fuzzed. Without `cfg(fuzzing)` it depends on nothing.
pub(crate) const FUZZ: &str = "crates/fanfare-gateway/fuzz/Cargo.toml";

/// The workspace as `cargo metadata` tells it, for this machine's platform.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    pub(crate) packages: Vec<Package>,
    pub(crate) workspace_root: PathBuf,
    pub(crate) target_directory: PathBuf,
    workspace_members: HashSet<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
pub(crate) struct Package {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) version: String,
    pub(crate) license: Option<String>,
    pub(crate) manifest_path: PathBuf,
    pub(crate) source: Option<String>,
    pub(crate) dependencies: Vec<Dependency>,
    pub(crate) targets: Vec<Target>,
}

#[derive(Deserialize)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    /// Absent for what the package itself needs, else `dev` or `build`.
    pub(crate) kind: Option<String>,
}

#[derive(Deserialize)]
pub(crate) struct Target {
    pub(crate) name: String,
    pub(crate) kind: Vec<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<Edge>,
}

#[derive(Deserialize)]
struct Edge {
    pkg: String,
    dep_kinds: Vec<EdgeKind>,
}

#[derive(Deserialize)]
struct EdgeKind {
    kind: Option<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> Result<Self> {
        Self::of("Cargo.toml")
    }

    /// The same for another manifest: one of [`OUTSIDE`].
    pub(crate) fn of(manifest: &str) -> Result<Self> {
        let mut metadata = cargo();
        metadata.args(["metadata", "--format-version=1", "--filter-platform", &host()?]);
        // With what is linked for fuzzing only.
        metadata.env("RUSTFLAGS", "--cfg fuzzing");
        let json = output(metadata.args(["--manifest-path", manifest]))?;
        serde_json::from_str(&json).context("failed to read what `cargo metadata` printed")
    }

    /// The packages of this workspace.
    pub(crate) fn members(&self) -> impl Iterator<Item = &Package> {
        self.packages.iter().filter(|package| self.workspace_members.contains(&package.id))
    }

    /// Where a member lies, relative to the root: `crates/fanfare-core`.
    pub(crate) fn folder<'a>(&self, member: &'a Package) -> &'a Path {
        let folder = member.manifest_path.parent().unwrap_or(Path::new(""));
        folder.strip_prefix(&self.workspace_root).unwrap_or(folder)
    }

    /// The names of everything that ends up in a program which depends on this package.
    pub(crate) fn linked_with(&self, package: &Package) -> BTreeSet<&str> {
        let edges: HashMap<&str, &Node> =
            self.resolve.nodes.iter().map(|node| (node.id.as_str(), node)).collect();
        let names: HashMap<&str, &str> =
            self.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
        let mut found = HashSet::new();
        let mut open = vec![package.id.as_str()];
        while let Some(id) = open.pop() {
            for edge in edges.get(id).map_or(&[][..], |node| &node.deps) {
                let is_linked = edge.dep_kinds.iter().any(|kind| kind.kind.is_none());
                if is_linked && found.insert(edge.pkg.as_str()) {
                    open.push(&edge.pkg);
                }
            }
        }
        found.into_iter().filter_map(|id| names.get(id).copied()).collect()
    }
}

/// The platform that rustc compiles for when nobody says another.
pub(crate) fn host() -> Result<String> {
    let rustc = output(Command::new("rustc").arg("-vV"))?;
    let host = rustc.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc names no host")?.to_owned())
}

/// Files that git knows or would add.
pub(crate) fn tracked() -> Result<Vec<PathBuf>> {
    let mut git = Command::new("git");
    let listed = output(git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]))?;
    let files = listed.split('\0').filter(|file| !file.is_empty()).map(PathBuf::from);
    Ok(files.filter(|file| file.is_file()).collect())
}
