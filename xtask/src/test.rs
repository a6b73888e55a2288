//! `test`: every test there is, a count of them at the end, and by name what could not run.

use crate::{
    cli, fuzz,
    process::{cargo, find, is_ci, step, watch},
    setup::{self, is_python_missing, is_stale, missing_for_pages, npm_folders},
    workspace::Workspace,
};
use anyhow::{Result, bail};
use std::{
    fmt,
    io::IsTerminal,
    path::{Path, PathBuf},
    process::Command,
};

pub(crate) fn run(options: &cli::Test) -> Result<()> {
    let mut all = Tally::default();
    let is_whole = !options.rust && options.packages.is_empty() && options.filter.is_none();
    // Before everything else: tests of the workspace too use what it installs.
    if is_whole && !options.no_setup {
        prepare();
    }
    if !options.pages {
        test_workspace(options, &mut all)?;
    }
    if is_whole {
        test_pages(&mut all)?;
    }
    if is_whole && !options.pages {
        test_decoder(&mut all);
    }
    all.finish()
}

/// Installs what is missing. Where that fails the tests that need it are named at the end.
fn prepare() {
    if let Err(error) = setup::run(&cli::Setup { check: false }) {
        eprintln!("warning: {error:#}");
    }
}

/// What ran, what failed, what could not run.
#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: usize,
    failures: Vec<String>,
    not_run: Vec<String>,
}

impl Tally {
    /// Reads a line of a test runner: libtest's closing line, or those of node's runner.
    fn read(&mut self, line: &str) {
        let line = line.trim();
        if let Some((_, counts)) = line.split_once("test result: ") {
            for part in counts.split([';', '.']) {
                let mut words = part.split_whitespace();
                let count = words.next().and_then(|word| word.parse::<usize>().ok());
                match (count, words.next()) {
                    (Some(count), Some("passed")) => self.passed += count,
                    (Some(count), Some("failed")) => self.failed += count,
                    (Some(count), Some("ignored")) => self.skipped += count,
                    _ => {}
                }
            }
        }
        let Some(words) = line.strip_prefix("# ").or_else(|| line.strip_prefix("\u{2139} ")) else { return };
        match words.split_once(' ').map(|(word, count)| (word, count.parse::<usize>())) {
            Some(("pass", Ok(count))) => self.passed += count,
            Some(("fail", Ok(count))) => self.failed += count,
            Some(("skipped" | "todo", Ok(count))) => self.skipped += count,
            _ => {}
        }
    }

    fn finish(self) -> Result<()> {
        step("tests");
        for what in &self.not_run {
            eprintln!("not run: {what}");
        }
        for what in &self.failures {
            eprintln!("failed: {what}");
        }
        println!("{self}");
        if !self.failures.is_empty() {
            bail!("{} failed: the output above says which test and why", self.failures.join(", "));
        }
        if self.passed == 0 {
            bail!("no test ran: does the filter match a test's name?");
        }
        if is_ci() && !self.not_run.is_empty() {
            bail!("with CI set every test must run: `cargo xtask setup` installs what is missing");
        }
        Ok(())
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)?;
        if self.skipped > 0 {
            write!(f, ", {} skipped", self.skipped)?;
        }
        Ok(())
    }
}

fn test_workspace(options: &cli::Test, all: &mut Tally) -> Result<()> {
    step("the workspace, with its doc tests");
    let mut command = cargo();
    command.args(["test", "--no-fail-fast"]);
    match options.packages.as_slice() {
        [] => {
            command.arg("--workspace");
        }
        packages => {
            command.args(packages.iter().flat_map(|package| ["--package", package]));
        }
    }
    command.args(&options.filter).arg("--");
    if std::io::stdout().is_terminal() {
        command.args(["--color", "always"]);
    }
    if !watch(&mut command, |line| all.read(line))? {
        all.failures.push("the tests of the workspace".into());
    }
    // These tests look for their client themselves, and pass when it is not there.
    if options.packages.is_empty() && options.filter.is_none() && is_python_missing() {
        let what = "the gateway's stories with the client library from PyPI";
        all.not_run.push(format!("{what}: it is not installed; `cargo xtask setup` installs it"));
    }
    Ok(())
}

/// Fuzzes the decoder for as long as nobody minds waiting; `cargo xtask fuzz` does it longer.
fn test_decoder(all: &mut Tally) {
    let what = "the gateway's decoder under a fuzzer";
    if let Some(missing) = fuzz::what_is_missing() {
        all.not_run.push(format!("{what}: {missing}"));
    } else if let Err(error) = fuzz::run(&cli::Fuzz { seconds: 30 }) {
        all.failures.push(format!("{what} ({error:#})"));
    }
}

/// Runs `npm test` in every folder with a lock file.
///
/// The tests find the programs they start through the environment: `FANFARE_BIN` is the folder of the
/// workspace's programs, `CHROMIUM` and `CHROMEDRIVER` are the browser and its driver.
fn test_pages(all: &mut Tally) -> Result<()> {
    let folders = npm_folders()?;
    if folders.is_empty() {
        return Ok(());
    }
    step("programs that the page tests start");
    let mut build = cargo();
    if !watch(build.args(["build", "--workspace", "--bins", "--examples"]), |_| {})? {
        all.failures.push("building the programs that the page tests start".into());
        return Ok(());
    }
    let programs = Workspace::load()?.target_directory.join("debug");
    for folder in folders {
        match what_is_missing(&folder) {
            Some(missing) => all.not_run.push(format!("the tests of {}: {missing}", folder.display())),
            None => test_folder(&folder, &programs, all)?,
        }
    }
    Ok(())
}

fn test_folder(folder: &Path, programs: &Path, all: &mut Tally) -> Result<()> {
    step(&format!("the tests of {}", folder.display()));
    let place = |program: &str| find(program).unwrap_or_else(|| PathBuf::from(program));
    let mut command = Command::new("npm");
    command.args(["test", "--silent"]).current_dir(folder);
    command.env("FANFARE_BIN", programs).env("CHROMIUM", place("chromium"));
    command.env("CHROMEDRIVER", place("chromedriver"));
    if !watch(&mut command, |line| all.read(line))? {
        all.failures.push(format!("the tests of {}", folder.display()));
    }
    Ok(())
}

fn what_is_missing(folder: &Path) -> Option<String> {
    let what = match missing_for_pages() {
        _ if find("npm").is_none() => "npm is not installed (Node.js 20 or newer)".to_owned(),
        Some(program) => format!("{program} is not installed"),
        None if is_stale(folder) => "its npm packages are not installed".to_owned(),
        None => return None,
    };
    Some(format!("{what}; `cargo xtask setup` installs what is missing"))
}

#[cfg(test)]
mod tests {
    use super::Tally;

    fn tally(lines: &[&str]) -> String {
        let mut tally = Tally::default();
        lines.iter().for_each(|line| tally.read(line));
        tally.to_string()
    }

    #[test]
    fn the_closing_lines_of_libtest_add_up() {
        let one =
            "test result: ok. 3 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s";
        let two = "test result: FAILED. 1 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out";
        assert_eq!(tally(&["running 4 tests", one, two]), "4 passed, 2 failed, 1 skipped");
    }

    #[test]
    fn colour_does_not_hide_a_closing_line() {
        let line = "test result: \u{1b}[32mok\u{1b}(B\u{1b}[m. 3 passed; 0 failed; 0 ignored; 0 measured";
        assert_eq!(tally(&[line]), "3 passed, 0 failed");
    }

    #[test]
    fn both_reporters_of_node_are_read() {
        assert_eq!(tally(&["# tests 3", "# pass 2", "# fail 1", "# skipped 0"]), "2 passed, 1 failed");
        assert_eq!(tally(&["\u{2139} tests 3", "\u{2139} pass 3", "\u{2139} fail 0"]), "3 passed, 0 failed");
    }
}
