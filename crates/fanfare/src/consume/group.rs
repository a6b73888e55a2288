//! What one subscription's driver and workers share, and how an application tells its drivers to end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use bytestring::ByteString;
use fanfare_core::{Accepts, AttemptRecord, Clock, Delivery, GroupName, GroupSpec, Random, Recorded, Token};
use futures_util::task::AtomicWaker;

use crate::{
    extract::Site, handler::Options, metrics::GroupMetrics, middleware::Resequence, publish::Encoder,
};

/// One subscription.
pub(crate) struct Group {
    pub(crate) spec: GroupSpec,
    /// The group's name as it prints.
    pub(crate) printed: String,
    pub(crate) options: Options,
    pub(crate) accepts: Accepts,
    /// The order of its events' own, where the handler asks for one.
    pub(crate) order: Option<Resequence>,
    pub(crate) site: Arc<Site>,
    pub(crate) encoder: Arc<Encoder>,
    pub(crate) metrics: GroupMetrics,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) control: Control,
    /// Test-only: the key lock is dropped, so that the tests of key order must fail.
    pub(crate) is_key_lock_dropped: bool,
}

impl Group {
    pub(crate) fn name(&self) -> &GroupName {
        &self.spec.name
    }

    /// The version of a type that this build knows, and whether the handler takes the type at all.
    pub(crate) fn known_version(&self, event_type: &ByteString) -> Known {
        match self.accepts {
            Accepts::Types(types) => match types.iter().find(|known| known.event_type == &**event_type) {
                Some(known) if self.takes(event_type) => Known::Up(known.version),
                _ => Known::No,
            },
            _ if self.takes(event_type) => Known::Any,
            _ => Known::No,
        }
    }

    /// Whether a newer build wrote this version of a type that the handler takes.
    pub(crate) fn is_newer(&self, event_type: &ByteString, version: u32) -> bool {
        matches!(self.known_version(event_type), Known::Up(known) if version > known)
    }

    /// Whether something is taken and not settled.
    pub(crate) fn is_busy(&self) -> bool {
        self.metrics.in_flight.get() > 0
    }

    /// A failed attempt, for the record.
    pub(crate) fn attempt_record(&self, token: Token, error: &str) -> AttemptRecord {
        AttemptRecord::new(token.attempt, self.clock.now(), error)
    }

    /// The span that every log line about an attempt is in.
    pub(crate) fn log(&self, delivery: &Delivery, attempt: u32) -> tracing::Span {
        self.span(&delivery.record, attempt)
    }

    /// The span that a handler runs in.
    pub(crate) fn span(&self, record: &Recorded, attempt: u32) -> tracing::Span {
        let metadata = &record.message.metadata;
        let correlation_id = metadata.correlation_id.as_ref().unwrap_or(&metadata.id);
        let span = tracing::error_span!(
            target: "fanfare::handler",
            "handle",
            handler = self.name().handler(),
            event_type = &*metadata.event_type,
            event_id = %metadata.id,
            correlation_id = %correlation_id,
            causation_id = tracing::field::Empty,
            attempt,
        );
        if let Some(causation_id) = &metadata.causation_id {
            span.record("causation_id", tracing::field::display(causation_id));
        }
        span
    }

    fn takes(&self, event_type: &str) -> bool {
        self.options.types.is_empty() || self.spec.types.iter().any(|filter| filter.matches(event_type))
    }
}

/// What a handler takes of one event type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing.
    No,
    /// Every version.
    Any,
    /// Versions up to this one.
    Up(u32),
}

/// Tells a driver to end.
#[derive(Debug, Default)]
pub(crate) struct Control {
    state: AtomicU8,
    waker: AtomicWaker,
}

/// How far the end has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Phase {
    /// It runs.
    Running,
    /// It takes and starts nothing; what runs may finish.
    Draining,
    /// What runs is cancelled and handed back.
    Ending,
}

impl Control {
    pub(crate) fn phase(&self) -> Phase {
        match self.state.load(Ordering::Acquire) {
            0 => Phase::Running,
            1 => Phase::Draining,
            _ => Phase::Ending,
        }
    }

    pub(crate) fn advance(&self, to: Phase) {
        self.state.fetch_max(to as u8, Ordering::AcqRel);
        self.waker.wake();
    }

    pub(crate) fn register(&self, cx: &std::task::Context<'_>) {
        self.waker.register(cx.waker());
    }
}

/// How long a cancelled handler may go on before it is reported stuck.
pub(crate) const STUCK_AFTER: Duration = Duration::from_secs(1);
