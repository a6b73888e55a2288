//! `ci`: everything that must pass before a change lands, each step even when one before it failed.

use crate::{
    cli, docs, install, licences,
    process::{cargo, output, run as run_command, step},
    test, tidy,
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

fn lock_file() -> Result<()> {
    step("lock file");
    let mut command = cargo();
    output(command.args(["metadata", "--locked", "--format-version=1"]))
        .map(drop)
        .context("Cargo.lock does not fit the manifests: run `cargo check` and commit it")
}

fn format() -> Result<()> {
    step("format");
    run_command(cargo().args(["fmt", "--all", "--check"]), "`cargo fmt --all` formats everything")
}

fn lints() -> Result<()> {
    step("lints");
    run_command(
        cargo().args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        "a lint that is wrong in one place takes `#[expect(.., reason = \"..\")]` there",
    )
}
