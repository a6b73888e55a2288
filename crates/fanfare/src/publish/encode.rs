//! From an event to a message: ids, times, correlation, key and topic.

use std::sync::Arc;

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{
    Clock, Descriptor, Encoded, Error, ErrorKind, EventId, Message, Metadata, Outgoing, Output, Publishable,
    Random, RawEvent, Topic,
};
use jiff::{SignedDuration, Timestamp};

use super::{Handling, PublishOptions, Storms, Types, chain::Chain};
use crate::{
    dispatch::{self, Storm},
    extract::Buffered,
};

/// Makes messages of events.
#[derive(Debug)]
pub(crate) struct Encoder {
    pub(crate) source: ByteString,
    pub(crate) types: Types,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) storms: Storms,
}

/// The delivery that an output comes from.
pub(crate) struct Cause<'a> {
    pub(crate) metadata: &'a Metadata,
    /// The group, as it prints.
    pub(crate) group: &'a str,
    /// The handler's name.
    pub(crate) handler: &'a str,
}

/// Why outputs could not be made.
pub(crate) enum NotMade {
    Storm(Storm),
    Invalid(Error),
}

/// An event with its payload encoded.
pub(crate) enum Made {
    Typed { descriptor: Descriptor, key: Option<ByteString>, payload: Bytes },
    Raw(Box<RawEvent>),
}

impl Made {
    pub(crate) fn of<P: Publishable>(event: &P) -> Result<Self, Error> {
        Ok(match event.encoded().map_err(|error| invalid(error.event_type, &error))? {
            Encoded::Typed { descriptor, key, payload } => Self::Typed { descriptor, key, payload },
            Encoded::Raw(event) => Self::Raw(Box::new(event.clone())),
        })
    }
}

/// What an event says of itself.
struct Parts {
    event_type: ByteString,
    version: u32,
    topic: Topic,
    key: Option<ByteString>,
    content_type: Option<ByteString>,
    payload: Bytes,
}

impl Encoder {
    /// The message of an event that somebody publishes. Within a handler it belongs to the chain of what is handled.
    pub(crate) fn outgoing(&self, event: Made, options: Option<&PublishOptions>) -> Result<Outgoing, Error> {
        let parts = self.made_parts(event, options)?;
        let now = self.clock.now();
        let mut metadata = self.metadata(&parts, EventId::new_v7(now, &*self.random), now);
        let is_new_root = options.is_some_and(|options| options.is_new_root);
        self.link_to_handling(&mut metadata, is_new_root)
            .map_err(|storm| Error::new(ErrorKind::Invalid, storm.to_string()).because(storm))?;
        finish(parts, metadata, options)
    }

    /// The message of an event that keeps its attributes: one that was emitted in process.
    pub(crate) fn forwarded(&self, event: Made, emitted: &Metadata) -> Result<Outgoing, Error> {
        let parts = self.made_parts(event, None)?;
        let mut metadata = emitted.clone();
        // In process it had no source that means anything elsewhere.
        if metadata.source == dispatch::SOURCE {
            metadata.source = self.source.clone();
        }
        finish(parts, metadata, None)
    }

    fn made_parts(&self, event: Made, options: Option<&PublishOptions>) -> Result<Parts, Error> {
        match event {
            Made::Typed { descriptor, key, payload } => Ok(self.typed_parts(&descriptor, key, payload)),
            Made::Raw(event) => self.raw_parts(&event, options),
        }
    }

    /// Links an event to what is handled on this thread: a delivery of an application, or else an emit of a dispatcher.
    fn link_to_handling(&self, metadata: &mut Metadata, is_new_root: bool) -> Result<(), Storm> {
        if let Some(handling) = Handling::current() {
            let cause = &handling.record.message.metadata;
            return self.link(metadata, cause, &handling.handler, is_new_root, &mut None);
        }
        if let Some(emit) = dispatch::current_emit() {
            metadata.causation_id = Some(emit.id().clone());
            if !is_new_root {
                metadata.causation_depth = emit.depth().saturating_add(1);
                metadata.correlation_id = Some(emit.root_id());
            }
        }
        Ok(())
    }

    /// Links an event to the one whose handler makes it. `linked` is the chain, once it is known.
    fn link(
        &self,
        metadata: &mut Metadata,
        cause: &Metadata,
        handler: &str,
        is_new_root: bool,
        linked: &mut Option<Chain>,
    ) -> Result<(), Storm> {
        metadata.causation_id = Some(cause.id.clone());
        if is_new_root {
            metadata.correlation_id = Some(metadata.id.clone());
            return Ok(());
        }
        let to = &metadata.event_type;
        let chain = match linked {
            Some(chain) => chain,
            None => linked.insert(self.storms.extend(cause, handler, to)?),
        };
        let root = cause.correlation_id.as_ref().unwrap_or(&cause.id);
        self.storms.count(chain, root, to, &*self.clock)?;
        chain.attach(metadata);
        metadata.correlation_id = Some(root.clone());
        Ok(())
    }

    /// The messages of a handler's outputs. Their ids follow from the delivery, so that handling it again
    /// after a crash gives the same ones.
    pub(crate) fn caused(&self, cause: &Cause<'_>, outputs: Vec<Buffered>) -> Result<Vec<Outgoing>, NotMade> {
        let mut made = Vec::with_capacity(outputs.len());
        let mut linked = None;
        for (index, Buffered { output, options }) in outputs.into_iter().enumerate() {
            let options = options.as_deref();
            let parts = self.parts(output, options).map_err(NotMade::Invalid)?;
            let id = derived_id(cause, &parts.event_type, index);
            let mut metadata = self.metadata(&parts, id, self.clock.now());
            let is_new_root = options.is_some_and(|options| options.is_new_root);
            self.link(&mut metadata, cause.metadata, cause.handler, is_new_root, &mut linked)
                .map_err(NotMade::Storm)?;
            made.push(finish(parts, metadata, options).map_err(NotMade::Invalid)?);
        }
        Ok(made)
    }

    fn typed_parts(&self, descriptor: &Descriptor, key: Option<ByteString>, payload: Bytes) -> Parts {
        let (event_type, topic) = match self.types.get(descriptor.event_type) {
            Some(known) if known.descriptor.topic == descriptor.topic => {
                (known.name.clone(), known.topic.clone())
            }
            _ => (ByteString::from_static(descriptor.event_type), Topic::from_static(descriptor.topic)),
        };
        Parts { event_type, version: descriptor.version, topic, key, content_type: None, payload }
    }

    fn parts(&self, output: Output, options: Option<&PublishOptions>) -> Result<Parts, Error> {
        match output {
            Output::Typed { descriptor, key, event, encode, .. } => {
                let name = descriptor.event_type;
                let payload = encode(&*event)
                    .ok_or_else(|| {
                        Error::new(
                            ErrorKind::Invalid,
                            format!("`{name}` is a local event and does not leave its process"),
                        )
                    })?
                    .map_err(|error| invalid(name, &error))?;
                Ok(self.typed_parts(&descriptor, key, payload))
            }
            Output::Raw(event) => self.raw_parts(&event, options),
            _ => Err(Error::new(ErrorKind::Unsupported, "an output of a kind that this build does not know")),
        }
    }

    fn raw_parts(&self, event: &RawEvent, options: Option<&PublishOptions>) -> Result<Parts, Error> {
        if let Err(error) = Topic::new(event.event_type()) {
            let text = format!("an event type is made like a topic: {error}");
            return Err(Error::new(ErrorKind::Invalid, text));
        }
        let known = self.types.get(event.event_type());
        let keyed;
        let event = match options.and_then(|options| options.key.clone()) {
            Some(key) if event.key().is_none() => {
                keyed = event.clone().with_key(key);
                &keyed
            }
            _ => event,
        };
        let (topic, key) = event
            .route(known.map(|known| &known.descriptor))
            .map_err(|reason| Error::new(ErrorKind::Invalid, reason))?;
        let payload = event.try_payload().map_err(|error| invalid(event.event_type(), error))?.clone();
        let content_type = (event.content_type() != fanfare_core::JSON).then(|| event.content_type().into());
        Ok(Parts {
            event_type: event.event_type().into(),
            version: known.map_or(1, |known| known.descriptor.version),
            topic,
            key,
            content_type,
            payload,
        })
    }

    fn metadata(&self, parts: &Parts, id: EventId, now: Timestamp) -> Metadata {
        let mut metadata = Metadata::new(id, self.source.clone(), parts.event_type.clone());
        metadata.type_version = parts.version;
        metadata.time = Some(now);
        metadata
    }
}

fn finish(parts: Parts, mut metadata: Metadata, options: Option<&PublishOptions>) -> Result<Outgoing, Error> {
    metadata.content_type = parts.content_type;
    metadata.key = parts.key;
    let mut expected = None;
    if let Some(options) = options {
        apply(options, &mut metadata)?;
        expected = options.expected;
    }
    let mut outgoing = Outgoing::from(Message::new(parts.topic, metadata, parts.payload));
    outgoing.expected = expected;
    Ok(outgoing)
}

fn apply(options: &PublishOptions, metadata: &mut Metadata) -> Result<(), Error> {
    let now = metadata.time.unwrap_or(Timestamp::UNIX_EPOCH);
    let later = |by| {
        let by = SignedDuration::try_from(by).unwrap_or(SignedDuration::MAX);
        now.saturating_add(by).unwrap_or(Timestamp::MAX)
    };
    if let Some(id) = &options.id {
        metadata.id = id.clone();
    }
    if let Some(key) = &options.key {
        metadata.key = Some(key.clone());
    }
    if let Some(at) = options.not_before.or(options.delay.map(later)) {
        metadata.set_not_before(Some(at));
    }
    if let Some(within) = options.expires_in {
        metadata.set_expires(Some(later(within)));
    }
    if let Some(key) = &options.idempotency_key {
        metadata.set_idempotency_key(Some(key.clone()));
    }
    if let Some(id) = &options.correlation_id {
        metadata.correlation_id = Some(id.clone());
    }
    if let Some(subject) = &options.subject {
        metadata.set_subject(Some(subject.clone()));
    }
    for (name, value) in &options.extensions {
        Metadata::check_extension_name(name)
            .map_err(|reason| Error::new(ErrorKind::Invalid, reason).with("type", &metadata.event_type))?;
        metadata.set_extension(name.clone(), value.clone());
    }
    Ok(())
}

/// The id of an output: from the delivery's source and id, the group, the run, and the output's type and index.
fn derived_id(cause: &Cause<'_>, event_type: &str, index: usize) -> EventId {
    // No transport replays yet, so that every run of a group is its first.
    const RUN: u32 = 0;
    EventId::derived(&[
        cause.metadata.source.as_bytes(),
        cause.metadata.id.to_string().as_bytes(),
        cause.group.as_bytes(),
        &RUN.to_le_bytes(),
        event_type.as_bytes(),
        &(index as u64).to_le_bytes(),
    ])
}

fn invalid(event_type: &str, error: &dyn std::fmt::Display) -> Error {
    Error::new(ErrorKind::Invalid, error.to_string()).with("type", event_type)
}
