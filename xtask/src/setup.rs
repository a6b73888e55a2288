//! `setup`: what the tests need and a fresh machine lacks. Doing it twice does nothing.

use crate::{
    cli,
    process::{find, run as run_command, step},
    workspace::tracked,
};
use anyhow::{Result, bail};
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// A program that tests call, and the Debian package that brings it: first those of the page tests.
const PROGRAMS: [(&str, &str); 4] = [
    ("chromium", "chromium"),
    ("chromedriver", "chromium-driver"),
    ("systemd-analyze", "systemd"),
    ("c++", "g++"),
];
const OF_PAGES: usize = 2;

/// What the gateway's tests need of PyPI, and the environment it is installed into.
const PYTHON_PACKAGES: &str = "crates/fanfare-gateway/tests/sdk/requirements.txt";
const PYTHON: &str = "target/sdk-python";

pub(crate) fn run(options: &cli::Setup) -> Result<()> {
    let programs = missing_programs();
    let folders: Vec<PathBuf> = npm_folders()?.into_iter().filter(|folder| is_stale(folder)).collect();
    if options.check {
        return check(&programs, &folders);
    }
    match programs.as_slice() {
        [] => step("Debian packages: nothing is missing"),
        missing => install(missing)?,
    }
    for folder in &folders {
        install_npm(folder)?;
    }
    if is_python_missing() {
        install_python()?;
    }
    step("ready: `cargo xtask test` can run every test");
    Ok(())
}

/// Programs that tests call and this machine lacks.
fn missing_programs() -> Vec<(&'static str, &'static str)> {
    PROGRAMS.into_iter().filter(|(program, _)| find(program).is_none()).collect()
}

/// Those of them without which no page can be tested.
pub(crate) fn missing_for_pages() -> Option<&'static str> {
    PROGRAMS.into_iter().take(OF_PAGES).map(|(program, _)| program).find(|program| find(program).is_none())
}

/// Folders with a package-lock.json.
pub(crate) fn npm_folders() -> Result<Vec<PathBuf>> {
    let files = tracked()?;
    let locks = files.iter().filter(|file| file.ends_with("package-lock.json"));
    Ok(locks.filter_map(|file| file.parent()).map(Path::to_path_buf).collect())
}

/// Whether the packages installed in this folder are not those of its lock file.
pub(crate) fn is_stale(folder: &Path) -> bool {
    let time = |file: &str| fs::metadata(folder.join(file)).and_then(|meta| meta.modified()).ok();
    time("node_modules/.package-lock.json") < time("package-lock.json")
}

fn check(programs: &[(&str, &str)], folders: &[PathBuf]) -> Result<()> {
    for (program, package) in programs {
        println!("missing: {program} (Debian package {package})");
    }
    for folder in folders {
        println!("missing: npm packages of {}", folder.display());
    }
    let is_python_missing = is_python_missing();
    if is_python_missing {
        println!("missing: the packages of {PYTHON_PACKAGES}");
    }
    if programs.is_empty() && folders.is_empty() && !is_python_missing {
        println!("nothing is missing");
        return Ok(());
    }
    bail!("something is missing: run `cargo xtask setup`")
}

fn install(missing: &[(&str, &str)]) -> Result<()> {
    let packages: Vec<&str> = missing.iter().map(|(_, package)| *package).collect();
    let by_hand = format!("apt-get install {}", packages.join(" "));
    step(&format!("Debian packages: {}", packages.join(", ")));
    if find("apt-get").is_none() {
        let names: Vec<&str> = missing.iter().map(|(program, _)| *program).collect();
        bail!("this is not a Debian machine: install {} so that it is on the path", names.join(" and "));
    }
    run_command(apt()?.arg("update"), "the package lists could not be read: is there a network?")?;
    run_command(
        apt()?.args(["install", "-y", "--no-install-recommends"]).args(&packages),
        &format!("read what apt-get says above, then try `{by_hand}` by hand"),
    )
}

/// `apt-get`, through sudo for who is not root.
fn apt() -> Result<Command> {
    let is_root = crate::process::output(Command::new("id").arg("-u"))?.trim() == "0";
    let mut command = match (is_root, find("sudo")) {
        (true, _) => Command::new("apt-get"),
        (false, Some(sudo)) => {
            let mut command = Command::new(sudo);
            command.arg("apt-get");
            command
        }
        (false, None) => {
            bail!("installing packages needs root: run `cargo xtask setup` as root, or install sudo")
        }
    };
    command.env("DEBIAN_FRONTEND", "noninteractive").args(["-q", "-o", "Dpkg::Use-Pty=0"]);
    Ok(command)
}

fn install_npm(folder: &Path) -> Result<()> {
    step(&format!("npm packages of {}", folder.display()));
    if find("npm").is_none() {
        bail!("npm is not on the path: install Node.js 20 or newer, then run `cargo xtask setup` again");
    }
    run_command(
        Command::new("npm").args(["ci", "--no-audit", "--no-fund"]).current_dir(folder),
        "the lock file is committed: if package.json changed, run `npm install` there and commit both",
    )
}

/// The list of packages is copied into the environment once they are installed, and is then the same.
pub(crate) fn is_python_missing() -> bool {
    let installed = fs::read(Path::new(PYTHON).join("requirements.txt")).ok();
    installed.is_none() || installed != fs::read(PYTHON_PACKAGES).ok()
}

fn install_python() -> Result<()> {
    step("Python packages of the gateway's tests");
    if find("python3").is_none() {
        bail!("python3 is not on the path: install it (3.10 or newer), then run `cargo xtask setup` again");
    }
    run_command(
        Command::new("python3").args(["-m", "venv", "--clear", PYTHON]),
        "on Debian the package python3-venv brings it",
    )?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", PYTHON_PACKAGES];
    run_command(Command::new(Path::new(PYTHON).join("bin/python")).args(pip), "is there a network?")?;
    fs::copy(PYTHON_PACKAGES, Path::new(PYTHON).join("requirements.txt"))?;
    Ok(())
}
