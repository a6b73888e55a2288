use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, AtomicI64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use fanfare_core::{Clock, Commons, Durability, Error, ErrorKind, Ticket, Timestamp};
use parking_lot::Mutex;

use super::{
    answer::Answer,
    command::{Command, closed},
    engine::{Engine, Room},
    file::FileDriver,
    hub::Hub,
    stats::Figures,
};
use crate::{
    index::{Index, Source},
    storage::Report,
};

/// Who is told of failures that are nobody's answer.
#[derive(Clone, Default)]
pub(crate) struct OnFailure(pub(crate) Option<Arc<Listener>>);

type Listener = dyn Fn(&Error) + Send + Sync;

impl OnFailure {
    fn tell(&self, error: &Error) {
        if let Some(listener) = &self.0 {
            listener(error);
        }
    }
}

impl std::fmt::Debug for OnFailure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("OnFailure").field(&self.0.is_some()).finish()
    }
}

/// What a store promises and bounds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Policy {
    pub(crate) durability: Durability,
    /// `Some`: receipts at the write, and a sync this often.
    pub(crate) interval: Option<Duration>,
    pub(crate) message_max: usize,
    pub(crate) recent_max: usize,
    pub(crate) memory_max: usize,
    pub(crate) inbox_max: usize,
    pub(crate) inbox_commands_max: usize,
    pub(crate) snapshot_every: u64,
}

/// A running broker, shared by everyone who has it open.
pub(crate) struct Core {
    pub(crate) index: Arc<Index>,
    pub(crate) source: Source,
    pub(crate) hub: Arc<Hub>,
    pub(crate) figures: Figures,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) policy: Policy,
    /// How the last run ended, in files.
    pub(crate) report: Option<Report>,
    pub(crate) driver: Driver,
    /// What those who have it open share beside it.
    pub(crate) commons: Commons,
    /// How many have it open: at first the one who opened it. At none it is being closed, for good.
    pub(crate) handles: AtomicUsize,
    is_closed: AtomicBool,
    failure: OnceLock<String>,
    on_failure: OnFailure,
    /// When the next delayed event is due, in microseconds since 1970.
    next_due: AtomicI64,
    /// Of the store, for hashes.
    pub(crate) seed: [u64; 2],
}

/// Who runs the engine.
pub(crate) enum Driver {
    Memory(Box<Mutex<Engine>>),
    File(FileDriver),
}

impl Core {
    pub(crate) fn new(
        source: Source,
        hub: Arc<Hub>,
        clock: Arc<dyn Clock>,
        policy: Policy,
        driver: Driver,
        report: Option<Report>,
        on_failure: OnFailure,
    ) -> Self {
        let seed = source.index.read().seed();
        Self {
            index: source.index.clone(),
            seed,
            source,
            hub,
            figures: Figures::default(),
            clock,
            policy,
            report,
            commons: Commons::new(),
            driver,
            handles: AtomicUsize::new(1),
            is_closed: AtomicBool::new(false),
            failure: OnceLock::new(),
            on_failure,
            next_due: AtomicI64::new(i64::MAX),
        }
    }

    /// Hands a command over. In memory it is done on return.
    pub(crate) fn send(&self, command: Command) {
        if self.is_closed() {
            return command.refuse(|| self.ended());
        }
        match &self.driver {
            Driver::Memory(engine) => self.run(engine, vec![command]),
            Driver::File(driver) => driver.send(command, &self.policy, || self.ended()),
        }
    }

    /// Hands two commands of a consumer over, so that they are written together.
    pub(crate) fn send_both(&self, first: Command, second: Command) {
        if self.is_closed() {
            return [first, second].into_iter().for_each(|command| command.refuse(|| self.ended()));
        }
        match &self.driver {
            Driver::Memory(engine) => self.run(engine, vec![first, second]),
            Driver::File(driver) => {
                if let Err(both) = driver.inbox.put_both([first, second]) {
                    both.into_iter().for_each(|command| command.refuse(|| self.ended()));
                }
            }
        }
    }

    /// Reads records where it may take long: not in memory.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Ticket<T> {
        match &self.driver {
            Driver::Memory(_) => Ticket::ready(job(&self.source)),
            Driver::File(driver) => driver.reads.read(job),
        }
    }

    /// As [`Core::read`], for a caller who may ask for much at once: `Full` when too much waits.
    pub(crate) fn try_read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Ticket<T> {
        match &self.driver {
            Driver::Memory(_) => Ticket::ready(job(&self.source)),
            Driver::File(driver) => driver.reads.try_read(job),
        }
    }

    /// In memory: publishes what is due by now.
    pub(crate) fn tick(&self) {
        if let Driver::Memory(engine) = &self.driver
            && self.clock.now().as_microsecond() >= self.next_due.load(Ordering::Acquire)
        {
            self.run(engine, Vec::new());
        }
    }

    /// In memory: when somebody has to [`Core::tick`] next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        match self.next_due.load(Ordering::Acquire) {
            i64::MAX => None,
            micros => Timestamp::from_microsecond(micros).ok(),
        }
    }

    /// The threads, where there are some.
    pub(crate) fn file(&self) -> Option<&FileDriver> {
        match &self.driver {
            Driver::Memory(_) => None,
            Driver::File(driver) => Some(driver),
        }
    }

    pub(crate) fn is_memory(&self) -> bool {
        matches!(self.driver, Driver::Memory(_))
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.is_closed.load(Ordering::Acquire)
    }

    /// Counts one more handle; `false`: it was closed, or its last handle is gone.
    pub(crate) fn hold(&self) -> bool {
        let one_more = |handles: usize| (handles > 0).then(|| handles + 1);
        !self.is_closed() && self.handles.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).is_ok()
    }

    /// Ends it: from now on every call is refused.
    pub(crate) fn end(&self, failure: Option<String>) {
        if let Some(failure) = failure {
            let _ = self.failure.set(failure);
        }
        self.is_closed.store(true, Ordering::Release);
        self.hub.wake_all();
    }

    /// A snapshot could not be written: the older one stays, and the next is tried later. Not of a journal
    /// that is damaged, from which nobody may go on.
    pub(crate) fn snapshot_failed(&self, error: &Error) {
        self.on_failure.tell(error);
        self.figures.snapshots_failed.fetch_add(1, Ordering::Relaxed);
        if error.kind() == ErrorKind::Corrupt {
            self.end(Some(error.to_string()));
            if let Some(driver) = self.file() {
                driver.inbox.end();
            }
        }
    }

    /// Why it ended, when that was a failure.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.failure.get().map(|why| Error::new(ErrorKind::Closed, why.clone()))
    }

    /// The refusal of every call from now on.
    pub(crate) fn ended(&self) -> Error {
        self.failure().unwrap_or_else(closed)
    }

    pub(crate) fn set_next_due(&self, due: Option<Timestamp>) {
        self.next_due.store(due.map_or(i64::MAX, Timestamp::as_microsecond), Ordering::Release);
    }

    fn run(&self, engine: &Mutex<Engine>, mut commands: Vec<Command>) {
        while self.run_some(engine, &mut commands) && !commands.is_empty() {}
        commands.into_iter().for_each(|command| command.refuse(|| self.ended()));
    }

    /// Runs what belongs into one batch. `false`: it ended.
    fn run_some(&self, engine: &Mutex<Engine>, commands: &mut Vec<Command>) -> bool {
        let mut engine = engine.lock();
        if self.is_closed() {
            return false;
        }
        let events: u64 = commands.iter().map(|command| command.size_max().0).sum();
        self.make_room(&engine, events as usize);
        engine.set_room(self.room());
        let due_before = engine.machine.next_due();
        let outcome =
            engine.apply(commands, self.clock.now(), self.clock.monotonic()).and_then(|()| engine.write());
        let written = match outcome {
            Ok(written) => written,
            Err(error) => {
                engine.fail(&error.to_string());
                drop(engine);
                self.end(Some(error.to_string()));
                return false;
            }
        };
        let is_new = written.position > self.index.visible();
        self.index.set_visible(written.position);
        let due = engine.machine.next_due();
        self.set_next_due(due);
        self.figures.repeats.store(engine.machine.repeats(), Ordering::Relaxed);
        self.figures.repeats_cut.store(engine.machine.repeats_cut(), Ordering::Relaxed);
        self.figures.scheduled.store(engine.machine.scheduled() as u64, Ordering::Relaxed);
        let (recent, pinned) = self.index.bytes();
        self.figures.bytes.store((recent + pinned) as u64, Ordering::Relaxed);
        let is_closing = engine.is_closing();
        drop(engine);
        if is_closing {
            self.end(None);
        }
        written.durable.into_iter().for_each(Answer::give);
        if is_new || due != due_before {
            self.hub.wake_all();
        }
        !is_closing
    }

    /// In memory: forgets what no group needs, over the bytes that are kept anyway.
    fn make_room(&self, engine: &Engine, more: usize) {
        let (recent, pinned) = self.index.bytes();
        let Policy { recent_max, memory_max, .. } = self.policy;
        if recent + more > recent_max + recent_max / 8 || recent + pinned + more > memory_max {
            let floor = engine.machine.floor();
            self.index.forget(recent_max, floor, |position| engine.machine.is_needed(position));
        }
    }

    /// In memory: the bytes of events that may come now, and those that may come once the groups are done.
    fn room(&self) -> Room {
        let (recent, pinned) = self.index.bytes();
        let left = self.policy.memory_max.saturating_sub(pinned);
        let at_most = left.saturating_sub(recent.min(self.policy.recent_max));
        Room { now: left.saturating_sub(recent) as u64, at_most: at_most as u64 }
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").field("policy", &self.policy).finish_non_exhaustive()
    }
}
