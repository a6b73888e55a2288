//! How far the bare log is from the disk, and what it makes of publishers that await their receipts.
#![allow(clippy::disallowed_methods, reason = "a bench measures the wall clock")]
#![allow(clippy::print_stdout, reason = "a bench prints")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use fanfare_benches::bare::{self, BareLog, Segments};
use fanfare_benches::load::{PAYLOAD, published_per_second};
use fanfare_benches::place::Place;
use fanfare_benches::raw;
use fanfare_benches::rounds::{Contestant, interleaved, print};
use fanfare_broker::journal::BatchBuf;
use fanfare_broker::storage::{Class, Storage, file};

const ROUNDS: usize = 5;
const RUN_FOR: Duration = Duration::from_millis(1500);

fn main() -> anyhow::Result<()> {
    let place = Place::open()?;
    println!("bare log, records of {PAYLOAD} bytes: {}", place.describe());
    for records in [1, 64, 1024] {
        against_the_disk(&place, records)?;
    }
    for in_flight in [1, 64, 1024] {
        awaited(&place, in_flight)?;
    }
    Ok(())
}

/// Blocks of so many records, framed, written and synced by one thread.
fn against_the_disk(place: &Place, records: usize) -> anyhow::Result<()> {
    let block = records * (PAYLOAD + bare::FRAME);
    let megabytes = |bytes: f64| bytes / 1e6;
    let has_fio = raw::fio(&place.folder("fio")?, block, Duration::from_millis(100))?.is_some();
    let mut contestants = Vec::new();
    if has_fio {
        contestants.push(Contestant::new("fio, psync, fdatasync=1", || {
            let rate = raw::fio(&place.folder("fio")?, block, RUN_FOR)?;
            Ok(megabytes(rate.unwrap_or(f64::NAN)))
        }));
    } else {
        println!("\nfio is not installed (apt-get install fio): compared with our own loop only");
    }
    contestants.push(Contestant::new("own loop of pwrite, fdatasync", || {
        Ok(megabytes(raw::sequential(&place.folder("raw")?, block, RUN_FOR)?))
    }));
    contestants.push(Contestant::new("bare log", || {
        let mut log = Segments::open(&place.folder("bare")?)?;
        let (mut bytes, mut buffer) = (0, Vec::new());
        let begin = Instant::now();
        while begin.elapsed() < RUN_FOR {
            buffer.clear();
            for _ in 0..records {
                bare::frame(&mut buffer, &[b'x'; PAYLOAD]);
            }
            log.commit(&buffer)?;
            bytes += buffer.len();
        }
        Ok(megabytes(bytes as f64 / begin.elapsed().as_secs_f64()))
    }));
    contestants.push(Contestant::new("the broker's file storage", || {
        let (mut storage, _) = file::open(place.folder("storage")?, file::Options::new(1))?;
        let (syncer, mut batch, mut bytes) = (storage.syncer(), BatchBuf::new(), 0);
        let begin = Instant::now();
        while begin.elapsed() < RUN_FOR {
            batch.clear();
            for _ in 0..records {
                batch.push_bytes(1, &[b'x'; PAYLOAD]);
            }
            storage.append(&mut batch, Class::Event)?;
            syncer.sync()?;
            // Counted as the others' blocks, whatever its own framing adds.
            bytes += block;
        }
        Ok(megabytes(bytes as f64 / begin.elapsed().as_secs_f64()))
    }));
    let figures = interleaved(ROUNDS, contestants)?;
    print(&format!("blocks of {records} records, {block} bytes"), "MB/s", &figures);
    Ok(())
}

/// So many tasks, each awaiting its receipt.
fn awaited(place: &Place, in_flight: usize) -> anyhow::Result<()> {
    let mut block = 0;
    let contestant = Contestant::new("bare log", || {
        let log = Arc::new(BareLog::open(&place.folder("awaited")?)?);
        let rate = published_per_second(in_flight, RUN_FOR, {
            let log = log.clone();
            move |_, _| {
                let log = log.clone();
                async move {
                    log.publish(&[b'x'; PAYLOAD]).await;
                    Ok(())
                }
            }
        })?;
        block = log.mean_block();
        Ok(rate)
    });
    let figures = interleaved(ROUNDS, vec![contestant])?;
    print(&format!("{in_flight} in flight, each awaited (mean block {block} bytes)"), "events/s", &figures);
    Ok(())
}
