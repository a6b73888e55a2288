//! `docs`: the API documentation, with its warnings denied.

use crate::{
    cli,
    process::{cargo, run as run_command, step},
};
use anyhow::Result;

pub(crate) fn run(options: &cli::Docs) -> Result<()> {
    step("API documentation");
    let mut command = cargo();
    command.args(["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings");
    if options.open {
        command.arg("--open");
    }
    run_command(&mut command, "rustdoc's words above name the place")
}
