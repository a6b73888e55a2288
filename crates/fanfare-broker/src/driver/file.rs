use std::{
    sync::{Arc, atomic::Ordering},
    thread::{self, JoinHandle},
    time::Duration,
};

use fanfare_core::{Error, ErrorKind, Timestamp};
use parking_lot::Mutex;

use super::{
    answer::Answer,
    command::{Command, closed},
    core::{Core, Policy},
    engine::{Engine, Written},
    guard::Guard,
    inbox::{Inbox, NotTaken},
    outbox::Outbox,
    reader::ReadThread,
    snapshots::{Last, state_at},
    store::{Store, lift},
    syncer::{self, SyncQueue},
};
use crate::{
    journal::Lsn,
    machine::Limits,
    storage::{Snapshots, Syncer},
};

/// The writer looks at the clock at least this often.
const WAIT_MAX: Duration = Duration::from_secs(3600);
/// The journal grows by at least so many times the last snapshot before the next one: a large state is not
/// written again and again.
const SNAPSHOT_PACE: u64 = 4;
/// Receipts of a batch up to which the writer syncs it by itself, where nobody consumes.
const ALONE_MAX: usize = 16;
/// How much less the thread that saves the state gets of a busy processor, in steps of `nice`.
#[cfg(target_os = "linux")]
const SNAPSHOT_NICE: i32 = 10;
/// How long the writer waits when there is no space for what is due, or even for bookkeeping.
const FULL_WAIT: Duration = Duration::from_millis(100);

/// The threads of a broker in files, seen from outside.
pub(crate) struct FileDriver {
    pub(crate) inbox: Inbox,
    pub(crate) syncs: SyncQueue,
    pub(crate) outbox: Outbox,
    pub(crate) reads: ReadThread,
}

impl FileDriver {
    pub(crate) fn new(reads: ReadThread) -> Self {
        Self { inbox: Inbox::default(), syncs: SyncQueue::default(), outbox: Outbox::default(), reads }
    }

    pub(crate) fn send(&self, command: Command, policy: &Policy, ended: impl Fn() -> Error) {
        match self.inbox.put(command, policy) {
            Ok(()) => {}
            Err(NotTaken::Ended(command)) => command.refuse(ended),
            Err(NotTaken::Full(command)) => command.refuse(|| {
                let text = "publish: too much waits for the disk already; publish it later";
                Error::new(ErrorKind::Busy, text)
            }),
        }
        self.outbox.help();
    }
}

/// The writer's thread: it alone changes the state.
pub(crate) struct Writer {
    core: Arc<Core>,
    engine: Engine,
    limits: Limits,
    syncer: Arc<dyn Syncer>,
    snapshots: Arc<dyn Snapshots>,
    last: Arc<Mutex<Option<Last>>>,
    /// Where the newest snapshot, done or under way, was cut.
    last_cut: Lsn,
    snapshot: Option<JoinHandle<()>>,
    /// Up to which position events were handed to the syncer.
    position: u64,
    /// Empty; kept for its memory.
    durable: Vec<Answer>,
}

impl Writer {
    pub(crate) fn new(
        core: Arc<Core>,
        engine: Engine,
        limits: Limits,
        syncer: Arc<dyn Syncer>,
        snapshots: Arc<dyn Snapshots>,
        last: Option<Last>,
    ) -> Self {
        let last_cut = last.as_ref().map_or(Lsn::ZERO, |last| last.lsn);
        let position = engine.machine.end();
        let last = Arc::new(Mutex::new(last));
        Self {
            core,
            engine,
            limits,
            syncer,
            snapshots,
            last,
            last_cut,
            snapshot: None,
            position,
            durable: Vec::new(),
        }
    }

    /// Starts the writer, and the thread that syncs.
    pub(crate) fn start(self) -> Result<(), Error> {
        self.tell();
        let started = thread::Builder::new().name("fanfare-write".into()).spawn(move || self.run());
        started.map_err(|error| Error::new(ErrorKind::Io, "start a thread").because(error))?;
        Ok(())
    }

    fn run(mut self) {
        let core = self.core.clone();
        let Some(driver) = core.file() else { return };
        let _guard = Guard { core: Arc::downgrade(&core), task: "writes" };
        let started = {
            let (core, syncer) = (core.clone(), self.syncer.clone());
            let run = move || core.file().map_or((), |driver| syncer::run(&core, driver, &*syncer));
            thread::Builder::new().name("fanfare-sync".into()).spawn(run)
        };
        let mut syncing = None;
        let outcome = match started {
            Ok(started) => {
                syncing = Some(started);
                self.work(driver, &mut syncing)
            }
            Err(error) => Err(Error::new(ErrorKind::Io, "start a thread").because(error)),
        };
        if let Err(error) = outcome {
            let why = error.to_string();
            core.end(Some(why.clone()));
            self.engine.fail(&why);
            // What was written before may still become durable; what does not is known to nobody.
            driver.syncs.end();
            let _ = syncing.take().map(JoinHandle::join);
            driver.syncs.close(&why);
        }
        driver.inbox.end();
        drop(self);
        driver.inbox.take_rest().into_iter().for_each(|command| command.refuse(|| core.ended()));
    }

    fn work(&mut self, driver: &FileDriver, syncing: &mut Option<JoinHandle<()>>) -> Result<(), Error> {
        let mut commands = Vec::new();
        loop {
            let wait = self.wait(self.core.clock.now());
            driver.inbox.take(&mut commands, wait);
            if self.core.is_closed() {
                let ended = || self.core.ended();
                commands.drain(..).for_each(|command| command.refuse(ended));
                return Err(self.core.ended());
            }
            loop {
                self.apply(&mut commands, self.core.clock.now(), self.core.clock.monotonic())?;
                // What came meanwhile shares the write, and the sync.
                if commands.is_empty() && self.engine.takes_more() && driver.inbox.take_more(&mut commands) {
                    continue;
                }
                let written = self.write()?;
                self.tell();
                if self.engine.is_closing() {
                    commands.drain(..).for_each(|command| command.refuse(closed));
                    return self.close(driver, written, syncing.take());
                }
                self.hand_over(driver, written);
                if commands.is_empty() {
                    break;
                }
            }
            self.core.index.trim(self.core.policy.recent_max);
            self.save_state();
        }
    }

    /// How long nothing happens by itself.
    fn wait(&self, now: Timestamp) -> Duration {
        let due = self.engine.machine.next_due();
        due.map_or(WAIT_MAX, |due| {
            let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default().min(WAIT_MAX);
            if self.engine.is_due_refused() { wait.max(FULL_WAIT) } else { wait }
        })
    }

    /// Applies commands; when there is no space even for bookkeeping, waits for some.
    fn apply(
        &mut self,
        commands: &mut Vec<Command>,
        now: Timestamp,
        monotonic: Duration,
    ) -> Result<(), Error> {
        loop {
            match self.engine.apply(commands, now, monotonic) {
                // What was applied before has its space, and is written first.
                Err(error) if error.kind() == ErrorKind::Full && self.engine.has_pending() => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Full && !self.core.is_closed() => wait_for_space(),
                outcome => return outcome,
            }
        }
    }

    /// Writes what was applied; it is kept until there is space for it.
    fn write(&mut self) -> Result<Written, Error> {
        loop {
            match self.engine.write() {
                Err(error) if error.kind() == ErrorKind::Full && !self.core.is_closed() => wait_for_space(),
                outcome => return outcome,
            }
        }
    }

    /// Hands a batch to the syncer, or answers at once where the policy says so.
    fn hand_over(&mut self, driver: &FileDriver, mut written: Written) {
        let is_new = written.position > self.position;
        self.position = written.position;
        if self.core.policy.durability == fanfare_core::Durability::Fsync {
            let is_wanted = is_new || !written.durable.is_empty();
            if !is_wanted || written.durable.len() > ALONE_MAX || self.engine.has_consumers() {
                driver.syncs.put(&mut written, is_wanted);
            } else if let Some(position) = driver.syncs.put_or_begin(&mut written, &mut self.durable) {
                // Hardly anybody needs the writer meanwhile: it saves the way to the other thread and back.
                syncer::sync_once(&self.core, driver, &*self.syncer, position, &mut self.durable);
            }
            return self.engine.recycle(written);
        }
        self.core.index.set_visible(written.position);
        written.durable.drain(..).for_each(Answer::give);
        if is_new {
            self.core.hub.wake_all();
        }
        if self.core.policy.interval.is_some() {
            driver.syncs.put(&mut written, false);
        }
        self.engine.recycle(written);
    }

    fn tell(&self) {
        let figures = &self.core.figures;
        figures.repeats.store(self.engine.machine.repeats(), Ordering::Relaxed);
        figures.repeats_cut.store(self.engine.machine.repeats_cut(), Ordering::Relaxed);
        figures.scheduled.store(self.engine.machine.scheduled() as u64, Ordering::Relaxed);
        if let Store::Journal(storage) = &self.engine.store {
            figures.bytes.store(storage.space().journal_bytes, Ordering::Relaxed);
        }
    }

    /// Saves the state in another thread when the journal has grown enough.
    fn save_state(&mut self) {
        let end = self.engine.store.end();
        let size = self.last.lock().as_ref().map_or(0, |last| last.body.len() as u64);
        if end.since(self.last_cut) < self.core.policy.snapshot_every.max(SNAPSHOT_PACE * size)
            || self.snapshot.as_ref().is_some_and(|running| !running.is_finished())
        {
            return;
        }
        let Some(reader) = self.engine.source.reader.clone() else { return };
        let (last, limits, epoch) = (self.last.clone(), self.limits, self.engine.machine.epoch());
        let (core, snapshots) = (self.core.clone(), self.snapshots.clone());
        let run = move || {
            // It only spares a start some reading: whoever publishes goes first. Elsewhere the whole process would yield.
            #[cfg(target_os = "linux")]
            let _ = rustix::process::nice(SNAPSHOT_NICE);
            let older = last.lock().clone();
            let saved = state_at(older, &*reader, end, epoch, limits).and_then(|body| {
                snapshots.snapshot(end, &body).map_err(lift)?;
                *last.lock() = Some(Last { lsn: end, body });
                Ok(())
            });
            if let Err(error) = saved {
                core.snapshot_failed(&error);
            }
        };
        self.last_cut = end;
        match thread::Builder::new().name("fanfare-snapshot".into()).spawn(run) {
            Ok(started) => self.snapshot = Some(started),
            Err(error) => {
                let error = Error::new(ErrorKind::Io, "start a thread that saves the state").because(error);
                self.core.snapshot_failed(&error);
            }
        }
    }

    /// The last sync, the last snapshot, the mark of a clean stop.
    fn close(
        &mut self,
        driver: &FileDriver,
        written: Written,
        syncing: Option<JoinHandle<()>>,
    ) -> Result<(), Error> {
        driver.inbox.end();
        let (end, position) = (written.end, written.position);
        driver.syncs.put(&mut Written { end, position, durable: Vec::new() }, true);
        driver.syncs.end();
        for thread in [syncing, self.snapshot.take()].into_iter().flatten() {
            let _ = thread.join();
        }
        if let Some(failure) = self.core.failure() {
            written.durable.into_iter().for_each(|answer| answer.fail(&failure.to_string()));
            return Err(failure);
        }
        // Without a snapshot the next start reads the journal instead.
        if let Err(error) = self.snapshots.snapshot(end, &self.engine.machine.encode()) {
            self.core.snapshot_failed(&lift(error));
        }
        let store = std::mem::replace(&mut self.engine.store, Store::Memory { end });
        let closed = match store {
            Store::Journal(storage) => storage.close_clean().map_err(lift),
            Store::Memory { .. } => Ok(()),
        };
        self.core.end(closed.as_ref().err().map(ToString::to_string));
        match closed {
            Ok(()) => written.durable.into_iter().for_each(Answer::give),
            Err(error) => written.durable.into_iter().for_each(|answer| answer.fail(&error.to_string())),
        }
        Ok(())
    }
}

fn wait_for_space() {
    #[allow(clippy::disallowed_methods, reason = "the driver's threads live in real time")]
    thread::sleep(FULL_WAIT);
}
