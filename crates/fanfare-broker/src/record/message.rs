//! An event's attributes and payload, compact, and decoded without copying: texts and payload share the
//! memory of the record.
//!
//! ```text
//! flags u16 | id 16 bytes, or text | source text | what the flags name, in their order | payload to the end
//! ```

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{EventId, Extension, Metadata};
use uuid::Uuid;

use super::wire::{Malformed, Wire, put_signed, put_text, put_time, put_var};

const TIME: u16 = 1;
const CONTENT_TYPE: u16 = 1 << 1;
const KEY: u16 = 1 << 2;
const CORRELATION: u16 = 1 << 3;
const CAUSATION: u16 = 1 << 4;
const DEPTH: u16 = 1 << 5;
const RARE: u16 = 1 << 6;
const ID_TEXT: u16 = 1 << 7;
const CORRELATION_TEXT: u16 = 1 << 8;
const CAUSATION_TEXT: u16 = 1 << 9;
const KNOWN: u16 = (1 << 10) - 1;

/// Appends everything but topic, type and type version, which the record's class says.
pub(crate) fn encode_message(out: &mut Vec<u8>, metadata: &Metadata, payload: &[u8]) {
    let mut flags = 0;
    let mut set = |flag: u16, is_set: bool| flags |= if is_set { flag } else { 0 };
    let is_text = |id: Option<&EventId>| id.is_some_and(|id| id.as_uuid().is_none());
    set(TIME, metadata.time.is_some());
    set(CONTENT_TYPE, metadata.content_type.is_some());
    set(KEY, metadata.key.is_some());
    set(CORRELATION, metadata.correlation_id.is_some());
    set(CAUSATION, metadata.causation_id.is_some());
    set(DEPTH, metadata.causation_depth != 0);
    set(RARE, metadata.has_rare());
    set(ID_TEXT, is_text(Some(&metadata.id)));
    set(CORRELATION_TEXT, is_text(metadata.correlation_id.as_ref()));
    set(CAUSATION_TEXT, is_text(metadata.causation_id.as_ref()));
    out.extend_from_slice(&flags.to_le_bytes());
    put_id(out, &metadata.id);
    put_text(out, &metadata.source);
    if let Some(time) = metadata.time {
        put_time(out, time);
    }
    for text in [&metadata.content_type, &metadata.key].into_iter().flatten() {
        put_text(out, text);
    }
    for id in [&metadata.correlation_id, &metadata.causation_id].into_iter().flatten() {
        put_id(out, id);
    }
    if metadata.causation_depth != 0 {
        put_var(out, u64::from(metadata.causation_depth));
    }
    if metadata.has_rare() {
        put_rare(out, metadata);
    }
    out.extend_from_slice(payload);
}

/// Reads what [`encode_message`] wrote; `rest` is the end of `body`.
pub(crate) fn decode_message(
    body: &Bytes,
    rest: &[u8],
    event_type: ByteString,
    type_version: u32,
) -> Result<(Metadata, Bytes), Malformed> {
    let mut wire = Wire::new(rest);
    let text = |wire: &mut Wire<'_>| shared(body, wire.bytes()?);
    let flags = known_flags(&mut wire)?;
    let has = |flag: u16| flags & flag != 0;
    let id = get_id(&mut wire, has(ID_TEXT))?;
    let source = text(&mut wire)?;
    let mut metadata = Metadata::new(id, source, event_type);
    metadata.type_version = type_version;
    if has(TIME) {
        metadata.time = Some(wire.time()?);
    }
    if has(CONTENT_TYPE) {
        metadata.content_type = Some(text(&mut wire)?);
    }
    if has(KEY) {
        metadata.key = Some(text(&mut wire)?);
    }
    if has(CORRELATION) {
        metadata.correlation_id = Some(get_id(&mut wire, has(CORRELATION_TEXT))?);
    }
    if has(CAUSATION) {
        metadata.causation_id = Some(get_id(&mut wire, has(CAUSATION_TEXT))?);
    }
    if has(DEPTH) {
        metadata.causation_depth =
            u16::try_from(wire.var()?).map_err(|_| Malformed("a number is too large"))?;
    }
    if has(RARE) {
        get_rare(&mut wire, body, &mut metadata)?;
    }
    Ok((metadata, body.slice_ref(wire.rest())))
}

/// What a message is known by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessagePeek<'a> {
    pub(crate) id: EventId,
    pub(crate) source: &'a [u8],
    pub(crate) key: Option<&'a str>,
    /// Whether there is more, an idempotency key perhaps.
    pub(crate) has_rare: bool,
}

/// Reads as far as the key.
pub(super) fn peek_message(rest: &[u8]) -> Result<MessagePeek<'_>, Malformed> {
    let mut wire = Wire::new(rest);
    let flags = known_flags(&mut wire)?;
    let has = |flag: u16| flags & flag != 0;
    let id = get_id(&mut wire, has(ID_TEXT))?;
    let source = wire.bytes()?;
    if has(TIME) {
        wire.time()?;
    }
    if has(CONTENT_TYPE) {
        wire.bytes()?;
    }
    let key = if has(KEY) { Some(wire.str()?) } else { None };
    Ok(MessagePeek { id, source, key, has_rare: has(RARE) })
}

fn known_flags(wire: &mut Wire<'_>) -> Result<u16, Malformed> {
    let flags = wire.u16()?;
    if flags & !KNOWN != 0 {
        return Err(Malformed("it has attributes that this version does not know"));
    }
    Ok(flags)
}

fn put_id(out: &mut Vec<u8>, id: &EventId) {
    match id {
        EventId::Uuid(uuid) => out.extend_from_slice(uuid.as_bytes()),
        EventId::Text(text) => put_text(out, text),
    }
}

fn get_id(wire: &mut Wire<'_>, is_text: bool) -> Result<EventId, Malformed> {
    if is_text {
        return wire.str().map(|text| EventId::Text(text.into()));
    }
    let bytes = wire.take(16)?;
    Uuid::from_slice(bytes).map(EventId::Uuid).map_err(|_| Malformed("an id is no UUID"))
}

/// Text that shares the memory of the record.
fn shared(body: &Bytes, part: &[u8]) -> Result<ByteString, Malformed> {
    ByteString::try_from(body.slice_ref(part)).map_err(|_| Malformed("a text is not UTF-8"))
}

/// ```text
/// flags u16 | texts | times | number of extensions | (name, tag, value)*
/// ```
fn put_rare(out: &mut Vec<u8>, metadata: &Metadata) {
    let texts = texts(metadata);
    let times = [metadata.not_before(), metadata.expires()];
    let set = texts.iter().map(Option::is_some).chain(times.iter().map(Option::is_some));
    let flags = set.enumerate().fold(0_u16, |flags, (bit, is_set)| flags | (u16::from(is_set) << bit));
    out.extend_from_slice(&flags.to_le_bytes());
    for text in texts.into_iter().flatten() {
        put_text(out, text);
    }
    for time in times.into_iter().flatten() {
        put_time(out, *time);
    }
    put_var(out, metadata.extensions().count() as u64);
    for (name, value) in metadata.extensions() {
        put_text(out, name);
        match value {
            Extension::Bool(value) => out.extend_from_slice(&[0, u8::from(*value)]),
            Extension::Integer(value) => {
                out.push(1);
                put_signed(out, i64::from(*value));
            }
            other => {
                out.push(2);
                put_text(out, &other.to_string());
            }
        }
    }
}

fn texts(metadata: &Metadata) -> [Option<&ByteString>; 7] {
    [
        metadata.subject(),
        metadata.data_schema(),
        metadata.sequence(),
        metadata.trace_parent(),
        metadata.trace_state(),
        metadata.reply_to(),
        metadata.idempotency_key(),
    ]
}

fn get_rare(wire: &mut Wire<'_>, body: &Bytes, metadata: &mut Metadata) -> Result<(), Malformed> {
    let flags = wire.u16()?;
    let setters = [
        Metadata::set_subject,
        Metadata::set_data_schema,
        Metadata::set_sequence,
        Metadata::set_trace_parent,
        Metadata::set_trace_state,
        Metadata::set_reply_to,
        Metadata::set_idempotency_key,
    ];
    for (bit, set) in setters.into_iter().enumerate() {
        if flags & (1 << bit) != 0 {
            set(metadata, Some(shared(body, wire.bytes()?)?));
        }
    }
    if flags & (1 << 7) != 0 {
        metadata.set_not_before(Some(wire.time()?));
    }
    if flags & (1 << 8) != 0 {
        metadata.set_expires(Some(wire.time()?));
    }
    for _ in 0..wire.count()? {
        let name = wire.str()?;
        let value = match wire.u8()? {
            0 => Extension::Bool(wire.u8()? != 0),
            1 => Extension::Integer(
                i32::try_from(wire.signed()?).map_err(|_| Malformed("a number is too large"))?,
            ),
            _ => Extension::Text(shared(body, wire.bytes()?)?),
        };
        metadata.set_extension(name, value);
    }
    Ok(())
}
