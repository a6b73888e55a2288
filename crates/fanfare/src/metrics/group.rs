//! Figures of one group.

use super::{Counter, Gauge};

/// What one subscription counts. The driver writes them, once per batch.
#[derive(Debug, Default)]
pub(crate) struct GroupMetrics {
    pub(crate) handled: Counter,
    pub(crate) failed: Counter,
    pub(crate) panicked: Counter,
    pub(crate) timed_out: Counter,
    pub(crate) retried: Counter,
    pub(crate) dead_lettered: Counter,
    pub(crate) held: Counter,
    pub(crate) unhandled: Counter,
    pub(crate) stale: Counter,
    pub(crate) stuck: Gauge,
    pub(crate) in_flight: Gauge,
    pub(crate) waiting: Gauge,
    pub(crate) stalls: Counter,
}
