//! Remembering what passed.

use super::passing::{Passing, Stage, is_direct};
use fanfare::Context;
use fanfare_core::{Error, Recorded, Taken, TopicFilter, Transport};
use parking_lot::Mutex;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Display;
use std::future::poll_fn;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::watch;

/// What passed lately. Cloning gives another handle.
#[derive(Clone, Debug)]
pub struct Flow(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    kept: Mutex<Kept>,
    newest: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Kept {
    passed: VecDeque<Passing>,
    next: u64,
    /// How many of each type were published, of direct messages.
    direct: BTreeMap<String, u64>,
}

/// A part of what passed.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Window {
    /// What passed, oldest first.
    pub events: Vec<Passing>,
    /// To be asked for next.
    pub next: u64,
    /// How much was forgotten between.
    pub dropped: u64,
}

/// How much is remembered.
const KEPT_MAX: usize = 4_000;
/// How much one answer holds.
const WINDOW_MAX: usize = 500;
/// Records of one turn of the tail.
const BATCH_MAX: usize = 256;

impl Default for Flow {
    fn default() -> Self {
        Self(Arc::new(Inner { kept: Mutex::default(), newest: watch::Sender::new(0) }))
    }
}

impl Flow {
    /// Follows what is published, until the journal closes.
    ///
    /// # Errors
    /// When the journal cannot be followed.
    pub async fn follow(&self, transport: &Arc<dyn Transport>) -> Result<(), Error> {
        let all: TopicFilter = ">".parse().expect("this is a filter");
        let mut tail = transport.tail(&all, None).await?;
        let mut records: Vec<Arc<Recorded>> = Vec::new();
        loop {
            let taken = poll_fn(|cx| tail.poll_next(cx, BATCH_MAX, &mut records)).await?;
            for record in records.drain(..) {
                let metadata = &record.message.metadata;
                if is_direct(&metadata.event_type) {
                    *self.0.kept.lock().direct.entry(metadata.event_type.to_string()).or_default() += 1;
                }
                self.push(Passing::new(Stage::Published, metadata, Some(record.place.position)));
            }
            if taken != Taken::Batch {
                return Ok(());
            }
        }
    }

    /// Runs a handler's work and remembers how it went.
    ///
    /// # Errors
    /// What the work fails with.
    pub async fn observe<T, E: Display>(
        &self,
        context: &Context,
        work: impl Future<Output = Result<T, E>>,
    ) -> Result<T, E> {
        let start = Instant::now();
        let done = work.await;
        let latency_us = u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
        let stage = if done.is_ok() { Stage::Handled } else { Stage::Failed };
        let position = context.place().map(|place| place.position);
        let error = done.as_ref().err().map(ToString::to_string);
        let passing = Passing::new(stage, context.metadata(), position);
        self.push(passing.by(context.handler(), context.attempt(), latency_us, error));
        done
    }

    /// What passed after a number.
    #[must_use]
    pub fn after(&self, after: u64) -> Window {
        let kept = self.0.kept.lock();
        let oldest = kept.passed.front().map_or(kept.next + 1, |passing| passing.n);
        let events: Vec<Passing> =
            kept.passed.iter().filter(|passing| passing.n > after).take(WINDOW_MAX).cloned().collect();
        let next = events.last().map_or(after, |passing| passing.n);
        Window { events, next, dropped: oldest.saturating_sub(after + 1) }
    }

    /// The same, waiting for something.
    pub async fn wait_after(&self, after: u64, within: Duration) -> Window {
        let mut newest = self.0.newest.subscribe();
        let _ = tokio::time::timeout(within, newest.wait_for(|newest| *newest > after)).await;
        self.after(after)
    }

    /// Everything that is remembered of an event, and of those that follow from it.
    #[must_use]
    pub fn life(&self, id: &str) -> (Vec<Passing>, Vec<Passing>) {
        let kept = self.0.kept.lock();
        let is = |of: &Option<String>| of.as_deref() == Some(id);
        let own = kept.passed.iter().filter(|passing| is(&passing.id)).cloned().collect();
        let caused =
            kept.passed.iter().filter(|passing| is(&passing.cause) && passing.stage == Stage::Published);
        (own, caused.cloned().collect())
    }

    /// How many events of each type of direct messages were published since the start.
    #[must_use]
    pub fn direct(&self) -> BTreeMap<String, u64> {
        self.0.kept.lock().direct.clone()
    }

    #[cfg(test)]
    pub(super) fn push_for_test(&self, passing: Passing) {
        self.push(passing);
    }

    fn push(&self, mut passing: Passing) {
        let mut kept = self.0.kept.lock();
        kept.next += 1;
        passing.n = kept.next;
        if kept.passed.len() == KEPT_MAX {
            kept.passed.pop_front();
        }
        kept.passed.push_back(passing);
        self.0.newest.send_replace(kept.next);
    }
}
