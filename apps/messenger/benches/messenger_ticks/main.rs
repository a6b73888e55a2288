//! How long a tick takes, quiet and beside workers that misbehave: one fails with every message, one sleeps over every
//! message. They run in the messenger's own process, on a journal on the disk; people come from another process, over the
//! network, each waiting for the tick before writing again.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]
#![allow(clippy::indexing_slicing, reason = "what is not there is null")]

mod people;
mod place;
mod server;

use anyhow::{Context, Result};
use std::time::Duration;

const ROUNDS: usize = 7;

/// What one run came to, in milliseconds.
#[derive(Clone, Copy, Debug)]
struct Ticks {
    count: usize,
    median: f64,
    p99: f64,
}

fn main() -> Result<()> {
    if let Some(place) = server::asked_for() {
        return server::serve(&place);
    }
    let place = place::Place::open()?;
    println!("ticks of the messenger: {}", place.describe());
    println!("{} people in {} rooms, {ROUNDS} interleaved rounds", people::PEOPLE, people::ROOMS);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut runs: [Vec<Ticks>; 2] = Default::default();
    for round in 0..ROUNDS {
        // Whoever comes second in one round comes first in the next.
        for which in [round % 2, (round + 1) % 2] {
            let folder = place.folder("data")?;
            let server = server::Server::start(&folder, which == 1)?;
            let took = runtime.block_on(people::talk(server.address)).context("people could not talk")?;
            runs[which].push(sum_up(took));
        }
    }
    let [quiet, troubled] = runs.map(|runs| print_all(&runs));
    println!("\n{:<34} {:>10} {:>10}   (lowest .. highest p99 of a round)", "", "median", "p99");
    line("quiet", &quiet);
    line("one worker fails, one sleeps", &troubled);
    println!("p99 is {:.2} times the quiet one's", troubled.p99 / quiet.p99);
    Ok(())
}

fn sum_up(mut took: Vec<Duration>) -> Ticks {
    took.sort_unstable();
    let at = |part: f64| {
        let index = (took.len() as f64 * part) as usize;
        took.get(index.min(took.len().saturating_sub(1))).map_or(f64::NAN, |took| took.as_secs_f64() * 1e3)
    };
    Ticks { count: took.len(), median: at(0.5), p99: at(0.99) }
}

/// The medians of all rounds, with the lowest and the highest p99.
struct Figures {
    median: f64,
    p99: f64,
    least: f64,
    most: f64,
}

fn print_all(runs: &[Ticks]) -> Figures {
    let sorted = |of: fn(&Ticks) -> f64| {
        let mut values: Vec<f64> = runs.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        values
    };
    let (medians, p99s) = (sorted(|run| run.median), sorted(|run| run.p99));
    let count: usize = runs.iter().map(|run| run.count).sum();
    println!("{count} ticks; p99 by round: {p99s:.2?} ms");
    let middle = |values: &[f64]| values.get(values.len() / 2).copied().unwrap_or(f64::NAN);
    let at = |index: usize| p99s.get(index).copied().unwrap_or(f64::NAN);
    Figures {
        median: middle(&medians),
        p99: middle(&p99s),
        least: at(0),
        most: at(p99s.len().saturating_sub(1)),
    }
}

fn line(name: &str, figures: &Figures) {
    let Figures { median, p99, least, most } = figures;
    println!("{name:<34} {median:>7.2} ms {p99:>7.2} ms   ({least:.2} .. {most:.2})");
}
