//! Runs one life of the child and listens.

use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use anyhow::{Context, bail};

use crate::{Line, Work};

/// One life of the child.
#[derive(Clone, Debug)]
pub struct Run<'a> {
    /// The child's program.
    pub program: &'a Path,
    /// Its data folder.
    pub data: &'a Path,
    /// Which life, from 0: makes ids unique.
    pub number: u64,
    /// What to publish again.
    pub again: &'a [Work],
    /// Killed this long after it was ready; `None`: it publishes nothing new, drains and ends by itself.
    pub kill_after: Option<Duration>,
    /// More arguments for the child.
    pub arguments: &'a [String],
}

/// How long a life may take at most, however slow the machine is.
const DEADLINE: Duration = Duration::from_secs(120);

/// Runs the child until it is killed or ends, and hands every line to `hear`, which answers whether this is a
/// moment to kill it: the kill waits for one.
///
/// # Errors
/// When it cannot be started, ends by itself although it was to be killed, or takes too long.
#[allow(clippy::disallowed_methods, reason = "it waits for a real process")]
pub fn run_child(run: &Run<'_>, mut hear: impl FnMut(&Line) -> bool) -> anyhow::Result<()> {
    let mut child = spawn(run)?;
    let stdout = child.stdout.take().context("standard output is a pipe")?;
    let (tell, told) = mpsc::channel();
    let reader = std::thread::spawn(move || {
        for line in BufReader::new(stdout).lines() {
            let Ok(line) = line else { break };
            if tell.send(line).is_err() {
                break;
            }
        }
    });
    let deadline = Instant::now() + DEADLINE;
    let (mut kill_at, mut is_moment, mut was_killed) = (None, false, false);
    loop {
        if !was_killed && is_moment && kill_at.is_some_and(|at| at <= Instant::now()) {
            child.kill()?;
            was_killed = true;
        }
        let until = kill_at.filter(|_| is_moment && !was_killed).unwrap_or(deadline);
        match told.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(text) => {
                let line: Line =
                    serde_json::from_str(&text).with_context(|| format!("the child said `{text}`"))?;
                if line == Line::Ready {
                    kill_at = run.kill_after.map(|after| Instant::now() + after);
                }
                is_moment = hear(&line);
            }
            Err(mpsc::RecvTimeoutError::Timeout) if Instant::now() < deadline => {}
            Err(mpsc::RecvTimeoutError::Timeout) => {
                child.kill()?;
                bail!("run {} took longer than {DEADLINE:?}", run.number);
            }
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
        }
    }
    drop(reader.join());
    let status = child.wait()?;
    if !was_killed && (!status.success() || run.kill_after.is_some()) {
        bail!("run {} ended by itself: {status}", run.number);
    }
    Ok(())
}

fn spawn(run: &Run<'_>) -> anyhow::Result<Child> {
    let mut child = Command::new(run.program)
        .arg(run.data)
        .arg(run.number.to_string())
        .arg(if run.kill_after.is_some() { "work" } else { "drain" })
        .args(run.arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .with_context(|| format!("failed to start {}", run.program.display()))?;
    let mut stdin = child.stdin.take().context("standard input is a pipe")?;
    serde_json::to_writer(&mut stdin, run.again)?;
    stdin.flush()?;
    Ok(child)
}
