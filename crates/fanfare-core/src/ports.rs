//! The ports of a transport: handing over, reading as a group, following live, looking up, operating.
//! Retries, key order, dead-letter decisions, in-flight limits and timeouts are not here: they live once,
//! in `fanfare`'s consumer loop.

use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytestring::ByteString;
use jiff::Timestamp;

use crate::{
    AttemptRecord, BoxFuture, Capabilities, Commons, Cursor, Delivery, Epoch, Error, GroupName, GroupSpec,
    Outgoing, Plan, Receipt, Recorded, Refusals, Rejected, Settle, Ticket, Token, Topic, TopicFilter,
};

/// A way for events to travel: the embedded broker, a server, or a double in tests.
pub trait Transport: Send + Sync + 'static {
    /// What it can do.
    fn capabilities(&self) -> &Capabilities;

    /// Checks the plan as a whole and, when nothing is refused, creates, renames and deletes groups. What
    /// changed is durable on return. Two applications may plan on one transport.
    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<PlanReport, Refusals>>;

    /// Hands messages over; the ticket is answered, message by message in their order, when each is durable
    /// by the transport's policy. `is_atomic`: all or none. A ticket that fails itself (kind `Unknown`) says
    /// nothing of any message. Never blocks; over a limit the answer is kind `Full`, or
    /// `Busy` where room comes by itself: who may wait submits `rejected.outgoing` again a little later.
    fn submit(&self, batch: Vec<Outgoing>, is_atomic: bool) -> Ticket<Vec<Result<Receipt, Rejected>>>;

    /// [`Transport::submit`] of one message, which most publishes are.
    fn submit_one(&self, outgoing: Outgoing) -> Ticket<Result<Receipt, Rejected>> {
        self.submit(vec![outgoing], false).first()
    }

    /// Joins a group that a plan has created. While another consumer has the group's shard this one stands
    /// by: its `poll_take` is pending.
    fn subscribe<'a>(&'a self, group: &'a GroupSpec) -> BoxFuture<'a, Result<Subscription, Error>>;

    /// Follows every record of a filter without a group, from a place (`None`: behind the newest one), without a
    /// gap between what was kept and what comes. A place of another epoch is refused.
    fn tail<'a>(
        &'a self,
        filter: &'a TopicFilter,
        from: Option<Cursor>,
    ) -> BoxFuture<'a, Result<Box<dyn Tail>, Error>>;

    /// Reading by key or range, where the transport keeps records.
    fn log(&self) -> Option<&dyn Log> {
        None
    }

    /// Groups, dead letters, statistics, where the transport has them.
    fn operator(&self) -> Option<&dyn Operator> {
        None
    }

    /// What all who have this store open in this process share; `None` where nobody shares it.
    fn commons(&self) -> Option<&Commons> {
        None
    }

    /// Flushes what was handed over and closes; waits at most `within`. Afterwards every call fails with
    /// kind `Closed`.
    fn drain(&self, within: Duration) -> BoxFuture<'_, Result<(), Error>>;
}

/// What planning found and did.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PlanReport {
    /// Groups of this application and role that no handler claims.
    pub orphans: Vec<Orphan>,
    /// Each planned group, in the plan's order.
    pub groups: Vec<PlannedStart>,
}

/// A group that no handler claims.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Orphan {
    /// Its name.
    pub name: GroupName,
    /// How many records it has not settled.
    pub lag: u64,
}

impl Orphan {
    /// An orphan with this many unsettled records.
    pub fn new(name: GroupName, lag: u64) -> Self {
        Self { name, lag }
    }
}

/// How a group starts.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlannedStart {
    /// The group.
    pub name: GroupName,
    /// Whether this plan created it.
    pub is_new: bool,
    /// How many records it has yet to handle.
    pub lag: u64,
    /// When the oldest of them was taken.
    pub oldest: Option<Timestamp>,
    /// Records of topics added to the filter that lie before its cursor, and are passed by.
    pub passed_by: u64,
}

impl PlannedStart {
    /// The start of a group.
    pub fn new(name: GroupName, is_new: bool, lag: u64, oldest: Option<Timestamp>, passed_by: u64) -> Self {
        Self { name, is_new, lag, oldest, passed_by }
    }
}

/// A place in a group.
#[non_exhaustive]
pub struct Subscription {
    /// Where deliveries come from and settlements go.
    pub consumer: Box<dyn Consumer>,
    /// Positions of records whose handlers were running when the process ended uncleanly, ascending. They
    /// come first and are marked [`Delivery::is_suspect`].
    pub suspects: Vec<u64>,
    /// Keys that wait for a newer build, or are parked.
    pub held: Vec<HeldKey>,
}

impl Subscription {
    /// A subscription without suspects and held keys.
    pub fn new(consumer: Box<dyn Consumer>) -> Self {
        Self { consumer, suspects: Vec::new(), held: Vec::new() }
    }
}

/// A key whose records a group passes over until it is resumed.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct HeldKey {
    /// The topic of the key.
    pub topic: Topic,
    /// The key; `None`: a single record without a key, at `position`.
    pub key: Option<ByteString>,
    /// Where it resumes.
    pub position: u64,
    /// The type of the record there.
    pub event_type: ByteString,
    /// The version of the record there.
    pub type_version: u32,
    /// Parked by policy after a dead letter, rather than held behind a newer version.
    pub is_parked: bool,
}

impl HeldKey {
    /// A held key.
    pub fn new(
        topic: Topic,
        key: Option<ByteString>,
        position: u64,
        event_type: ByteString,
        type_version: u32,
        is_parked: bool,
    ) -> Self {
        Self { topic, key, position, event_type, type_version, is_parked }
    }
}

/// What a take or a tail came back with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Taken {
    /// At least one record was added.
    Batch,
    /// The group's shard was taken away: handlers are cancelled, their settlements would be refused.
    Revoked,
    /// The transport was closed.
    Closed,
}

/// One answer per token, in order.
pub type PerToken = Ticket<Vec<Result<(), Error>>>;

/// One member of a group.
///
/// ```text
///            poll_take         begin              settle
/// transport -----------> held --------> running ----------> Ack | Reject | Hold | Release: gone
///                          ^                        |
///                          +------ Retry -----------+   (same lease, next attempt; the consumer keeps it)
/// ```
pub trait Consumer: Send {
    /// Adds up to `max` deliveries to `into`: the group's unsettled records in position order, each once per
    /// lease, also those that wait for a retry (see [`Delivery::due`]). Redriven and resumed records come with older positions.
    ///
    /// # Errors
    /// When the transport failed; the consumer is of no use afterwards.
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> Poll<Result<Taken, Error>>;

    /// Counts these attempts. Answered once they were handed to the operating system, so that kill -9 never
    /// forgets them; their handlers start after that. One answer per token, in order. Drains the vector.
    fn begin(&mut self, batch: &mut Vec<Token>) -> PerToken;

    /// Settles. Answered once accepted in order by the operating system, before the sync; a later `begin`
    /// of this consumer is after it. One answer per settlement, in order; kind `Stale` for an old token.
    /// Drains the vector.
    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> PerToken;

    /// [`Consumer::settle`] and then [`Consumer::begin`]: in one write where the transport can.
    fn settle_and_begin(
        &mut self,
        settle: &mut Vec<(Token, Settle)>,
        begin: &mut Vec<Token>,
    ) -> (PerToken, PerToken) {
        (self.settle(settle), self.begin(begin))
    }

    /// Says that these deliveries are still wanted although nothing has settled them, for transports that take
    /// back what is kept too long.
    fn extend(&mut self, _batch: &[Token]) {}

    /// Resumes a held or parked key: its records, from where it was held, are delivered in order. Answers
    /// how many.
    fn resume(&mut self, key: &HeldKey) -> Ticket<u64>;
}

/// Follows records live.
pub trait Tail: Send {
    /// Adds up to `max` records, in position order.
    ///
    /// # Errors
    /// When the transport failed; the tail is of no use afterwards.
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Arc<Recorded>>,
    ) -> Poll<Result<Taken, Error>>;
}

/// Which records of a key to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyRange {
    /// The first revision to read (the last one, when reversed); at least 1.
    pub from: u64,
    /// How many at most.
    pub max: usize,
    /// Downwards from `from`.
    pub is_reverse: bool,
}

impl KeyRange {
    /// Up to `max` records from this revision upwards.
    pub fn from(revision: u64, max: usize) -> Self {
        Self { from: revision, max, is_reverse: false }
    }

    /// Up to `max` records from this revision downwards.
    pub fn back_from(revision: u64, max: usize) -> Self {
        Self { from: revision, max, is_reverse: true }
    }
}

/// A page of a read by position.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Page {
    /// The records, ascending by position.
    pub records: Vec<Arc<Recorded>>,
    /// Where the next page begins.
    pub next: Cursor,
}

impl Page {
    /// A page and where the next one begins.
    pub fn new(records: Vec<Arc<Recorded>>, next: Cursor) -> Self {
        Self { records, next }
    }
}

/// Reading what a transport keeps. Only durable records are seen.
pub trait Log: Send + Sync {
    /// The store's incarnation.
    fn epoch(&self) -> Epoch;

    /// The position after the newest record.
    fn end(&self) -> u64;

    /// The newest revision of a key; 0 when it has none.
    fn head(&self, topic: &Topic, key: &str) -> u64;

    /// Records of one key by revision.
    fn read_key(&self, topic: &Topic, key: &str, range: KeyRange) -> Ticket<Vec<Arc<Recorded>>>;

    /// The oldest place of this store.
    fn start(&self) -> Cursor {
        Cursor::new(self.epoch(), 0)
    }

    /// Records of a filter by position, at most `max`. A place of another epoch is refused.
    fn read(&self, filter: &TopicFilter, from: Cursor, max: usize) -> Ticket<Page>;
}

/// Where a group stands.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct GroupStatus {
    /// The group.
    pub name: GroupName,
    /// Everything before this position is settled.
    pub cursor: u64,
    /// Records not settled yet, those that wait for a retry among them.
    pub lag: u64,
    /// When the oldest unsettled record was taken.
    pub oldest: Option<Timestamp>,
    /// Records with failed attempts that wait for a retry.
    pub retrying: u64,
    /// Dead letters.
    pub dead: u64,
    /// Held or parked keys.
    pub held: u64,
    /// Whether a consumer has it now.
    pub is_active: bool,
}

impl GroupStatus {
    /// A group that stands at a cursor and has nothing to do.
    pub fn new(name: GroupName, cursor: u64) -> Self {
        Self { name, cursor, lag: 0, oldest: None, retrying: 0, dead: 0, held: 0, is_active: false }
    }
}

/// A record that a group has given up, with its history.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DeadLetter {
    /// The record.
    pub record: Arc<Recorded>,
    /// Why it was given up.
    pub reason: ByteString,
    /// When.
    pub at: Timestamp,
    /// The attempts, oldest first.
    pub history: Vec<AttemptRecord>,
}

impl DeadLetter {
    /// A dead letter.
    pub fn new(
        record: Arc<Recorded>,
        reason: ByteString,
        at: Timestamp,
        history: Vec<AttemptRecord>,
    ) -> Self {
        Self { record, reason, at, history }
    }
}

/// Which dead letters of a group.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Selection {
    /// Every one.
    All,
    /// Those at these positions.
    Positions(Vec<u64>),
}

/// Figures of a transport, for metrics.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Stats {
    /// Records kept.
    pub records: u64,
    /// Bytes on the disk, or in memory for memory storage.
    pub bytes: u64,
    /// Syncs so far.
    pub syncs: u64,
    /// Time spent in them.
    pub sync_time: Duration,
    /// The longest of the last 1,024 syncs.
    pub sync_time_max: Duration,
    /// Publishes that were recognised as repeats.
    pub repeats: u64,
    /// Publishes that were forgotten before their time, because too many came: a repeat of them would have
    /// been published again.
    pub repeats_window_cut: u64,
    /// Delayed events that are not due yet.
    pub scheduled: u64,
    /// Snapshots of the state that could not be written: the next start takes longer.
    pub snapshots_failed: u64,
}

/// Looking at a transport and mending it.
pub trait Operator: Send + Sync {
    /// Every group, by name.
    fn groups(&self) -> Ticket<Vec<GroupStatus>>;

    /// Dead letters of a group from a position on, ascending; at most `max`, and no more than the transport answers at
    /// once. There may be more behind the last one's position, until there are none.
    fn dead_letters(&self, group: &GroupName, from: u64, max: usize) -> Ticket<Vec<DeadLetter>>;

    /// Sends dead letters back to the group that gave them up, with their attempts counted anew. Answers how many.
    fn redrive(&self, group: &GroupName, which: Selection) -> Ticket<u64>;

    /// Forgets dead letters; the records stay in the log. Answers how many.
    fn discard(&self, group: &GroupName, which: Selection) -> Ticket<u64>;

    /// Deletes a group that has no consumer now.
    fn delete_group(&self, group: &GroupName) -> Ticket<()>;

    /// Figures for metrics.
    fn stats(&self) -> Stats;
}
