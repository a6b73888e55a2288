use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytestring::ByteString;
use fanfare_core::{Recorded, Topic};
use parking_lot::{RwLock, RwLockReadGuard};

use super::chunks::Chunks;
use crate::{
    journal::Lsn,
    machine::{Class, Hasher, KeyTable, TopicIds},
};

/// Bytes that a decoded record takes besides its payload, roughly.
const RECORD_OVERHEAD: usize = 400;

/// By what the body of a record is known when it is read again on its own, without the batch whose checksum
/// covers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Print {
    /// In bytes.
    pub(crate) len: u32,
    crc: u32,
}

impl Print {
    pub(crate) fn of(body: &[u8]) -> Self {
        Self { len: body.len() as u32, crc: crc32fast::hash(body) }
    }
}

/// Where an event's record is, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    /// Of the record's body.
    pub(crate) lsn: Lsn,
    /// Of the record's body.
    pub(crate) print: Print,
    pub(crate) class: u32,
    /// The key's number plus one; 0 for an event without a key.
    key: u32,
}

impl Entry {
    pub(crate) fn new(lsn: Lsn, print: Print, class: u32, key: Option<u32>) -> Self {
        Self { lsn, print, class, key: key.map_or(0, |key| key + 1) }
    }

    pub(crate) fn key(&self) -> Option<u32> {
        self.key.checked_sub(1)
    }
}

/// A key that appears for the first time: its hash, topic and name.
pub(crate) type NewKey = (u64, u32, ByteString);

/// An event that the machine has added and the index has not seen.
#[derive(Clone, Debug)]
pub(crate) struct Fresh {
    pub(crate) record: Arc<Recorded>,
    pub(crate) class: u32,
    pub(crate) key: Option<u32>,
    pub(crate) new_key: Option<NewKey>,
    /// Where the body is inside its batch.
    pub(crate) offset: u64,
    pub(crate) print: Print,
}

/// The index; see the module.
#[derive(Debug)]
pub(crate) struct Index {
    inner: RwLock<Inner>,
    visible: AtomicU64,
}

/// What is behind the lock.
#[derive(Debug)]
pub(crate) struct Inner {
    entries: Chunks<Entry>,
    classes: Vec<Class>,
    topic_ids: TopicIds,
    keys: KeyTable,
    key_positions: Vec<Positions>,
    recent: VecDeque<Arc<Recorded>>,
    recent_bytes: usize,
    /// Records that memory storage keeps although it dropped their neighbours: dead letters, and what came of them.
    pinned: BTreeMap<u64, Arc<Recorded>>,
    pinned_bytes: usize,
    seed: [u64; 2],
    start: u64,
}

/// The positions of a key by revision.
#[derive(Debug, Default)]
struct Positions {
    /// Revisions that were dropped from the front.
    dropped: u64,
    list: VecDeque<u64>,
}

impl Index {
    pub(crate) fn new() -> Self {
        Self {
            inner: RwLock::new(Inner {
                entries: Chunks::new(),
                classes: Vec::new(),
                topic_ids: TopicIds::default(),
                keys: KeyTable::default(),
                key_positions: Vec::new(),
                recent: VecDeque::new(),
                recent_bytes: 0,
                pinned: BTreeMap::new(),
                pinned_bytes: 0,
                seed: [0; 2],
                start: 0,
            }),
            visible: AtomicU64::new(0),
        }
    }

    /// Positions before this one are durable by the store's policy, and may be seen.
    pub(crate) fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    pub(crate) fn set_visible(&self, position: u64) {
        self.visible.fetch_max(position, Ordering::AcqRel);
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Inner> {
        self.inner.read()
    }

    pub(crate) fn set_seed(&self, seed: [u64; 2]) {
        self.inner.write().seed = seed;
    }

    /// Takes in a batch's events, which stand at `lsn`, and the classes that are new.
    pub(crate) fn push(&self, lsn: Lsn, classes: &[Class], fresh: &mut Vec<Fresh>) {
        let mut inner = self.inner.write();
        inner.learn(classes);
        for event in fresh.drain(..) {
            let entry = Entry::new(lsn.advance(event.offset), event.print, event.class, event.key);
            inner.push(entry, event.new_key);
            inner.recent_bytes += size(&event.record);
            inner.recent.push_back(event.record);
        }
    }

    /// Takes in an event that was read back, without keeping it decoded.
    pub(crate) fn push_cold(&self, entry: Entry, classes: &[Class], new_key: Option<NewKey>) {
        let mut inner = self.inner.write();
        inner.learn(classes);
        inner.push(entry, new_key);
    }

    /// Drops decoded records over `bytes_max`, which can be read again.
    pub(crate) fn trim(&self, bytes_max: usize) {
        let visible = self.visible();
        if self.inner.read().recent_bytes <= bytes_max {
            return;
        }
        let mut inner = self.inner.write();
        while inner.recent_bytes > bytes_max && inner.recent_start() < visible {
            inner.pop_recent();
        }
    }

    /// Drops records over `bytes_max` before `floor` for good, but for those that `is_pinned`.
    pub(crate) fn forget(&self, bytes_max: usize, floor: u64, is_pinned: impl Fn(u64) -> bool) {
        let mut inner = self.inner.write();
        while inner.recent_bytes > bytes_max && inner.recent_start() < floor {
            let position = inner.recent_start();
            let Some(record) = inner.pop_recent() else { break };
            inner.start = position + 1;
            if let Some(key) = inner.entries.get(position).and_then(Entry::key)
                && let Some(positions) = inner.key_positions.get_mut(key as usize)
            {
                positions.list.pop_front();
                positions.dropped += 1;
            }
            if is_pinned(position) {
                inner.pinned_bytes += size(&record);
                inner.pinned.insert(position, record);
            }
        }
        let inner = &mut *inner;
        inner.entries.drop_before(inner.start);
        inner.pinned.retain(|position, record| {
            let is_kept = is_pinned(*position);
            inner.pinned_bytes -= if is_kept { 0 } else { size(record) };
            is_kept
        });
    }

    /// Bytes of decoded records, roughly: of the newest, and of those that are kept for what they are.
    pub(crate) fn bytes(&self) -> (usize, usize) {
        let inner = self.inner.read();
        (inner.recent_bytes, inner.pinned_bytes)
    }
}

impl Inner {
    fn learn(&mut self, classes: &[Class]) {
        if let Some(new) = classes.get(self.classes.len()..).filter(|new| !new.is_empty()) {
            new.iter().for_each(|class| self.topic_ids.add(class.topic.as_str(), class.topic_id));
            self.classes.extend_from_slice(new);
        }
    }

    fn push(&mut self, entry: Entry, new_key: Option<NewKey>) {
        let position = self.entries.len();
        if let Some((hash, topic, name)) = new_key {
            self.keys.add(hash, topic, name);
        }
        if let Some(key) = entry.key() {
            let at = key as usize;
            if self.key_positions.len() <= at {
                self.key_positions.resize_with(at + 1, Positions::default);
            }
            if let Some(positions) = self.key_positions.get_mut(at) {
                positions.list.push_back(position);
            }
        }
        self.entries.push(entry);
    }

    fn pop_recent(&mut self) -> Option<Arc<Recorded>> {
        let record = self.recent.pop_front()?;
        self.recent_bytes = self.recent_bytes.saturating_sub(size(&record));
        Some(record)
    }

    fn recent_start(&self) -> u64 {
        self.entries.len() - self.recent.len() as u64
    }

    /// What hashes start with.
    pub(crate) fn seed(&self) -> [u64; 2] {
        self.seed
    }

    /// The first position that is kept.
    pub(crate) fn start(&self) -> u64 {
        self.start
    }

    /// The position of the next event, visible or not.
    pub(crate) fn end(&self) -> u64 {
        self.entries.len()
    }

    pub(crate) fn entry(&self, position: u64) -> Option<&Entry> {
        self.entries.get(position)
    }

    /// A record that is there in decoded form.
    pub(crate) fn record(&self, position: u64) -> Option<&Arc<Recorded>> {
        match position.checked_sub(self.recent_start()) {
            Some(at) => self.recent.get(usize::try_from(at).ok()?),
            None => self.pinned.get(&position),
        }
    }

    pub(crate) fn class(&self, class: u32) -> Option<&Class> {
        self.classes.get(class as usize)
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.classes
    }

    pub(crate) fn key_name(&self, key: u32) -> Option<&ByteString> {
        self.keys.name(key).map(|(_, name)| name)
    }

    /// The number of a key.
    pub(crate) fn key_id(&self, topic: &Topic, key: &str) -> Option<u32> {
        let topic_id = self.topic_ids.find(topic.as_str())?;
        self.keys.find(key_hash(self.seed, topic_id, key), topic_id, key)
    }

    /// Positions of a key whose revision is `from` or more.
    pub(crate) fn positions_from(&self, key: u32, from: u64) -> impl DoubleEndedIterator<Item = u64> + '_ {
        let positions = self.key_positions.get(key as usize);
        let skip = positions.map_or(0, |found| from.max(1).saturating_sub(found.dropped + 1));
        let skip = usize::try_from(skip).unwrap_or(usize::MAX);
        positions.into_iter().flat_map(move |found| found.list.range(skip.min(found.list.len())..).copied())
    }

    /// The first revision of a key that is kept, or would be.
    pub(crate) fn first_revision(&self, key: u32) -> u64 {
        self.key_positions.get(key as usize).map_or(1, |found| found.dropped + 1)
    }

    /// The newest revision of a key before a position.
    pub(crate) fn revision_before(&self, key: u32, position: u64) -> u64 {
        self.key_positions
            .get(key as usize)
            .map_or(0, |found| found.dropped + found.list.partition_point(|known| *known < position) as u64)
    }
}

/// The hash of a key, the same in the machine and here.
pub(crate) fn key_hash(seed: [u64; 2], topic_id: u32, key: &str) -> u64 {
    Hasher::new(seed).number(u64::from(topic_id)).bytes(key.as_bytes()).finish()
}

fn size(record: &Recorded) -> usize {
    record.message.payload.len() + RECORD_OVERHEAD
}
