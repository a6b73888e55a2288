//! What a delivery, an idle connection, a reconnect and a join cost the gateway, in CPU time that the operating system
//! counted for the server's process. The load comes from another process (this one, which speaks raw frames); publishes
//! are durable; lost, missing and repeated publications are counted and end the bench unless they are 0.
//!
//! The yardstick is a process that writes the same bytes to as many loopback sockets, without blocking, and nothing else.
//! Words choose cases: `room`, `queue`, `rooms`, `idle`, `reconnect`, `joins`.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

mod bare;
mod cases;
mod child;
mod client;
mod deliveries;
mod server;

use anyhow::Context;
use fanfare_benches::place::Place;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

fn main() -> anyhow::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with("--")).collect();
    raise_open_files()?;
    match words.first().map(String::as_str) {
        Some("serve") => server::run(words.get(1).context("a folder")?),
        Some("bare") => bare::run(),
        _ => measure(&words),
    }
}

fn measure(words: &[String]) -> anyhow::Result<()> {
    let place = Place::open()?;
    println!("the gateway: {}", place.describe());
    let is_chosen = |case: &str| words.is_empty() || words.iter().any(|word| word == case);
    if is_chosen("room") {
        let load = deliveries::Load { rooms: 1, members: 1_000, per_second: 100, seconds: 5 };
        cases::deliveries(&place, "a room of 1,000 at 100/s", &load)?;
    }
    if is_chosen("queue") {
        let load = deliveries::Load { rooms: 1, members: 1_000, per_second: 500, seconds: 5 };
        cases::deliveries(&place, "a room of 1,000 at 500/s: messages queue up", &load)?;
    }
    if is_chosen("rooms") {
        let load = deliveries::Load { rooms: 1_000, members: 10, per_second: 1_000, seconds: 5 };
        cases::deliveries(&place, "1,000 rooms of 10 at 1,000/s", &load)?;
    }
    if is_chosen("idle") {
        cases::idle(&place)?;
    }
    if is_chosen("reconnect") {
        cases::reconnect(&place)?;
    }
    if is_chosen("joins") {
        cases::joins(&place)?;
    }
    Ok(())
}

/// Ten thousand sockets need more open files than a shell allows by itself.
fn raise_open_files() -> anyhow::Result<()> {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit })
        .context("failed to raise the limit on open files")
}
