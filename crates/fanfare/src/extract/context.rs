//! What surrounds one call of a handler.

use std::{sync::Arc, time::Duration};

use fanfare_core::{Clock, EventId, Metadata, Outputs, Place, Recorded, Sink, Topic};
use jiff::Timestamp;

use super::{Buffer, Buffered, Extract, Missing, Registry};
use crate::publish::PublishOptions;

/// The delivery that a handler is called for: its identity, its place, and a way to publish with its
/// acknowledgement. Cheap to clone.
#[derive(Clone)]
pub struct Context {
    origin: Origin,
    attempt: u32,
    started: Duration,
    site: Arc<Site>,
    buffer: Arc<Buffer>,
}

/// Where the event of a call comes from.
#[derive(Clone)]
pub(crate) enum Origin {
    /// From a transport.
    Delivered(Arc<Recorded>),
    /// From a dispatcher of this process.
    Local(Arc<Metadata>),
}

/// What all calls of one handler share.
pub(crate) struct Site {
    pub(crate) handler: Arc<str>,
    pub(crate) ack_timeout: Option<Duration>,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Context {
    /// `started`: the monotonic time at which the call started; of use only with an ack timeout.
    pub(crate) fn new(
        origin: Origin,
        attempt: u32,
        started: Duration,
        site: Arc<Site>,
        buffer: Arc<Buffer>,
    ) -> Self {
        Self { origin, attempt, started, site, buffer }
    }

    /// Stands in for the context of handlers that do not look at it.
    pub(crate) fn blank(site: Arc<Site>) -> Self {
        let nothing = Metadata::new("".into(), "", "");
        Self::new(Origin::Local(Arc::new(nothing)), 1, Duration::ZERO, site, Arc::default())
    }

    /// The event's attributes.
    pub fn metadata(&self) -> &Metadata {
        match &self.origin {
            Origin::Delivered(record) => &record.message.metadata,
            Origin::Local(metadata) => metadata,
        }
    }

    /// The event's id.
    pub fn event_id(&self) -> &EventId {
        &self.metadata().id
    }

    /// The event type.
    pub fn event_type(&self) -> &str {
        &self.metadata().event_type
    }

    /// The partition key.
    pub fn key(&self) -> Option<&str> {
        self.metadata().key.as_deref()
    }

    /// The business flow: the id of the first event of the chain, this one's own when it is the first.
    pub fn correlation_id(&self) -> &EventId {
        self.metadata().correlation_id.as_ref().unwrap_or(self.event_id())
    }

    /// The event whose handling made this one; `None` for a root event.
    pub fn causation_id(&self) -> Option<&EventId> {
        self.metadata().causation_id.as_ref()
    }

    /// The topic it was read from; `None` in process.
    pub fn topic(&self) -> Option<&Topic> {
        match &self.origin {
            Origin::Delivered(record) => Some(&record.message.topic),
            Origin::Local(_) => None,
        }
    }

    /// Where it stands; `None` in process.
    pub fn place(&self) -> Option<&Place> {
        match &self.origin {
            Origin::Delivered(record) => Some(&record.place),
            Origin::Local(_) => None,
        }
    }

    /// Which attempt this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// The handler's name.
    pub fn handler(&self) -> &str {
        &self.site.handler
    }

    /// How much of the ack timeout is left; `None` in process, where there is none.
    pub fn time_left(&self) -> Option<Duration> {
        let ran = self.site.clock.monotonic().saturating_sub(self.started);
        self.site.ack_timeout.map(|timeout| timeout.saturating_sub(ran))
    }

    /// When the ack timeout ends this attempt; `None` in process.
    pub fn deadline(&self) -> Option<Timestamp> {
        let left = self.time_left()?;
        let left = jiff::SignedDuration::try_from(left).unwrap_or(jiff::SignedDuration::MAX);
        Some(self.site.clock.now().saturating_add(left).unwrap_or(Timestamp::MAX))
    }

    /// Publishes events together with the acknowledgement, as if the handler had returned them: nothing goes
    /// out when it fails.
    ///
    /// # Panics
    /// When the handler has ended already: a context that was moved into a task of its own has no
    /// acknowledgement left to go with. Use a `Publisher` there.
    pub fn publish(&self, events: impl Outputs) {
        self.buffer(events, None);
    }

    /// The same, with options. On a dispatcher there are none: there the handler fails, and its error names the option.
    ///
    /// # Panics
    /// As [`Context::publish`].
    pub fn publish_with(&self, events: impl Outputs, options: PublishOptions) {
        self.buffer(events, Some(options));
    }

    fn buffer(&self, events: impl Outputs, options: Option<PublishOptions>) {
        let mut sink = Sink::default();
        events.write(&mut sink);
        for output in sink.into_outputs() {
            let event_type = output.event_type().to_owned();
            let is_open = self.buffer.push(Buffered { output, options: options.clone().map(Box::new) });
            assert!(
                is_open,
                "failed to publish `{event_type}` through the context of `{}`: the handler has ended, publish through a Publisher instead",
                self.handler()
            );
        }
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context")
            .field("handler", &self.handler())
            .field("event_id", self.event_id())
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

impl Extract for Context {
    type Prepared = ();

    fn prepare(_: &Registry) -> Result<(), Missing> {
        Ok(())
    }

    fn extract((): &(), context: &Context) -> Self {
        context.clone()
    }
}
