//! All records but the event, as values.

use bytes::Bytes;
use bytestring::ByteString;
use fanfare_core::{AttemptRecord, GroupName, GroupSpec, Timestamp, Topic, TopicFilter};

use super::{
    Kind,
    wire::{Malformed, Wire, put_micros, put_signed, put_text, put_var},
};

/// A change of state that is not an event.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    Store { seed: [u64; 2] },
    Clock { open_ms: u64 },
    Class { id: u32, topic: Topic, event_type: ByteString, type_version: u32 },
    Attempts { group: u32, positions: Vec<u64> },
    Settled { group: u32, acked: Acked },
    Retried(Retried),
    Dead(Dead),
    Redriven { group: u32, positions: Vec<u64> },
    Discarded { group: u32, positions: Vec<u64> },
    Scheduled { id: u64, due: Timestamp, class: u32, identity: Option<(u128, u64)>, message: Bytes },
    ScheduleDone { id: u64 },
    GroupCreated(Created),
    GroupRenamed { group: u32, name: GroupName },
    GroupDeleted { group: u32 },
    GroupFilter(Refiltered),
    Held(Held),
    Resumed { group: u32, position: u64 },
    Released { group: u32, positions: Vec<u64> },
    Recovered,
}

/// What a group is done with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Acked {
    /// From, to (exclusive), and how many of the group's records are in it; the rest is not the group's.
    pub(crate) ranges: Vec<(u64, u64, u64)>,
    /// Redriven and resumed positions.
    pub(crate) reopened: Vec<u64>,
}

/// An attempt that ended without settling its record.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Retried {
    pub(crate) group: u32,
    pub(crate) position: u64,
    pub(crate) due: Timestamp,
    /// `None`: it does not count.
    pub(crate) failed: Option<AttemptRecord>,
}

/// A record that a group gave up. `start..=position` is settled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dead {
    pub(crate) group: u32,
    pub(crate) start: u64,
    pub(crate) position: u64,
    pub(crate) reason: ByteString,
    pub(crate) at: Timestamp,
    pub(crate) failed: Option<AttemptRecord>,
}

/// A new group. Everything before the cursor counts as settled.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Created {
    pub(crate) group: u32,
    pub(crate) spec: GroupSpec,
    pub(crate) cursor: u64,
    pub(crate) lag: u64,
}

/// Another filter of a group.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refiltered {
    pub(crate) group: u32,
    pub(crate) topics: Vec<TopicFilter>,
    pub(crate) types: Vec<TopicFilter>,
    /// Positions beyond the cursor that counted as settled because they were not the group's, and now are.
    pub(crate) unsettled: Vec<u64>,
    pub(crate) lag: u64,
}

/// A key, or a record without one, that a group passes over.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Held {
    pub(crate) group: u32,
    pub(crate) position: u64,
    pub(crate) class: u32,
    /// The key's number.
    pub(crate) key: Option<u32>,
    pub(crate) is_parked: bool,
    /// Positions that were unsettled and are passed over.
    pub(crate) passed: Vec<u64>,
}

impl Record {
    pub(crate) fn kind(&self) -> Kind {
        match self {
            Self::Store { .. } => Kind::Store,
            Self::Clock { .. } => Kind::Clock,
            Self::Class { .. } => Kind::Class,
            Self::Attempts { .. } => Kind::Attempts,
            Self::Settled { .. } => Kind::Settled,
            Self::Retried(_) => Kind::Retried,
            Self::Dead(_) => Kind::Dead,
            Self::Redriven { .. } => Kind::Redriven,
            Self::Discarded { .. } => Kind::Discarded,
            Self::Scheduled { .. } => Kind::Scheduled,
            Self::ScheduleDone { .. } => Kind::ScheduleDone,
            Self::GroupCreated(_) => Kind::GroupCreated,
            Self::GroupRenamed { .. } => Kind::GroupRenamed,
            Self::GroupDeleted { .. } => Kind::GroupDeleted,
            Self::GroupFilter(_) => Kind::GroupFilter,
            Self::Held(_) => Kind::Held,
            Self::Resumed { .. } => Kind::Resumed,
            Self::Released { .. } => Kind::Released,
            Self::Recovered => Kind::Recovered,
        }
    }

    /// Appends the body.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        out.push(1);
        match self {
            Self::Store { seed } => seed.iter().for_each(|part| out.extend_from_slice(&part.to_le_bytes())),
            Self::Clock { open_ms } => put_var(out, *open_ms),
            Self::Class { id, topic, event_type, type_version } => {
                put_var(out, u64::from(*id));
                put_text(out, topic.as_str());
                put_text(out, event_type);
                put_var(out, u64::from(*type_version));
            }
            Self::Attempts { group, positions }
            | Self::Redriven { group, positions }
            | Self::Discarded { group, positions }
            | Self::Released { group, positions } => {
                put_var(out, u64::from(*group));
                put_positions(out, positions);
            }
            Self::Settled { group, acked } => {
                put_var(out, u64::from(*group));
                put_acked(out, acked);
            }
            Self::Retried(Retried { group, position, due, failed }) => {
                put_var(out, u64::from(*group));
                put_var(out, *position);
                put_micros(out, *due);
                put_failed(out, failed.as_ref());
            }
            Self::Dead(Dead { group, start, position, reason, at, failed }) => {
                put_var(out, u64::from(*group));
                put_var(out, *start);
                put_var(out, *position);
                put_text(out, reason);
                put_micros(out, *at);
                put_failed(out, failed.as_ref());
            }
            Self::Scheduled { id, due, class, identity, message } => {
                put_var(out, *id);
                put_micros(out, *due);
                put_var(out, u64::from(*class));
                put_identity(out, *identity);
                out.extend_from_slice(message);
            }
            Self::ScheduleDone { id } => put_var(out, *id),
            Self::GroupCreated(Created { group, spec, cursor, lag }) => {
                put_var(out, u64::from(*group));
                put_text(out, &spec.name.to_string());
                put_filters(out, &spec.topics);
                put_filters(out, &spec.types);
                put_var(out, *cursor);
                put_var(out, *lag);
            }
            Self::GroupRenamed { group, name } => {
                put_var(out, u64::from(*group));
                put_text(out, &name.to_string());
            }
            Self::GroupDeleted { group } => put_var(out, u64::from(*group)),
            Self::GroupFilter(Refiltered { group, topics, types, unsettled, lag }) => {
                put_var(out, u64::from(*group));
                put_filters(out, topics);
                put_filters(out, types);
                put_positions(out, unsettled);
                put_var(out, *lag);
            }
            Self::Held(Held { group, position, class, key, is_parked, passed }) => {
                put_var(out, u64::from(*group));
                put_var(out, *position);
                put_var(out, u64::from(*class));
                put_var(out, key.map_or(0, |key| u64::from(key) + 1));
                out.push(u8::from(*is_parked));
                put_positions(out, passed);
            }
            Self::Resumed { group, position } => {
                put_var(out, u64::from(*group));
                put_var(out, *position);
            }
            Self::Recovered => {}
        }
    }

    /// Reads a body.
    pub(crate) fn decode(kind: Kind, body: &Bytes) -> Result<Self, Malformed> {
        let mut wire = Wire::new(body);
        wire.version()?;
        let wire = &mut wire;
        Ok(match kind {
            Kind::Store => Self::Store { seed: [wire.u64()?, wire.u64()?] },
            Kind::Clock => Self::Clock { open_ms: wire.var()? },
            Kind::Class => Self::Class {
                id: wire.var32()?,
                topic: Topic::new(wire.text()?).map_err(|_| Malformed("a topic is not valid"))?,
                event_type: wire.text()?,
                type_version: wire.var32()?,
            },
            Kind::Event => return Err(Malformed("an event is not bookkeeping")),
            Kind::Attempts => Self::Attempts { group: wire.var32()?, positions: get_positions(wire)? },
            Kind::Redriven => Self::Redriven { group: wire.var32()?, positions: get_positions(wire)? },
            Kind::Discarded => Self::Discarded { group: wire.var32()?, positions: get_positions(wire)? },
            Kind::Released => Self::Released { group: wire.var32()?, positions: get_positions(wire)? },
            Kind::Settled => Self::Settled { group: wire.var32()?, acked: get_acked(wire)? },
            Kind::Retried => Self::Retried(Retried {
                group: wire.var32()?,
                position: wire.var()?,
                due: wire.micros()?,
                failed: get_failed(wire)?,
            }),
            Kind::Dead => Self::Dead(Dead {
                group: wire.var32()?,
                start: wire.var()?,
                position: wire.var()?,
                reason: wire.text()?,
                at: wire.micros()?,
                failed: get_failed(wire)?,
            }),
            Kind::Scheduled => Self::Scheduled {
                id: wire.var()?,
                due: wire.micros()?,
                class: wire.var32()?,
                identity: get_identity(wire)?,
                message: body.slice_ref(wire.rest()),
            },
            Kind::ScheduleDone => Self::ScheduleDone { id: wire.var()? },
            Kind::GroupCreated => Self::GroupCreated(Created {
                group: wire.var32()?,
                spec: GroupSpec::new(get_name(wire)?, get_filters(wire)?, get_filters(wire)?),
                cursor: wire.var()?,
                lag: wire.var()?,
            }),
            Kind::GroupRenamed => Self::GroupRenamed { group: wire.var32()?, name: get_name(wire)? },
            Kind::GroupDeleted => Self::GroupDeleted { group: wire.var32()? },
            Kind::GroupFilter => Self::GroupFilter(Refiltered {
                group: wire.var32()?,
                topics: get_filters(wire)?,
                types: get_filters(wire)?,
                unsettled: get_positions(wire)?,
                lag: wire.var()?,
            }),
            Kind::Held => Self::Held(Held {
                group: wire.var32()?,
                position: wire.var()?,
                class: wire.var32()?,
                key: match wire.var()? {
                    0 => None,
                    key => Some(u32::try_from(key - 1).map_err(|_| Malformed("a number is too large"))?),
                },
                is_parked: wire.u8()? != 0,
                passed: get_positions(wire)?,
            }),
            Kind::Resumed => Self::Resumed { group: wire.var32()?, position: wire.var()? },
            Kind::Recovered => Self::Recovered,
        })
    }
}

pub(crate) fn put_positions(out: &mut Vec<u8>, positions: &[u64]) {
    put_var(out, positions.len() as u64);
    let mut last = 0;
    for position in positions {
        put_signed(out, position.wrapping_sub(last) as i64);
        last = *position;
    }
}

pub(crate) fn get_positions(wire: &mut Wire<'_>) -> Result<Vec<u64>, Malformed> {
    let mut last = 0_u64;
    let count = wire.count()?;
    (0..count)
        .map(|_| {
            last = last.wrapping_add(wire.signed()? as u64);
            Ok(last)
        })
        .collect()
}

fn put_acked(out: &mut Vec<u8>, acked: &Acked) {
    put_var(out, acked.ranges.len() as u64);
    let mut last = 0;
    for (from, to, count) in &acked.ranges {
        put_signed(out, from.wrapping_sub(last) as i64);
        put_var(out, to - from);
        put_var(out, *count);
        last = *to;
    }
    put_positions(out, &acked.reopened);
}

fn get_acked(wire: &mut Wire<'_>) -> Result<Acked, Malformed> {
    let mut last = 0_u64;
    let mut ranges = Vec::new();
    for _ in 0..wire.count()? {
        let from = last.wrapping_add(wire.signed()? as u64);
        last = from.checked_add(wire.var()?).ok_or(Malformed("a number is too large"))?;
        ranges.push((from, last, wire.var()?));
    }
    Ok(Acked { ranges, reopened: get_positions(wire)? })
}

pub(crate) fn put_failed(out: &mut Vec<u8>, failed: Option<&AttemptRecord>) {
    match failed {
        None => put_var(out, 0),
        Some(failed) => {
            put_var(out, 1);
            put_var(out, u64::from(failed.attempt));
            put_micros(out, failed.at);
            put_text(out, &failed.error);
        }
    }
}

pub(crate) fn get_failed(wire: &mut Wire<'_>) -> Result<Option<AttemptRecord>, Malformed> {
    if wire.var()? == 0 {
        return Ok(None);
    }
    Ok(Some(AttemptRecord::new(wire.var32()?, wire.micros()?, wire.str()?)))
}

/// What the window of repeats keeps; nothing for events that bypass it.
pub(crate) fn put_identity(out: &mut Vec<u8>, identity: Option<(u128, u64)>) {
    out.push(u8::from(identity.is_some()));
    if let Some((identity, content)) = identity {
        out.extend_from_slice(&identity.to_le_bytes());
        out.extend_from_slice(&content.to_le_bytes());
    }
}

pub(crate) fn get_identity(wire: &mut Wire<'_>) -> Result<Option<(u128, u64)>, Malformed> {
    if wire.u8()? == 0 {
        return Ok(None);
    }
    Ok(Some((wire.u128()?, wire.u64()?)))
}

pub(crate) fn put_filters(out: &mut Vec<u8>, filters: &[TopicFilter]) {
    put_var(out, filters.len() as u64);
    filters.iter().for_each(|filter| put_text(out, filter.as_str()));
}

pub(crate) fn get_filters(wire: &mut Wire<'_>) -> Result<Vec<TopicFilter>, Malformed> {
    let count = wire.count()?;
    (0..count)
        .map(|_| TopicFilter::new(wire.text()?).map_err(|_| Malformed("a filter is not valid")))
        .collect()
}

pub(crate) fn get_name(wire: &mut Wire<'_>) -> Result<GroupName, Malformed> {
    wire.str()?.parse().map_err(|_| Malformed("a group's name is not valid"))
}
