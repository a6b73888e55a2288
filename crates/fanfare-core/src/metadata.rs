//! The attributes of an event: CloudEvents 1.0 and Fanfare's extensions, in typed fields.
//! What few events carry lives in one boxed part, so that the common event stays small.

use std::{borrow::Cow, collections::BTreeMap};

use bytestring::ByteString;
use jiff::Timestamp;

use crate::EventId;

/// Attributes of one event (CloudEvents 1.0, section 3; Fanfare's extensions carry the wire names given
/// at each field).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// `id`: unique within the source.
    pub id: EventId,
    /// `source`: who made it, a URI reference; the application's name by default.
    pub source: ByteString,
    /// `type`: the event type.
    pub event_type: ByteString,
    /// `typeversion`: version of the type's shape, from 1.
    pub type_version: u32,
    /// `time`: when it happened.
    pub time: Option<Timestamp>,
    /// `datacontenttype`; `None` means JSON, or no payload at all.
    pub content_type: Option<ByteString>,
    /// `partitionkey`: which thing it is about.
    pub key: Option<ByteString>,
    /// `correlationid`: the business flow; the id of the first event of a chain.
    pub correlation_id: Option<EventId>,
    /// `causationid`: the event whose handling made this one.
    pub causation_id: Option<EventId>,
    /// `causationdepth`: how many handlings led here; 0 for a root event.
    pub causation_depth: u16,
    rare: Option<Box<Rare>>,
}

/// Names that no extension of the user's may have: attributes, a member of the JSON format, and what Fanfare keeps
/// in extensions.
const RESERVED: [&str; 25] = [
    "specversion",
    "data",
    "id",
    "source",
    "type",
    "typeversion",
    "time",
    "datacontenttype",
    "dataschema",
    "subject",
    "partitionkey",
    "correlationid",
    "causationid",
    "causationdepth",
    "causationchain",
    "sequence",
    "traceparent",
    "tracestate",
    "notbefore",
    "expirytime",
    "replyto",
    "idempotencykey",
    "deadreason",
    "deadtopic",
    "deadattempts",
];

#[derive(Clone, Debug, Default, PartialEq)]
struct Rare {
    subject: Option<ByteString>,
    data_schema: Option<ByteString>,
    sequence: Option<ByteString>,
    trace_parent: Option<ByteString>,
    trace_state: Option<ByteString>,
    not_before: Option<Timestamp>,
    expires: Option<Timestamp>,
    reply_to: Option<ByteString>,
    idempotency_key: Option<ByteString>,
    extensions: BTreeMap<String, Extension>,
}

/// The value of an extension attribute that Fanfare gives no meaning (CloudEvents 1.0, section 2).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Extension {
    /// A truth value.
    Bool(bool),
    /// A whole number of 32 bits.
    Integer(i32),
    /// Any other type in its canonical text form.
    Text(ByteString),
}

macro_rules! rare {
    ($($(#[$doc:meta])* $get:ident, $set:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        pub fn $get(&self) -> Option<&$type> {
            self.rare.as_ref().and_then(|rare| rare.$get.as_ref())
        }

        #[doc = concat!("Sets or clears [`Metadata::", stringify!($get), "`].")]
        pub fn $set(&mut self, value: Option<$type>) {
            if value.is_some() || self.rare.is_some() {
                self.rare.get_or_insert_default().$get = value;
            }
        }
    )*};
}

impl Metadata {
    /// The attributes that CloudEvents requires; the rest is empty, the version 1.
    pub fn new(id: EventId, source: impl Into<ByteString>, event_type: impl Into<ByteString>) -> Self {
        Self {
            id,
            source: source.into(),
            event_type: event_type.into(),
            type_version: 1,
            time: None,
            content_type: None,
            key: None,
            correlation_id: None,
            causation_id: None,
            causation_depth: 0,
            rare: None,
        }
    }

    rare! {
        /// `subject`: what within the source it is about.
        subject, set_subject: ByteString;
        /// `dataschema`: where the payload's schema is, a URI.
        data_schema, set_data_schema: ByteString;
        /// `sequence`: the producer's own number.
        sequence, set_sequence: ByteString;
        /// `traceparent` (W3C trace context).
        trace_parent, set_trace_parent: ByteString;
        /// `tracestate` (W3C trace context).
        trace_state, set_trace_state: ByteString;
        /// `notbefore`: delivered no earlier than this.
        not_before, set_not_before: Timestamp;
        /// `expirytime`: becomes a dead letter when it is not handled by then.
        expires, set_expires: Timestamp;
        /// `replyto`: where an answer goes.
        reply_to, set_reply_to: ByteString;
        /// `idempotencykey`: a second publish with the same topic, key and idempotency key is a repeat.
        idempotency_key, set_idempotency_key: ByteString;
    }

    /// Extension attributes that Fanfare gives no meaning, by name.
    pub fn extensions(&self) -> impl Iterator<Item = (&str, &Extension)> {
        self.rare.iter().flat_map(|rare| rare.extensions.iter().map(|(name, value)| (name.as_str(), value)))
    }

    /// An extension attribute by name.
    pub fn extension(&self, name: &str) -> Option<&Extension> {
        self.rare.as_ref().and_then(|rare| rare.extensions.get(name))
    }

    /// Sets an extension attribute. Its name is lower-case ASCII letters and digits, 1 to 20 characters by
    /// the specification's advice; other names are kept as they came.
    pub fn set_extension(&mut self, name: impl Into<String>, value: Extension) {
        self.rare.get_or_insert_default().extensions.insert(name.into(), value);
    }

    /// Whether an extension attribute of your own may have this name: lower-case ASCII letters and digits, and none that
    /// CloudEvents or Fanfare gives a meaning. The specification advises 20 characters at most (CloudEvents
    /// 1.0, section 3, Naming); longer names are taken.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn check_extension_name(name: &str) -> Result<(), String> {
        let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if name.is_empty() || !name.bytes().all(is_plain) {
            return Err(format!("`{name}` is no name of a header: lower-case ASCII letters and digits only"));
        }
        if RESERVED.contains(&name) {
            return Err(format!("the header `{name}` has a meaning of its own already; choose another name"));
        }
        Ok(())
    }

    /// Whether anything beyond the plain fields is set.
    pub fn has_rare(&self) -> bool {
        self.rare.is_some()
    }

    /// Every attribute that is set, by wire name, in the canonical text form of its type: what a binary
    /// mode binding writes into headers.
    pub fn attributes(&self) -> Vec<(Cow<'_, str>, Cow<'_, str>)> {
        let mut all: Vec<(Cow<'_, str>, Cow<'_, str>)> = vec![
            ("id".into(), self.id.to_string().into()),
            ("source".into(), (&*self.source).into()),
            ("type".into(), (&*self.event_type).into()),
        ];
        if self.type_version != 1 {
            all.push(("typeversion".into(), self.type_version.to_string().into()));
        }
        if self.causation_depth != 0 {
            all.push(("causationdepth".into(), self.causation_depth.to_string().into()));
        }
        let mut text = |name: &'static str, value: Option<&'_ ByteString>| {
            if let Some(value) = value {
                all.push((name.into(), value.to_string().into()));
            }
        };
        text("datacontenttype", self.content_type.as_ref());
        text("partitionkey", self.key.as_ref());
        text("subject", self.subject());
        text("dataschema", self.data_schema());
        text("sequence", self.sequence());
        text("traceparent", self.trace_parent());
        text("tracestate", self.trace_state());
        text("replyto", self.reply_to());
        text("idempotencykey", self.idempotency_key());
        let times =
            [("time", self.time.as_ref()), ("notbefore", self.not_before()), ("expirytime", self.expires())];
        for (name, time) in times {
            if let Some(time) = time {
                all.push((name.into(), time.to_string().into()));
            }
        }
        let ids = [("correlationid", &self.correlation_id), ("causationid", &self.causation_id)];
        for (name, id) in ids {
            if let Some(id) = id {
                all.push((name.into(), id.to_string().into()));
            }
        }
        for (name, value) in self.extensions() {
            all.push((name.into(), value.to_string().into()));
        }
        all
    }

    /// Sets the attribute of a wire name from its text form; a name that Fanfare gives no meaning becomes
    /// an extension.
    ///
    /// # Errors
    /// When the text does not fit the attribute's type; the text says which.
    pub fn set_attribute(&mut self, name: &str, value: &str) -> Result<(), String> {
        let text = || ByteString::from(value);
        let time = || {
            value.parse::<Timestamp>().map_err(|error| format!("`{name}` is not an RFC 3339 time: {error}"))
        };
        let number = |max: u32| match value.parse::<u32>() {
            Ok(number) if number <= max => Ok(number),
            _ => Err(format!("`{name}` is not a whole number from 0 to {max}")),
        };
        match name {
            "id" => self.id = EventId::from(value),
            "source" => self.source = text(),
            "type" => self.event_type = text(),
            "typeversion" => self.type_version = number(u32::MAX)?,
            "time" => self.time = Some(time()?),
            "datacontenttype" => self.content_type = Some(text()),
            "partitionkey" => self.key = Some(text()),
            "correlationid" => self.correlation_id = Some(EventId::from(value)),
            "causationid" => self.causation_id = Some(EventId::from(value)),
            "causationdepth" => {
                self.causation_depth = u16::try_from(number(u32::from(u16::MAX))?).unwrap_or(u16::MAX);
            }
            "subject" => self.set_subject(Some(text())),
            "dataschema" => self.set_data_schema(Some(text())),
            "sequence" => self.set_sequence(Some(text())),
            "traceparent" => self.set_trace_parent(Some(text())),
            "tracestate" => self.set_trace_state(Some(text())),
            "notbefore" => self.set_not_before(Some(time()?)),
            "expirytime" => self.set_expires(Some(time()?)),
            "replyto" => self.set_reply_to(Some(text())),
            "idempotencykey" => self.set_idempotency_key(Some(text())),
            _ => self.set_extension(name, Extension::Text(text())),
        }
        Ok(())
    }
}

impl std::fmt::Display for Extension {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::Integer(value) => value.fmt(f),
            Self::Text(value) => f.write_str(value),
        }
    }
}
