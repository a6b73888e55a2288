use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use bytestring::ByteString;
use fanfare_core::{Epoch, Error, ErrorKind, GroupName, Recorded, Timestamp};

use super::{
    catalog::Catalog, group::Group, identity::Identity, keys::KeyTable, schedule::Schedule, window::Window,
};
use crate::{
    index::{Fresh, Index, Print, key_hash},
    journal::BatchBuf,
    record::{Record, encode_event},
};

/// Bounds of the state.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Bytes of a payload.
    pub(crate) message_max: usize,
    /// Publishes that are remembered to recognise repeats.
    pub(crate) window_max: usize,
    /// Delayed events.
    pub(crate) scheduled_max: usize,
    /// Bytes of delayed events.
    pub(crate) scheduled_bytes_max: usize,
    /// Records that a group passes over because their keys are held or parked.
    pub(crate) held_records_max: usize,
    /// Dead letters of one group.
    pub(crate) dead_letters_max: usize,
}

/// The broker's state; see the module.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(super) epoch: Epoch,
    pub(super) limits: Limits,
    pub(super) seed: [u64; 2],
    pub(super) next_position: u64,
    /// When the last event was taken; times of records never go back.
    pub(super) last_time: Timestamp,
    pub(super) catalog: Catalog,
    pub(super) keys: KeyTable,
    /// Newest revision by key number.
    pub(super) heads: Vec<u64>,
    pub(super) window: Window,
    pub(super) schedule: Schedule,
    pub(super) groups: BTreeMap<u32, Group>,
    pub(super) names: HashMap<GroupName, u32>,
    pub(super) next_group: u32,
    pub(super) next_lease: u64,
    /// Publishes that were repeats, in this process.
    pub(super) repeats: u64,
    /// Events of this batch that the index has not seen.
    pub(super) fresh: Vec<Fresh>,
    pub(super) index: Arc<Index>,
}

impl Machine {
    /// The state of a store in which nothing has happened.
    pub(crate) fn new(epoch: Epoch, limits: Limits, index: Arc<Index>) -> Self {
        Self {
            epoch,
            limits,
            seed: [0; 2],
            next_position: 0,
            last_time: Timestamp::UNIX_EPOCH,
            catalog: Catalog::default(),
            keys: KeyTable::default(),
            heads: Vec::new(),
            window: Window::new(limits.window_max),
            schedule: Schedule::default(),
            groups: BTreeMap::new(),
            names: HashMap::new(),
            next_group: 1,
            next_lease: 1,
            repeats: 0,
            fresh: Vec::new(),
            index,
        }
    }

    /// Gives a new store its random seed.
    pub(crate) fn found(&mut self, out: &mut BatchBuf, seed: [u64; 2]) {
        self.change(out, &Record::Store { seed });
    }

    /// Whether [`Machine::found`] was called for this store.
    pub(crate) fn is_founded(&self) -> bool {
        self.seed != [0; 2]
    }

    /// How long the store has been open, all processes together, by the journal.
    pub(crate) fn open_ms(&self) -> u64 {
        self.window.open_ms
    }

    /// Says how long the store has been open.
    pub(crate) fn clock(&mut self, out: &mut BatchBuf, open_ms: u64) {
        self.change(out, &Record::Clock { open_ms });
    }

    /// After an unclean stop: attempts that were running are suspects.
    pub(crate) fn recovered(&mut self, out: &mut BatchBuf) {
        if self.groups.values().any(|group| group.pending.values().any(|pending| pending.is_running)) {
            self.change(out, &Record::Recovered);
        }
    }

    /// The position of the next event.
    pub(crate) fn end(&self) -> u64 {
        self.next_position
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// When the next delayed event is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.schedule.next_due()
    }

    /// Delayed events.
    pub(crate) fn scheduled(&self) -> usize {
        self.schedule.len()
    }

    pub(crate) fn repeats(&self) -> u64 {
        self.repeats
    }

    /// Publishes that the window of repeats forgot before their time.
    pub(crate) fn repeats_cut(&self) -> u64 {
        self.window.cut
    }

    pub(crate) fn group(&self, id: u32) -> Option<&Group> {
        self.groups.get(&id)
    }

    pub(crate) fn groups(&self) -> impl Iterator<Item = (u32, &Group)> {
        self.groups.iter().map(|(id, group)| (*id, group))
    }

    pub(crate) fn group_id(&self, name: &GroupName) -> Result<u32, Error> {
        self.names.get(name).copied().ok_or_else(|| {
            Error::new(ErrorKind::NotFound, "there is no such group; an application's plan creates it")
                .with("group", name)
        })
    }

    /// Whether the batch has events.
    pub(crate) fn has_fresh(&self) -> bool {
        !self.fresh.is_empty()
    }

    /// Bytes of the delayed events that are due next, when they become events; at most.
    pub(crate) fn due_bytes(&self, max: usize) -> u64 {
        self.schedule.due_bytes(max)
    }

    /// Moves what the batch at `lsn` added into the index.
    pub(crate) fn publish_index(&mut self, lsn: crate::journal::Lsn) {
        if !self.fresh.is_empty() {
            self.index.push(lsn, self.catalog.classes(), &mut self.fresh);
        }
    }

    /// Appends a record and changes the state by it.
    pub(super) fn change(&mut self, out: &mut BatchBuf, record: &Record) {
        out.push(record.kind() as u8, |body| record.encode(body));
        self.absorb(record);
    }

    /// Appends an event and changes the state by it.
    pub(super) fn change_event(
        &mut self,
        out: &mut BatchBuf,
        record: Arc<Recorded>,
        class: u32,
        known: Option<u32>,
        identity: Option<Identity>,
    ) {
        let bypasses = identity.is_none();
        let kind = crate::record::Kind::Event as u8;
        let offset =
            out.push(kind, |body| encode_event(body, &record.place, class, bypasses, &record.message));
        let print = Print::of(out.since(offset));
        let (key, new_key) =
            self.absorb_event(&record.place, record.message.metadata.key.as_deref(), class, known, identity);
        self.fresh.push(Fresh { record, class, key, new_key, offset, print });
    }

    /// The number of a key, if it has appeared, and its hash.
    pub(super) fn find_key(&self, topic_id: u32, key: &str) -> (u64, Option<u32>) {
        let hash = key_hash(self.seed, topic_id, key);
        (hash, self.keys.find(hash, topic_id, key))
    }

    /// A key's name that does not keep the publisher's buffer alive.
    pub(super) fn own(name: &str) -> ByteString {
        ByteString::from(name)
    }

    /// The time that an event taken now carries.
    pub(super) fn stamp(&self, now: Timestamp) -> Timestamp {
        let micros = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
        micros.max(self.last_time)
    }
}
