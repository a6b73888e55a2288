//! What happens is what should happen.

use std::{cell::Cell, sync::Arc, time::Duration};

use fanfare::{Attempt, Failure, HandlerExt, Retry, State};
use fanfare_core::{BoxError, Clock, Jitter, Transport};
use proptest::{
    prelude::*,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::{
    model::{ACK_TIMEOUT_SECS, ATTEMPTS_MAX, Start, expected},
    story::{End, Story, stories},
};
use crate::support::{Seen, StepTaken, Under, app, clock, pass_secs, step};

/// How long every story has ended by.
const LONG_SECS: u64 = 20 + 24 * (3 * ACK_TIMEOUT_SECS + 12);

#[derive(Clone)]
struct Told {
    story: Arc<Story>,
    clock: Arc<dyn Clock>,
    starts: Seen<Start>,
}

async fn play(event: StepTaken, Attempt(attempt): Attempt, State(told): State<Told>) -> Result<(), BoxError> {
    let number = event.number as usize;
    let step = &told.story[number];
    // Timers round up to the next millisecond, once for each wait.
    let at_secs = (told.clock.monotonic().as_millis() as u64 + 10) / 1000;
    told.starts.push(Start { key: step.key, number, attempt, at_secs });
    let end = step.ends.get(attempt as usize - 1).copied().unwrap_or(End::Succeeds);
    let takes = if end == End::Hangs { 1_000_000 } else { step.takes_secs };
    pass_secs(takes).await;
    match end {
        End::Succeeds => Ok(()),
        End::Fails => Err("not now".into()),
        End::FailsForGood => Err(Failure::permanent("never").into()),
        End::Panics | End::Hangs => panic!("as told"),
    }
}

/// Plays a story. Answers every start, sorted, and how many records were given up.
fn happened(story: &Story, under: Under, has_bug: bool) -> (Vec<Start>, u64) {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let clock = clock();
        let told = Told { story: Arc::new(story.clone()), clock: clock.clone(), starts: Seen::default() };
        let retry = Retry::exponential()
            .attempts_max(ATTEMPTS_MAX)
            .first_delay(Duration::from_secs(4))
            .jitter(Jitter::None);
        let transport: Arc<dyn Transport> = under.open(&clock);
        let handler =
            play.retry(retry).ack_timeout(Duration::from_secs(ACK_TIMEOUT_SECS)).in_flight_max(1000);
        let mut app = app(&clock).with_transport(transport).state(told.clone()).on(handler.concurrency(32));
        if has_bug {
            app = app.plant_key_lock_dropped();
        }
        let running = app.start().await.unwrap();
        for (number, told) in story.iter().enumerate() {
            let now = clock.monotonic();
            pass_until(now, told.at_secs).await;
            running.publisher().publish(step(&told.key.to_string(), number as u32)).await.unwrap();
        }
        pass_secs(LONG_SECS).await;
        let text = running.metrics().await;
        let dead = text
            .lines()
            .find(|line| line.starts_with("fanfare_dead_lettered_total{"))
            .and_then(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .unwrap() as u64;
        running.shutdown().await.unwrap();
        let mut starts = told.starts.all();
        starts.sort_unstable();
        (starts, dead)
    })
}

async fn pass_until(now: Duration, at_secs: u64) {
    tokio::time::sleep(Duration::from_secs(at_secs).saturating_sub(now)).await;
}

fn prove(under: Under) {
    let mut runner = TestRunner::new(Config { cases: 64, failure_persistence: None, ..Config::default() });
    let proof = runner.run(&stories(), |story| {
        let (starts, dead) = expected(&story);
        let (started, died) = happened(&story, under, false);
        prop_assert_eq!(started, starts);
        prop_assert_eq!(died, dead.len() as u64);
        Ok(())
    });
    proof.unwrap();
}

#[test]
fn attempts_of_a_key_follow_each_other_and_other_keys_go_on_on_the_poor_transport() {
    prove(Under::Poor);
}

#[test]
fn attempts_of_a_key_follow_each_other_and_other_keys_go_on_in_memory() {
    prove(Under::Memory);
}

#[test]
fn the_default_seeds_find_a_dropped_key_lock() {
    for under in [Under::Poor, Under::Memory] {
        let differs = |has_bug| {
            let config =
                Config { cases: 64, failure_persistence: None, max_shrink_iters: 0, ..Config::default() };
            let seeds = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
            let differs = Cell::new(false);
            let outcome = TestRunner::new_with_rng(config, seeds).run(&stories(), |story| {
                differs.set(happened(&story, under, has_bug).0 != expected(&story).0);
                prop_assert!(!differs.get());
                Ok(())
            });
            // A story that cannot be played at all differs in nothing.
            assert_eq!(outcome.is_err(), differs.get(), "{outcome:?}");
            differs.get()
        };
        assert!(!differs(false), "without the bug nothing is to be found under {under:?}");
        assert!(differs(true), "nothing was found under {under:?}");
    }
}
