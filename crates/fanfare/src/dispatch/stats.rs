//! What is counted of one event type.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use super::counter::Counter;
use crate::sync::{AtomicU8, Mutex};

/// The counts of an event type, known when compiling or by its name alone.
#[derive(Default)]
pub(crate) struct Stats {
    pub(crate) emitted: Counter,
    /// How many of them were cut before anybody heard them.
    cut: AtomicU64,
    unheard: AtomicU64,
    /// What the log was told about nobody listening.
    told: AtomicU8,
    subscribed: AtomicU64,
    /// The span of time that runs for the storm guard's rate: when it began and how many emits began in it.
    span: Mutex<(Duration, u32)>,
}

impl Stats {
    /// How many emits were not cut.
    pub(crate) fn heard(&self) -> u64 {
        self.emitted.sum().saturating_sub(self.cut.load(Relaxed))
    }

    /// An emit that was counted is cut.
    #[cold]
    pub(crate) fn cut(&self) {
        self.cut.fetch_add(1, Relaxed);
    }

    /// Somebody listens.
    pub(crate) fn subscribed(&self) {
        self.subscribed.fetch_add(1, Relaxed);
    }

    /// How many emits of the span of time are over the rate with one that begins now; 0: it is not.
    #[cold]
    pub(crate) fn over_rate(&self, now: Duration, emits_max: u32, per: Duration) -> u32 {
        let (start, emits) = &mut *self.span.lock();
        if *emits == 0 || now.saturating_sub(*start) >= per {
            (*start, *emits) = (now, 0);
        }
        *emits = emits.saturating_add(1);
        emits.saturating_sub(emits_max)
    }

    /// Counts an event that nobody heard; answers what the log should be told, once.
    #[cold]
    pub(crate) fn unheard(&self) -> Option<&'static str> {
        self.unheard.fetch_add(1, Relaxed);
        let (state, text) = match self.subscribed.load(Relaxed) {
            0 => (1, "nobody has subscribed to this event type"),
            _ => (2, "nobody listens to this event type any more: its subscriptions have ended"),
        };
        (self.told.fetch_max(state, Relaxed) < state).then_some(text)
    }

    /// How many events nobody heard.
    pub(crate) fn unheard_count(&self) -> u64 {
        self.unheard.load(Relaxed)
    }
}
