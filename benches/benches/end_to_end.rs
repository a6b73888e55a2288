//! Publish, handler, acknowledgement: how many events pass per second from the first publish to the last
//! acknowledgement, against a bare log that only writes the same payloads. Arguments: numbers in flight, and
//! parts of contestants' names.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use anyhow::Context as _;
use fanfare::{App, Event, HandlerExt, State};
use fanfare_benches::{
    bare::BareLog,
    chosen::Chosen,
    cpu::PerEvent,
    load::{PAYLOAD, published_per_second},
    place::Place,
    rounds::{Contestant, interleaved, print},
};
use serde::{Deserialize, Serialize};

const ROUNDS: usize = 5;
const RUN_FOR: Duration = Duration::from_millis(1500);
const KEYS: usize = 1024;

/// An event whose JSON has as many bytes as the bare log's records.
#[derive(Event, Serialize, Deserialize)]
#[event(type = "bench.passed", key = key)]
struct Passed {
    key: String,
    filler: String,
}

impl Passed {
    fn new(key: usize) -> Self {
        let key = format!("{key:08}");
        let filler = "x".repeat(PAYLOAD - key.len() - r#"{"key":"","filler":""}"#.len());
        Self { key, filler }
    }
}

#[derive(Clone, Default)]
struct Handled(Arc<AtomicU64>);

async fn count(_: Passed, State(handled): State<Handled>) {
    handled.0.fetch_add(1, Ordering::Relaxed);
}

fn main() -> anyhow::Result<()> {
    let place = Place::open()?;
    println!("end to end, payloads of {PAYLOAD} bytes: {}", place.describe());
    let chosen = Chosen::by_arguments();
    for in_flight in chosen.in_flight() {
        let mut cpu: [PerEvent; 3] = Default::default();
        let [of_bare, of_file, of_memory] = &mut cpu;
        let mut contestants = vec![
            Contestant::new("bare log, publish only", || of_bare.measure(|| bare(&place, in_flight))),
            Contestant::new("file:, fsync", || {
                let folder = place.folder("broker")?;
                of_file.measure(|| end_to_end(&format!("file:{}", folder.display()), in_flight))
            }),
            Contestant::new("memory:", || of_memory.measure(|| end_to_end("memory:", in_flight))),
        ];
        contestants.retain(|contestant| chosen.has(contestant.name()));
        let figures = interleaved(ROUNDS, contestants)?;
        print(&format!("{in_flight} in flight, each awaited"), "events/s", &figures);
        let [of_bare, of_file, of_memory] = cpu.map(|cpu| cpu.micros());
        println!(
            "  CPU time per event: bare log {of_bare:.2} us, file {of_file:.2} us, memory {of_memory:.2} us"
        );
    }
    Ok(())
}

fn bare(place: &Place, in_flight: usize) -> anyhow::Result<(f64, f64)> {
    let log = Arc::new(BareLog::open(&place.folder("bare")?)?);
    let begin = Instant::now();
    let rate = published_per_second(in_flight, RUN_FOR, move |_, _| {
        let log = log.clone();
        async move {
            log.publish(&[b'x'; PAYLOAD]).await;
            Ok(())
        }
    })?;
    Ok((rate, rate * begin.elapsed().as_secs_f64()))
}

/// Events from the first publish to the last acknowledgement, per second, and how many they were.
fn end_to_end(url: &str, in_flight: usize) -> anyhow::Result<(f64, f64)> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let handled = Handled::default();
        let app = App::new("bench").transport(url).state(handled.clone());
        let running = Arc::new(app.on(count.concurrency(1024).in_flight_max(4096)).start().await?);
        let is_over = Arc::new(AtomicBool::new(false));
        let begin = Instant::now();
        let publishers: Vec<_> = (0..in_flight)
            .map(|task| {
                let (running, is_over) = (running.clone(), is_over.clone());
                tokio::spawn(async move {
                    let mut number = 0u64;
                    while !is_over.load(Ordering::Relaxed) {
                        running.publisher().publish(Passed::new(task % KEYS)).await?;
                        number += 1;
                    }
                    anyhow::Ok(number)
                })
            })
            .collect();
        tokio::time::sleep(RUN_FOR).await;
        is_over.store(true, Ordering::Relaxed);
        let mut published = 0;
        for publisher in publishers {
            published += publisher.await??;
        }
        loop {
            let operator = running.operator().context("the broker has an operator")?;
            if operator.groups().await?.iter().all(|group| group.lag == 0) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let rate = published as f64 / begin.elapsed().as_secs_f64();
        anyhow::ensure!(handled.0.load(Ordering::Relaxed) == published, "every event is handled once");
        let running = Arc::into_inner(running).context("every publisher has ended")?;
        running.shutdown().await?;
        Ok((rate, published as f64))
    })
}
