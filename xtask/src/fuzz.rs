//! `fuzz`: the gateway's WebSocket decoder under libFuzzer, with the compiler that builds everything else.
//!
//! What cargo-fuzz asks a nightly compiler for are the sanitizers. Coverage is a pass of LLVM that every rustc can be told to
//! run; the decoder has no `unsafe` that an address sanitizer would have to look at.

use crate::{
    cli,
    process::{cargo, find, output, run as run_command, show, step},
    workspace::{FUZZ, Workspace, host},
};
use anyhow::{Context, Result, bail};
use std::{
    env, fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

const SEEDS: &str = "crates/fanfare-gateway/fuzz/seeds";

/// What makes rustc count which code an input reaches, in the form that libFuzzer reads.
const COVERAGE: &str = "--cfg fuzzing -Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 \
    -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table \
    -Cllvm-args=-sanitizer-coverage-trace-compares";

/// The longest input, in bytes: several messages of the length that the target allows.
const INPUT_MAX: usize = 4_096;

/// Lines that are shown of a run that failed.
const LINES_SHOWN: usize = 60;

pub(crate) fn run(options: &cli::Fuzz) -> Result<()> {
    step("fuzzing the gateway's decoder");
    if let Some(missing) = what_is_missing() {
        bail!("{missing}");
    }
    let folder = Workspace::load()?.target_directory.join("fuzz");
    let program = build(&folder)?;
    let (corpus, artifacts) = (folder.join("corpus"), folder.join("artifacts"));
    for needed in [&corpus, &artifacts] {
        fs::create_dir_all(needed).with_context(|| format!("failed to make {}", needed.display()))?;
    }
    let mut command = Command::new(program);
    command.arg(format!("-max_total_time={}", options.seconds)).arg(format!("-max_len={INPUT_MAX}"));
    command.arg(format!("-artifact_prefix={}/", artifacts.display()));
    command.args(["-timeout=10", "-print_final_stats=1"]).arg(&corpus).arg(SEEDS);
    let seen = watch(&mut command)?;
    if let Some(input) = seen.failed_on {
        seen.last.iter().for_each(|line| eprintln!("{line}"));
        bail!("the decoder failed on {}: {}", input.display(), replay(&input));
    }
    if !seen.has_succeeded {
        seen.last.iter().for_each(|line| eprintln!("{line}"));
        bail!("libFuzzer failed without an input to blame: its words stand above");
    }
    let count = fs::read_dir(&corpus)?.count();
    println!(
        "{} inputs, {} places in the code reached; {count} inputs worth keeping lie in {}, those to begin with in {SEEDS}",
        seen.executions,
        seen.places,
        corpus.display()
    );
    Ok(())
}

/// Why nothing can be fuzzed here.
pub(crate) fn what_is_missing() -> Option<String> {
    if env::var_os("CXX").is_none() && find("c++").is_none() {
        let words = "no C++ compiler is installed, which libFuzzer is built with";
        return Some(format!("{words}; `cargo xtask setup` installs it"));
    }
    let fetched = output(cargo().args(["fetch", "--locked", "--quiet", "--manifest-path", FUZZ]));
    fetched.err().map(|error| format!("libFuzzer could not be fetched ({error:#}): is there a network?"))
}

/// In a folder of its own, since everything in it is compiled with other flags.
fn build(folder: &Path) -> Result<PathBuf> {
    let host = host()?;
    let mut command = cargo();
    command.args(["build", "--locked", "--release", "--manifest-path", FUZZ]);
    // A named target keeps the flags away from build scripts, which have nobody to count for.
    command.args(["--target", &host, "--target-dir"]).arg(folder).env("RUSTFLAGS", COVERAGE);
    run_command(&mut command, "the compiler's words above say why")?;
    Ok(folder.join(host).join("release/decoder"))
}

fn replay(input: &Path) -> String {
    format!(
        "`cargo run --manifest-path {FUZZ} --target-dir target -- {}` replays it; what is fixed goes into {SEEDS}",
        input.display()
    )
}

/// What libFuzzer said.
#[derive(Default)]
struct Seen {
    executions: String,
    /// Edges between blocks of code, as libFuzzer counts them.
    places: String,
    failed_on: Option<PathBuf>,
    has_succeeded: bool,
    last: Vec<String>,
}

impl Seen {
    /// Reads a line, and says whether it tells anybody how far the run came.
    fn read(&mut self, line: &str) -> bool {
        let words: Vec<&str> = line.split_whitespace().collect();
        if let Some(at) = words.iter().position(|word| *word == "cov:") {
            self.places = words.get(at + 1).copied().unwrap_or_default().to_owned();
        }
        if let ["stat::number_of_executed_units:", count] = words.as_slice() {
            self.executions = (*count).to_owned();
        }
        if let Some((_, path)) = line.split_once("Test unit written to ") {
            self.failed_on = Some(PathBuf::from(path.trim()));
        }
        if self.last.len() == LINES_SHOWN {
            self.last.remove(0);
        }
        self.last.push(line.to_owned());
        matches!(words.as_slice(), [_, "INITED" | "pulse" | "DONE", ..])
    }
}

/// Runs to the end, passing on the lines that tell how far it came.
fn watch(command: &mut Command) -> Result<Seen> {
    let shown = show(command);
    eprintln!("    {shown}");
    let mut child =
        command.stderr(Stdio::piped()).spawn().with_context(|| format!("`{shown}` did not start"))?;
    let mut seen = Seen::default();
    if let Some(stderr) = child.stderr.take() {
        // What a panic prints of an input is text; bytes that are none end no run.
        for line in BufReader::new(stderr).split(b'\n') {
            let line = line?;
            let line = String::from_utf8_lossy(&line);
            if seen.read(&line) {
                eprintln!("    {line}");
            }
        }
    }
    seen.has_succeeded = child.wait()?.success();
    Ok(seen)
}

#[cfg(test)]
mod tests {
    use super::Seen;
    use std::path::PathBuf;

    #[test]
    fn what_libfuzzer_says_of_a_run_is_read() {
        let mut seen = Seen::default();
        let shown = "#524288\tpulse  cov: 162 ft: 629 corp: 220/19Kb lim: 3689 exec/s: 52428 rss: 28Mb";
        assert!(seen.read(shown));
        assert!(!seen.read("#537674\tNEW    cov: 163 ft: 634 corp: 221/20Kb lim: 3810 exec/s: 53767"));
        assert!(!seen.read("stat::number_of_executed_units: 548176"));
        assert_eq!((seen.executions.as_str(), seen.places.as_str()), ("548176", "163"));
        assert_eq!(seen.failed_on, None);
    }

    #[test]
    fn the_input_that_failed_is_found() {
        let mut seen = Seen::default();
        seen.read(
            "artifact_prefix='target/fuzz/artifacts/'; Test unit written to target/fuzz/artifacts/crash-1",
        );
        assert_eq!(seen.failed_on, Some(PathBuf::from("target/fuzz/artifacts/crash-1")));
    }
}
