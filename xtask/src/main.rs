//! The project's own tasks, run as `cargo xtask <task>`.
//!
//! Each task is a module with one `run`. A task prints a line per step, stops with what to do about it,
//! and needs nothing but cargo, git and, for the page tests, node; to fuzz, a C++ compiler.

#![allow(clippy::disallowed_methods, reason = "a program: it reads the environment and the wall clock")]

mod bench;
mod ci;
mod cli;
mod docs;
mod fuzz;
mod install;
mod licences;
mod peers;
mod process;
mod setup;
mod test;
mod tidy;
mod workspace;

use anyhow::{Context, Result};
use clap::Parser;
use std::{
    env,
    path::{Path, PathBuf},
    process::ExitCode,
};

fn main() -> ExitCode {
    let task = cli::Cli::parse().task;
    let done = go_to_root().and_then(|()| match task {
        cli::Task::Setup(options) => setup::run(&options),
        cli::Task::Test(options) => test::run(&options),
        cli::Task::Ci => ci::run(),
        cli::Task::Tidy => tidy::run(),
        cli::Task::Bench(options) => bench::run(&options),
        cli::Task::Fuzz(options) => fuzz::run(&options),
        cli::Task::Docs(options) => docs::run(&options),
        cli::Task::Install => install::run(),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Tasks work from the root of the workspace, wherever they were called.
fn go_to_root() -> Result<()> {
    let package = env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
    let root = package.as_deref().and_then(Path::parent).context("run this as `cargo xtask`")?;
    env::set_current_dir(root).with_context(|| format!("failed to work in {}", root.display()))
}
