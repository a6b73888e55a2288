//! Where chains of events that lead to events end.

use std::time::Duration;

use bytestring::ByteString;

use super::cause::{Cause, Parent};

/// When a chain of emits is cut. The failure carries the event types that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StormGuard {
    pub(crate) depth_max: u16,
    pub(crate) loop_max: usize,
    pub(crate) fan_out_max: Option<u32>,
    pub(crate) rate: Option<(u32, Duration)>,
}

impl Default for StormGuard {
    fn default() -> Self {
        Self { depth_max: 64, loop_max: 8, fan_out_max: None, rate: None }
    }
}

impl StormGuard {
    /// 64 levels, 8 rounds of a loop, no budget, any rate.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many emits may lead to one another.
    #[must_use]
    pub fn depth_max(mut self, levels: u16) -> Self {
        self.depth_max = levels;
        self
    }

    /// How often the same handler may react to the same type and key within one chain.
    #[must_use]
    pub fn loop_max(mut self, rounds: usize) -> Self {
        self.loop_max = rounds.max(1);
        self
    }

    /// How many emits one root event may lead to in all.
    #[must_use]
    pub fn fan_out_max(mut self, emits: u32) -> Self {
        self.fan_out_max = Some(emits);
        self
    }

    /// How many emits of one event type may begin in a span of time; more are cut until the next span begins, and `on_error` is
    /// told of the first of them. It reads the clock at each emit.
    #[must_use]
    pub fn rate_max(mut self, emits: u32, per: Duration) -> Self {
        self.rate = Some((emits, per));
        self
    }

    /// Why an emit of this chain must not go on, if it must not.
    pub(crate) fn refusal(&self, cause: &Cause, parent: &Parent) -> Option<Storm> {
        let reason = if cause.depth() > self.depth_max {
            format!("{} emits led to one another, {} at most", cause.depth(), self.depth_max)
        } else if parent.cause.repeats(parent.via) > self.loop_max {
            format!("the same handler reacted to the same event {} times in one chain", self.loop_max)
        } else if let Some(max) = self.fan_out_max.filter(|max| cause.spend() > *max) {
            format!("one root event led to more than {max} emits")
        } else {
            return None;
        };
        Some(Storm { reason, chain: cause.chain() })
    }
}

/// An emit was cut.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("event storm: {reason}; chain: {}", shown(chain))]
pub struct Storm {
    pub(crate) reason: String,
    pub(crate) chain: Vec<ByteString>,
}

impl Storm {
    /// The event types that led to it, the root's first.
    pub fn chain(&self) -> &[ByteString] {
        &self.chain
    }
}

/// A long chain by its two ends.
fn shown(chain: &[ByteString]) -> String {
    const ENDS: usize = 8;
    let join = |part: &[ByteString]| part.join(" -> ");
    match (chain.get(..ENDS), chain.len().checked_sub(ENDS).and_then(|at| chain.get(at..))) {
        (Some(first), Some(last)) if chain.len() > 2 * ENDS => {
            format!("{} -> .. {} more .. -> {}", join(first), chain.len() - 2 * ENDS, join(last))
        }
        _ => join(chain),
    }
}
