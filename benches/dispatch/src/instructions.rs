//! Instructions per emit, counted by callgrind: the bench runs itself under it with few and with many emits, and the
//! difference is the emits'. A count, unlike a time, is the same on a machine that is busy.

use std::process::Command;

use anyhow::Context;

use crate::work::{async_of, floor_of, list_of, look, now, sync_of, tick};

const ASKED: &str = "--instructions";
const FEW: u64 = 1_000;
const MANY: u64 = 11_000;

/// Whether this process is the one that is counted.
pub(crate) fn is_asked_for() -> bool {
    std::env::args().any(|arg| arg == ASKED)
}

/// Runs one case so many times.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut args = std::env::args().skip_while(|arg| arg != ASKED).skip(1);
    let case = args.next().context("a case")?;
    let handlers = args.next().context("how many handlers")?.parse()?;
    let emits: u64 = args.next().context("how many emits")?.parse()?;
    match case.as_str() {
        "floor" => repeat(emits, floor_of(handlers), |floor| look(&floor.emit(&tick()))),
        "floor-in-hand" => repeat(emits, list_of(handlers), |list| look(&list.emit(&tick()))),
        "emit_sync" => repeat(emits, sync_of(handlers), |ours| look(&ours.emit_sync(&tick()))),
        "emit" => repeat(emits, async_of(handlers), |ours| look(&now(ours.emit(tick())))),
        other => anyhow::bail!("no case is named {other}"),
    }
    Ok(())
}

fn repeat<T>(emits: u64, on: T, emit: impl Fn(&T)) {
    (0..emits).for_each(|_| emit(&on));
}

/// Counts every case.
pub(crate) fn print() -> anyhow::Result<()> {
    println!("\ninstructions per emit (callgrind)");
    if Command::new("valgrind").arg("--version").output().is_err() {
        println!("  not counted: valgrind is not installed (Debian: apt-get install valgrind)");
        return Ok(());
    }
    for case in ["floor", "floor-in-hand", "emit_sync", "emit"] {
        let (first, all) = (per_emit(case, 1)?, per_emit(case, 11)?);
        println!("  {case:<15} first handler {first:>7.1}, each further {:>6.1}", (all - first) / 10.0);
    }
    Ok(())
}

fn per_emit(case: &str, handlers: usize) -> anyhow::Result<f64> {
    let (few, many) = (collected(case, handlers, FEW)?, collected(case, handlers, MANY)?);
    Ok((many - few) / (MANY - FEW) as f64)
}

fn collected(case: &str, handlers: usize, emits: u64) -> anyhow::Result<f64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args([ASKED, case, &handlers.to_string(), &emits.to_string()])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    let line = said.lines().find_map(|line| line.split_once("Collected :"));
    let (_, count) = line.with_context(|| format!("callgrind gave no count: {said}"))?;
    Ok(count.trim().parse()?)
}
