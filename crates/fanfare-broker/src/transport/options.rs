use std::{sync::Arc, time::Duration};

use fanfare_core::{Clock, Durability, Error, Random};

use crate::{
    driver::{OnFailure, Policy},
    machine::Limits,
    storage,
};

/// When an event counts as durable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum SyncPolicy {
    /// When an `fdatasync` that began after its write has returned.
    #[default]
    Fsync,
    /// When the operating system has it: it survives the process, not the machine. A sync follows after at
    /// most this time.
    Interval(Duration),
    /// When the operating system has it. Syncs come with snapshots and a clean stop only.
    Os,
}

/// How a broker runs.
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) random: Arc<dyn Random>,
    pub(crate) sync: SyncPolicy,
    pub(crate) segment_bytes: u64,
    pub(crate) reserve_bytes: u64,
    pub(crate) snapshot_every: u64,
    pub(crate) lock_wait: Duration,
    pub(crate) inbox_max: usize,
    pub(crate) inbox_calls_max: usize,
    pub(crate) message_max: usize,
    pub(crate) recent_max: usize,
    pub(crate) memory_max: usize,
    pub(crate) window_max: usize,
    pub(crate) scheduled_max: usize,
    pub(crate) held_records_max: usize,
    pub(crate) dead_letters_max: usize,
    pub(crate) on_failure: OnFailure,
}

macro_rules! options {
    ($($(#[$doc:meta])* $name:ident: $type:ty;)*) => {$(
        $(#[$doc])*
        pub fn $name(mut self, $name: $type) -> Self {
            self.$name = $name;
            self
        }
    )*};
}

impl Options {
    /// The defaults, with this time and randomness.
    pub fn new(clock: Arc<dyn Clock>, random: Arc<dyn Random>) -> Self {
        Self {
            clock,
            random,
            sync: SyncPolicy::Fsync,
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            snapshot_every: 64 << 20,
            lock_wait: Duration::from_secs(30),
            inbox_max: 64 << 20,
            inbox_calls_max: 65_536,
            message_max: 16 << 20,
            recent_max: 64 << 20,
            memory_max: 1 << 30,
            window_max: 1_000_000,
            scheduled_max: 1_000_000,
            held_records_max: 1_000_000,
            dead_letters_max: 10_000,
            on_failure: OnFailure::default(),
        }
    }

    /// Who is told of failures that are nobody's answer: today of snapshots of the state that could not be
    /// written, in files. Called on the broker's threads; it must not block. Default: nobody, see
    /// [`Stats::snapshots_failed`](fanfare_core::Stats::snapshots_failed).
    pub fn on_failure(mut self, listener: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.on_failure = OnFailure(Some(Arc::new(listener)));
        self
    }

    options! {
        /// When an event counts as durable, in files. Default: [`SyncPolicy::Fsync`].
        sync: SyncPolicy;
        /// Bytes of one journal file. Default: 64 MiB.
        segment_bytes: u64;
        /// Bytes that are kept free for bookkeeping on a full disk. Default: 64 MiB.
        reserve_bytes: u64;
        /// Bytes of journal after which the state is saved: the next start works off only what came after it. It
        /// reads the whole journal all the same, for its look-up indexes. A large state is saved less often: when
        /// the journal has grown by four times its size. Default: 64 MiB.
        snapshot_every: u64;
        /// How long to wait for another process that owns the folder. Default: 30 s.
        lock_wait: Duration;
        /// Bytes of messages that wait for the writer; over it a publish is refused as `Busy`. Default: 64 MiB.
        inbox_max: usize;
        /// Calls that wait for the writer; over it a publish is refused as `Busy`. Default: 65,536.
        inbox_calls_max: usize;
        /// Largest message, payload and attributes, in bytes. Default: 16 MiB.
        message_max: usize;
        /// Bytes of the newest records that are kept decoded. Default: 64 MiB.
        recent_max: usize;
        /// Bytes that memory storage takes; over it a publish is refused as `Busy`. Default: 1 GiB.
        memory_max: usize;
        /// Publishes that are remembered to recognise repeats, for at most 10 min. Default: 1,000,000.
        window_max: usize;
        /// Delayed events that wait; over it a delayed publish is refused as `Full`. Default: 1,000,000.
        scheduled_max: usize;
        /// Records that a group passes over because their keys are held or parked; over it a publish of such a
        /// key is refused as `Full`. Default: 1,000,000.
        held_records_max: usize;
        /// Dead letters of one group; over it a delivery that is given up is refused as `Full`, so that it stays with its
        /// handler and is tried again until some are redriven or discarded. Default: 10,000.
        dead_letters_max: usize;
    }

    pub(crate) fn storage(&self) -> storage::file::Options {
        storage::file::Options::new(self.random.next_u64())
            .segment_bytes(self.segment_bytes)
            .reserve_bytes(self.reserve_bytes)
            .lock_wait(self.lock_wait)
            .lossy(self.sync != SyncPolicy::Fsync)
    }

    pub(crate) fn policy(&self, is_memory: bool) -> Policy {
        let (durability, interval) = match (is_memory, self.sync) {
            (true, _) => (Durability::Memory, None),
            (false, SyncPolicy::Fsync) => (Durability::Fsync, None),
            (false, SyncPolicy::Os) => (Durability::Os, None),
            (false, SyncPolicy::Interval(interval)) => (Durability::Os, Some(interval)),
        };
        Policy {
            durability,
            interval,
            message_max: self.message_max,
            recent_max: self.recent_max,
            memory_max: self.memory_max,
            inbox_max: self.inbox_max,
            inbox_commands_max: self.inbox_calls_max,
            snapshot_every: self.snapshot_every,
        }
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            message_max: self.message_max,
            window_max: self.window_max,
            scheduled_max: self.scheduled_max,
            scheduled_bytes_max: self.memory_max,
            held_records_max: self.held_records_max,
            dead_letters_max: self.dead_letters_max,
        }
    }
}
