//! The state as bytes, and back.
//!
//! ```text
//! version u8 | seed | next position | last time | classes | offsets of topics | keys and heads
//!            | window of repeats | schedule | next group | groups
//! ```

use std::sync::Arc;

use bytes::Bytes;
use fanfare_core::{AttemptRecord, Epoch, GroupSpec, Topic};

use super::{
    group::{DeadEntry, Group, HeldEntry, Pending},
    schedule::Waiting,
    state::{Limits, Machine},
    window::{First, Seen},
};
use crate::{
    index::{Index, key_hash},
    record::{
        Malformed, get_failed, get_filters, get_name, get_positions, put_failed, put_filters, put_positions,
        wire::{Wire, put_bytes, put_micros, put_text, put_var},
    },
};

impl Machine {
    /// Encodes the state.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let mut out = vec![1];
        let out = &mut out;
        self.seed.iter().for_each(|part| out.extend_from_slice(&part.to_le_bytes()));
        put_var(out, self.next_position);
        put_micros(out, self.last_time);
        put_var(out, self.catalog.classes().len() as u64);
        for class in self.catalog.classes() {
            put_text(out, class.topic.as_str());
            put_text(out, &class.event_type);
            put_var(out, u64::from(class.type_version));
        }
        put_var(out, self.catalog.topics().len() as u64);
        self.catalog.topics().iter().for_each(|topic| put_var(out, topic.next_offset));
        put_var(out, self.keys.len() as u64);
        for ((topic, name), head) in self.keys.names().iter().zip(&self.heads) {
            put_var(out, u64::from(*topic));
            put_text(out, name);
            put_var(out, *head);
        }
        self.put_window(out);
        put_var(out, self.schedule.next_id);
        put_var(out, self.schedule.len() as u64);
        for (id, waiting) in self.schedule.iter() {
            put_var(out, id);
            put_micros(out, waiting.due);
            put_var(out, u64::from(waiting.class));
            put_bytes(out, &waiting.message);
        }
        put_var(out, u64::from(self.next_group));
        put_var(out, self.groups.len() as u64);
        for (id, group) in &self.groups {
            put_var(out, u64::from(*id));
            put_group(out, group);
        }
        std::mem::take(out)
    }

    /// Reads what [`Machine::encode`] wrote.
    pub(crate) fn decode(
        body: &Bytes,
        epoch: Epoch,
        limits: Limits,
        index: Arc<Index>,
    ) -> Result<Self, Malformed> {
        let mut wire = Wire::new(body);
        let wire = &mut wire;
        wire.version()?;
        let mut machine = Self::new(epoch, limits, index);
        machine.seed = [wire.u64()?, wire.u64()?];
        machine.index.set_seed(machine.seed);
        machine.next_position = wire.var()?;
        machine.last_time = wire.micros()?;
        for _ in 0..wire.count()? {
            let topic = Topic::new(wire.text()?).map_err(|_| Malformed("a topic is not valid"))?;
            machine.catalog.add(topic, wire.text()?, wire.var32()?);
        }
        for topic in 0..wire.var32()? {
            let next_offset = wire.var()?;
            machine.catalog.topic_mut(topic).ok_or(Malformed("it has too many topics"))?.next_offset =
                next_offset;
        }
        for _ in 0..wire.count()? {
            let (topic, name) = (wire.var32()?, wire.text()?);
            machine.keys.add(key_hash(machine.seed, topic, &name), topic, name);
            machine.heads.push(wire.var()?);
        }
        machine.get_window(wire)?;
        machine.schedule.next_id = wire.var()?;
        for _ in 0..wire.count()? {
            let (id, due, class) = (wire.var()?, wire.micros()?, wire.var32()?);
            let message = Bytes::copy_from_slice(wire.bytes()?);
            machine.schedule.add(id, Waiting { due, class, message });
        }
        machine.next_group = wire.var32()?;
        for _ in 0..wire.count()? {
            let id = wire.var32()?;
            let group = get_group(wire, machine.catalog.classes())?;
            machine.names.insert(group.spec.name.clone(), id);
            machine.groups.insert(id, group);
        }
        if !wire.rest().is_empty() {
            return Err(Malformed("it is longer than it says"));
        }
        Ok(machine)
    }

    fn put_window(&self, out: &mut Vec<u8>) {
        put_var(out, self.window.open_ms);
        put_var(out, self.window.len());
        for seen in self.window.iter() {
            out.extend_from_slice(&seen.identity.to_le_bytes());
            out.extend_from_slice(&seen.content.to_le_bytes());
            put_var(out, seen.open_ms);
            match seen.first {
                First::Scheduled(id) => {
                    out.push(0);
                    put_var(out, id);
                }
                First::Placed { position, offset, revision, recorded_at } => {
                    out.push(1);
                    [position, offset, revision].into_iter().for_each(|number| put_var(out, number));
                    put_micros(out, recorded_at);
                }
            }
        }
    }

    fn get_window(&mut self, wire: &mut Wire<'_>) -> Result<(), Malformed> {
        let open_ms = wire.var()?;
        for _ in 0..wire.count()? {
            let (identity, content, open_ms) = (wire.u128()?, wire.u64()?, wire.var()?);
            let first = match wire.u8()? {
                0 => First::Scheduled(wire.var()?),
                _ => First::Placed {
                    position: wire.var()?,
                    offset: wire.var()?,
                    revision: wire.var()?,
                    recorded_at: wire.micros()?,
                },
            };
            self.window.restore(Seen { identity, content, open_ms, first });
        }
        self.window.open_ms = open_ms;
        Ok(())
    }
}

fn put_group(out: &mut Vec<u8>, group: &Group) {
    put_text(out, &group.spec.name.to_string());
    put_filters(out, &group.spec.topics);
    put_filters(out, &group.spec.types);
    put_var(out, group.cursor);
    put_var(out, group.lag);
    put_var(out, group.ranges.len() as u64);
    for (from, to) in group.ranges.iter() {
        put_var(out, from);
        put_var(out, to - from);
    }
    put_var(out, group.pending.len() as u64);
    for (position, pending) in group.pending_in_order() {
        put_var(out, position);
        put_var(out, u64::from(pending.attempts));
        let flag = |bit: u8, is_set: bool| if is_set { bit } else { 0 };
        let (running, suspect) = (flag(1, pending.is_running), flag(2, pending.is_suspect));
        out.push(running | suspect | flag(4, pending.due.is_some()));
        if let Some(due) = pending.due {
            put_micros(out, due);
        }
        put_history(out, &pending.history);
    }
    put_positions(out, &group.reopened.keys().copied().collect::<Vec<_>>());
    put_var(out, group.dead.len() as u64);
    for (position, dead) in &group.dead {
        put_var(out, *position);
        put_text(out, &dead.reason);
        put_micros(out, dead.at);
        put_history(out, &dead.history);
    }
    put_var(out, group.held.len() as u64);
    for (position, held) in &group.held {
        put_var(out, *position);
        put_var(out, u64::from(held.class));
        put_var(out, held.key.map_or(0, |key| u64::from(key) + 1));
        out.push(u8::from(held.is_parked));
        put_positions(out, &held.passed);
    }
}

fn get_group(wire: &mut Wire<'_>, classes: &[super::Class]) -> Result<Group, Malformed> {
    let spec = GroupSpec::new(get_name(wire)?, get_filters(wire)?, get_filters(wire)?);
    let (cursor, lag) = (wire.var()?, wire.var()?);
    let mut group = Group::new(spec, cursor, lag, classes);
    for _ in 0..wire.count()? {
        let (from, len) = (wire.var()?, wire.var()?);
        group.ranges.insert(from, from.saturating_add(len));
    }
    for _ in 0..wire.count()? {
        let (position, attempts, flags) = (wire.var()?, wire.var32()?, wire.u8()?);
        let due = if flags & 4 != 0 { Some(wire.micros()?) } else { None };
        let history = get_history(wire)?;
        let (is_running, is_suspect) = (flags & 1 != 0, flags & 2 != 0);
        group.pending.insert(position, Pending { attempts, is_running, is_suspect, due, history });
    }
    group.reopened.extend(get_positions(wire)?.into_iter().map(|position| (position, 0)));
    for _ in 0..wire.count()? {
        let (position, reason, at) = (wire.var()?, wire.text()?, wire.micros()?);
        group.dead.insert(position, DeadEntry { reason, at, history: get_history(wire)? });
    }
    for _ in 0..wire.count()? {
        let (position, class) = (wire.var()?, wire.var32()?);
        let key = u32::try_from(wire.var()?).map_err(|_| Malformed("a number is too large"))?.checked_sub(1);
        let is_parked = wire.u8()? != 0;
        if let Some(key) = key {
            group.held_keys.insert(key, position);
        }
        let passed = get_positions(wire)?;
        group.passed += passed.len();
        group.held.insert(position, HeldEntry { class, key, is_parked, passed });
    }
    Ok(group)
}

fn put_history(out: &mut Vec<u8>, history: &[AttemptRecord]) {
    put_var(out, history.len() as u64);
    history.iter().for_each(|failed| put_failed(out, Some(failed)));
}

fn get_history(wire: &mut Wire<'_>) -> Result<Vec<AttemptRecord>, Malformed> {
    let count = wire.count()?;
    (0..count).filter_map(|_| get_failed(wire).transpose()).collect()
}
