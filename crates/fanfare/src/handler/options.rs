//! How one handler's subscription behaves.

use std::{fmt, sync::Arc, time::Duration};

use fanfare_core::{Retry, Start};

use crate::middleware::Middleware;

/// In which order a subscription's records are handled.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// First deliveries follow the append order of their key, one at a time, keys in parallel. Events
    /// without a key are unordered.
    #[default]
    PerKey,
    /// Any order, up to the concurrency at a time.
    Unordered,
    /// By global position, one at a time; a retry stops the group.
    InOrder,
}

/// What is said of a handler at its registration; see [`crate::HandlerExt`] for each option.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// The name given by `.named(..)`; otherwise the function's own.
    pub name: Option<String>,
    /// Filters over event types given by `.types(..)`.
    pub types: Vec<String>,
    /// The retry policy.
    pub retry: Retry,
    /// How many deliveries run at a time, at least 1.
    pub concurrency_max: usize,
    /// In which order.
    pub order: Order,
    /// How long one attempt may run.
    pub ack_timeout: Duration,
    /// How many records are taken from the transport and not settled yet, those that wait for a retry or behind one not counted.
    pub in_flight_max: usize,
    /// How many records wait for a retry or behind one, before no new record is taken.
    pub waiting_max: usize,
    /// Whether a dead letter parks its key.
    pub park: bool,
    /// The former name of the group, or `application/role/handler`.
    pub renamed_from: Option<String>,
    /// Where a new group starts.
    pub start_at: Option<Start>,
    /// Whether the function blocks its thread and runs on one of its own.
    pub is_blocking: bool,
    /// Its middlewares, the innermost first.
    pub(crate) chain: Wraps,
    /// Which options were said, by name: where some do not hold, being silent about them would mislead.
    pub(crate) said: Vec<&'static str>,
}

/// The middlewares of one handler, the innermost first.
#[derive(Clone, Default)]
pub(crate) struct Wraps(pub(crate) Vec<Arc<dyn Middleware>>);

impl Wraps {
    pub(crate) fn push(&mut self, middleware: impl Middleware) {
        self.0.push(Arc::new(middleware));
    }
}

impl fmt::Debug for Wraps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|middleware| middleware.name())).finish()
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: None,
            types: Vec::new(),
            retry: Retry::exponential(),
            concurrency_max: 16,
            order: Order::PerKey,
            ack_timeout: Duration::from_secs(30),
            in_flight_max: 256,
            waiting_max: 100_000,
            park: false,
            renamed_from: None,
            start_at: None,
            is_blocking: false,
            chain: Wraps::default(),
            said: Vec::new(),
        }
    }
}
