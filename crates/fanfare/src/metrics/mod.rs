//! Figures of an application: counters that cost one atomic addition, and their Prometheus text.

mod counter;
mod group;
mod listener;
mod text;

pub(crate) use counter::{Counter, Gauge};
pub(crate) use group::GroupMetrics;
pub(crate) use listener::{Limits, is_loopback, listen};
pub(crate) use text::render;
