//! `ci`: everything that must pass before a change lands, each step even when one before it failed.

use crate::{
    cli, docs, install, licences,
    process::{cargo, output, run as run_command, step},
    test, tidy,
    workspace::{OUTSIDE, Workspace},
};
use anyhow::{Context, Result, bail};
use std::time::Instant;

/// One thing that must hold.
type Check = fn() -> Result<()>;

pub(crate) fn run() -> Result<()> {
    let steps: [(&str, Check); 8] = [
        ("lock file", lock_file),
        ("format", format),
        ("tidy", tidy::run),
        ("licences", licences::run),
        ("lints", lints),
        ("docs", || docs::run(&cli::Docs { open: false })),
        ("tests", || test::run(&cli::Test::default())),
        ("installation", install::run),
    ];
    let mut failed = Vec::new();
    for (name, check) in steps {
        let start = Instant::now();
        let done = check();
        eprintln!("    {name}: {:.0} s", start.elapsed().as_secs_f64());
        if let Err(error) = done {
            eprintln!("error: {error:#}");
            failed.push(name);
        }
    }
    if !failed.is_empty() {
        bail!("what failed: {}", failed.join(", "));
    }
    step("everything passed");
    Ok(())
}

/// The workspace's, and those of the packages outside of it.
fn every_manifest() -> impl Iterator<Item = &'static str> {
    std::iter::once("Cargo.toml").chain(OUTSIDE)
}

fn lock_file() -> Result<()> {
    step("lock file");
    for manifest in every_manifest() {
        let mut command = cargo();
        output(command.args(["metadata", "--locked", "--format-version=1", "--manifest-path", manifest]))
            .map(drop)
            .context("Cargo.lock does not fit the manifests: run `cargo check` and commit it")?;
    }
    Ok(())
}

fn format() -> Result<()> {
    step("format");
    for manifest in every_manifest() {
        run_command(
            cargo().args(["fmt", "--all", "--check", "--manifest-path", manifest]),
            &format!("`cargo fmt --all --manifest-path {manifest}` formats everything"),
        )?;
    }
    Ok(())
}

fn lints() -> Result<()> {
    step("lints");
    let target = Workspace::load()?.target_directory;
    for manifest in every_manifest() {
        let mut command = cargo();
        command.args(["clippy", "--workspace", "--all-targets", "--manifest-path", manifest]);
        command.arg("--target-dir").arg(&target).args(["--", "-D", "warnings"]);
        run_command(
            &mut command,
            "a lint that is wrong in one place takes `#[expect(.., reason = \"..\")]` there",
        )?;
    }
    Ok(())
}
