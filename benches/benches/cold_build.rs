//! How long the messenger takes to build where nothing was ever built, and how large its dependency tree is.
//!
//! The sources of the dependencies are fetched before the clock starts.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use anyhow::{Context, ensure};
use fanfare_benches::cpu;

const PROGRAM: &str = "messenger";

fn main() -> anyhow::Result<()> {
    let root =
        Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the benches stand in the workspace")?;
    run(cargo(root).args(["fetch", "--locked"]))?;
    println!("{PROGRAM}: {} crates in its dependency tree, itself included", crates(root)?);

    let target = tempfile::tempdir()?;
    let (begin, before) = (Instant::now(), cpu::spent_by_children());
    let build = ["build", "--release", "--locked", "--offline", "--package", PROGRAM];
    run(cargo(root).args(build).env("CARGO_TARGET_DIR", target.path()))?;
    let (wall, spent) = (begin.elapsed(), cpu::spent_by_children().saturating_sub(before));
    let size = target.path().join("release").join(PROGRAM).metadata()?.len();
    println!(
        "release build from nothing: {:.0} s on the clock, {:.0} s of CPU",
        wall.as_secs_f64(),
        spent.as_secs_f64()
    );
    println!("the program: {:.1} MB", size as f64 / 1e6);
    Ok(())
}

/// Different crates of the tree that is built for this machine, build scripts and macros included.
fn crates(root: &Path) -> anyhow::Result<usize> {
    let tree =
        ["tree", "--package", PROGRAM, "--edges", "normal,build", "--prefix", "none", "--format", "{p}"];
    let output = cargo(root).args(tree).stderr(Stdio::inherit()).output()?;
    ensure!(output.status.success(), "cargo tree failed");
    let names = String::from_utf8(output.stdout)?;
    let crates: BTreeSet<_> = names.lines().map(|line| line.trim_end_matches(" (*)")).collect();
    Ok(crates.len())
}

fn cargo(root: &Path) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(root);
    command
}

fn run(command: &mut Command) -> anyhow::Result<()> {
    ensure!(command.status()?.success(), "{command:?} failed");
    Ok(())
}
