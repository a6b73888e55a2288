//! Peers of a bench that are written in Python: a script beside the bench, run in an environment of its own.

use crate::process::{find, run as run_command, step};
use anyhow::Result;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Runs the script of the bench with this manifest, if there is one. What is missing for it is named and is no failure.
pub(crate) fn run(manifest: &Path, target: &Path) -> Result<()> {
    let folder = manifest.with_file_name("python");
    let script = folder.join("peers.py");
    if !script.is_file() {
        return Ok(());
    }
    step("its peers in Python");
    match environment(&folder.join("requirements.txt"), &target.join("bench-python")) {
        Ok(python) => run_command(Command::new(python).arg(script), "the bench itself has run"),
        Err(missing) => {
            eprintln!("not run: {missing:#}");
            Ok(())
        }
    }
}

/// The Python of an environment with what is required, made when it is not there or requires something else.
fn environment(required: &Path, home: &Path) -> Result<PathBuf> {
    let python = home.join("bin/python");
    let (wanted, made_of) = (fs::read_to_string(required)?, home.join("requirements.txt"));
    if fs::read_to_string(&made_of).is_ok_and(|there| there == wanted) {
        return Ok(python);
    }
    if find("python3").is_none() {
        anyhow::bail!("python3 is not on the path: install Python 3.11 or newer, with its module venv");
    }
    run_command(
        Command::new("python3").args(["-m", "venv", "--clear"]).arg(home),
        "Python's module venv is needed (Debian: apt-get install python3-venv)",
    )?;
    run_command(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(required),
        "the package index must be reachable the first time",
    )?;
    fs::write(made_of, wanted)?;
    Ok(python)
}
