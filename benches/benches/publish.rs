//! Durable publish, each receipt awaited: the embedded broker, the bare log and SQLite in the same run.
//! Arguments: numbers in flight, and parts of contestants' names.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_benches::bare::BareLog;
use fanfare_benches::chosen::Chosen;
use fanfare_benches::cpu::PerEvent;
use fanfare_benches::load::{PAYLOAD, published_per_second};
use fanfare_benches::place::Place;
use fanfare_benches::rounds::{Contestant, interleaved, print};
use fanfare_benches::sqlite::Sqlite;
use fanfare_benches::system::{SystemClock, SystemRandom};
use fanfare_broker::{Broker, Options};
use fanfare_core::{ByteString, EventId, Message, Metadata, Topic, Transport};
use uuid::Uuid;

const ROUNDS: usize = 5;
const RUN_FOR: Duration = Duration::from_millis(1500);

static BODY: [u8; PAYLOAD] = [b'x'; PAYLOAD];

fn main() -> anyhow::Result<()> {
    let place = Place::open()?;
    println!("durable publish, payloads of {PAYLOAD} bytes: {}", place.describe());
    let chosen = Chosen::by_arguments();
    for in_flight in chosen.in_flight() {
        let mut cpu: [PerEvent; 3] = Default::default();
        let [of_bare, of_fanfare, of_sqlite] = &mut cpu;
        let mut contestants = vec![
            Contestant::new("bare log", || of_bare.measure(|| counted(|| bare(&place, in_flight)))),
            Contestant::new("fanfare, fsync", || {
                of_fanfare.measure(|| counted(|| fanfare(&place, in_flight)))
            }),
            Contestant::new("SQLite, WAL, FULL", || {
                of_sqlite.measure(|| counted(|| sqlite(&place, in_flight)))
            }),
        ];
        contestants.retain(|contestant| chosen.has(contestant.name()));
        let figures = interleaved(ROUNDS, contestants)?;
        print(&format!("{in_flight} in flight, each awaited"), "events/s", &figures);
        let [bare, fanfare, sqlite] = cpu.map(|cpu| cpu.micros());
        println!(
            "  CPU time per event: bare log {bare:.2} us, fanfare {fanfare:.2} us, SQLite {sqlite:.2} us"
        );
    }
    Ok(())
}

/// A rate, and how many events that was.
fn counted(run: impl FnOnce() -> anyhow::Result<f64>) -> anyhow::Result<(f64, f64)> {
    let begin = Instant::now();
    let rate = run()?;
    Ok((rate, rate * begin.elapsed().as_secs_f64()))
}

fn bare(place: &Place, in_flight: usize) -> anyhow::Result<f64> {
    let log = Arc::new(BareLog::open(&place.folder("bare")?)?);
    published_per_second(in_flight, RUN_FOR, move |_, _| {
        let log = log.clone();
        async move {
            log.publish(&BODY).await;
            Ok(())
        }
    })
}

fn sqlite(place: &Place, in_flight: usize) -> anyhow::Result<f64> {
    let log = Arc::new(Sqlite::open(&place.folder("sqlite")?)?);
    published_per_second(in_flight, RUN_FOR, move |_, _| {
        let log = log.clone();
        async move { log.publish(&BODY).await.map(drop) }
    })
}

/// Keyed events with an id of their own: every task publishes to its own key.
fn fanfare(place: &Place, in_flight: usize) -> anyhow::Result<f64> {
    let options = Options::new(Arc::new(SystemClock::start()), Arc::new(SystemRandom));
    let broker = Arc::new(Broker::open_blocking(place.folder("fanfare")?, options)?);
    let topic = Topic::from_static("bench.event");
    let keys: Arc<Vec<ByteString>> =
        Arc::new((0..in_flight).map(|task| format!("key-{task}").into()).collect());
    let publishing = broker.clone();
    let rate = published_per_second(in_flight, RUN_FOR, move |task, number| {
        let (broker, topic, keys) = (publishing.clone(), topic.clone(), keys.clone());
        async move {
            let id = EventId::Uuid(Uuid::from_u64_pair(task as u64, number));
            let mut metadata = Metadata::new(
                id,
                ByteString::from_static("bench"),
                ByteString::from_static("bench.event.happened"),
            );
            metadata.key = keys.get(task).cloned();
            let message = Message::new(topic, metadata, BODY.as_slice().into());
            broker.submit_one(message.into()).await??;
            Ok(())
        }
    })?;
    // What it still does must not slow down the next one.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(broker.drain(Duration::from_secs(60)))?;
    Ok(rate)
}
