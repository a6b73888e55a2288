//! `install`: the messenger as its image and its systemd unit have it, made by the script that both use, and looked at.

use crate::{
    process::{find, is_ci, output, run as run_command, step},
    workspace::Workspace,
};
use anyhow::{Context, Result, bail, ensure};
use std::{fs, path::Path, process::Command};

const DEPLOY: &str = "apps/messenger/deploy";

pub(crate) fn run() -> Result<()> {
    step("installing the messenger");
    let target = Workspace::load()?.target_directory.join("installed");
    run_command(
        Command::new(format!("{DEPLOY}/install.sh")).arg(&target),
        "the Dockerfile runs the same script: neither can be installed",
    )?;
    let program = target.join("usr/local/bin/messenger");
    image(&fs::read_to_string(format!("{DEPLOY}/Dockerfile"))?)?;
    completions(&program, &target)?;
    unit(&program, &target)
}

/// What the image takes from the script is what the script makes.
fn image(dockerfile: &str) -> Result<()> {
    for line in
        ["RUN apps/messenger/deploy/install.sh /out", "COPY --from=build /out/usr/local/bin/messenger "]
    {
        ensure!(dockerfile.contains(line), "the Dockerfile no longer says `{line}`");
    }
    Ok(())
}

/// Each shell's completions, and where the shell is there, that it can read them.
fn completions(program: &Path, target: &Path) -> Result<()> {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = output(Command::new(program).args(["completions", shell]))?;
        ensure!(script.contains("messenger") && script.contains("sign-up"), "{shell} completes no option");
        let file = target.join(format!("completions.{shell}"));
        fs::write(&file, script)?;
        if matches!(shell, "bash" | "zsh" | "fish") && find(shell).is_some() {
            run_command(Command::new(shell).arg("-n").arg(&file), "the shell cannot read its completions")?;
        }
    }
    Ok(())
}

/// The unit as systemd reads it, with the program where it is installed here.
fn unit(program: &Path, target: &Path) -> Result<()> {
    if find("systemd-analyze").is_none() {
        let words = "systemd-analyze is not installed (Debian package systemd): the unit was not verified";
        if is_ci() {
            bail!("{words}; `cargo xtask setup` installs it");
        }
        eprintln!("warning: {words}");
        return Ok(());
    }
    let unit = fs::read_to_string(format!("{DEPLOY}/messenger.service"))?;
    let installed = "ExecStart=/usr/local/bin/messenger";
    ensure!(unit.contains(installed), "the unit no longer says `{installed}`");
    let here = format!("ExecStart={}", program.display());
    let file = target.join("messenger.service");
    fs::write(&file, unit.replace(installed, &here))
        .with_context(|| format!("failed to write {}", file.display()))?;
    run_command(
        Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&file),
        "systemd's words above name the line",
    )
}
