//! Child processes: shown, run, judged.

use anyhow::{Context, Result, bail};
use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Command, Stdio},
};

/// Announces a step.
pub(crate) fn step(title: &str) {
    eprintln!("\n==> {title}");
}

/// Whether a failure to run something must fail the task (`CI` is set to something but `false`).
pub(crate) fn is_ci() -> bool {
    env::var("CI").is_ok_and(|value| !value.is_empty() && value != "false")
}

/// The cargo that runs this task.
pub(crate) fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Where a program is, if it is on the path.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Runs to the end; `hint` says what to do when it fails.
pub(crate) fn run(command: &mut Command, hint: &str) -> Result<()> {
    let shown = show(command);
    eprintln!("    {shown}");
    let status = command.status().with_context(|| format!("`{shown}` did not start"))?;
    if !status.success() {
        bail!("`{shown}` ended with {status}: {hint}");
    }
    Ok(())
}

/// Runs to the end and returns what it printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let shown = show(command);
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("`{shown}` did not start"))?;
    if !output.status.success() {
        bail!("`{shown}` ended with {}", output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("`{shown}` printed what is not UTF-8"))
}

/// Runs to the end, passing its output on while `each_line` reads along; says whether it succeeded.
pub(crate) fn watch(command: &mut Command, mut each_line: impl FnMut(&str)) -> Result<bool> {
    let shown = show(command);
    eprintln!("    {shown}");
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{shown}` did not start"))?;
    if let Some(stdout) = child.stdout.take() {
        let mut lines = BufReader::new(stdout);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line)? > 0 {
            std::io::stdout().write_all(&line)?;
            each_line(&String::from_utf8_lossy(&line));
            line.clear();
        }
    }
    Ok(child.wait()?.success())
}

/// As it would be typed.
pub(crate) fn show(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let mut shown = program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}
