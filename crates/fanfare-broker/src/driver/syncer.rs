#![allow(clippy::disallowed_methods, reason = "the driver's threads live in real time")]

use std::{
    mem,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{answer::Answer, core::Core, engine::Written, file::FileDriver, guard::Guard};
use crate::storage::Syncer;

/// How long bookkeeping that nobody waits for stays unsynced.
const LAZY: Duration = Duration::from_millis(20);

/// Batches that wait for a sync.
#[derive(Default)]
pub(crate) struct SyncQueue {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    position: u64,
    durable: Vec<Answer>,
    /// Somebody waits, or events are to become visible.
    is_wanted: bool,
    /// Something was written since the last sync began.
    is_dirty: bool,
    /// A sync runs, or its receipts are being given.
    is_running: bool,
    is_ended: bool,
    /// Why nothing is synced any more.
    closed: Option<String>,
}

impl SyncQueue {
    /// Takes a batch's answers over; after [`SyncQueue::close`] they fail.
    pub(crate) fn put(&self, written: &mut Written, is_wanted: bool) {
        let mut state = self.state.lock();
        if let Some(why) = state.closed.clone() {
            drop(state);
            return written.durable.drain(..).for_each(|answer| answer.fail(&why));
        }
        let was_dirty = mem::replace(&mut state.is_dirty, true);
        state.position = state.position.max(written.position);
        state.durable.append(&mut written.durable);
        let must_wake = (is_wanted && !state.is_wanted) || !was_dirty;
        state.is_wanted |= is_wanted;
        drop(state);
        if must_wake {
            self.ready.notify_one();
            // Where there are few cores the syncer would wait behind the writer, and the disk with it.
            thread::yield_now();
        }
    }

    /// Lets the thread end when it has synced what is there.
    pub(crate) fn end(&self) {
        self.state.lock().is_ended = true;
        self.ready.notify_one();
    }

    /// From now on nothing is synced: fails what waits, and what comes.
    pub(crate) fn close(&self, why: &str) {
        let mut state = self.state.lock();
        let why = state.closed.get_or_insert_with(|| why.to_owned()).clone();
        state.is_ended = true;
        let waiting = mem::take(&mut state.durable);
        drop(state);
        self.ready.notify_one();
        waiting.into_iter().for_each(|answer| answer.fail(&why));
    }

    /// Whether somebody waits for the next sync already.
    fn is_wanted(&self) -> bool {
        self.state.lock().is_wanted
    }

    /// Waits for work; `None`: there will be no more.
    /// `durable`, which is empty, gets the answers that wait for the sync.
    fn take(&self, lazy: Duration, durable: &mut Vec<Answer>) -> Option<u64> {
        let mut state = self.state.lock();
        let mut until = None;
        loop {
            if state.closed.is_some() {
                return None;
            }
            if state.is_wanted || (state.is_dirty && state.is_ended) {
                break;
            }
            if state.is_ended {
                return None;
            }
            if !state.is_dirty {
                self.ready.wait(&mut state);
                continue;
            }
            let until = *until.get_or_insert_with(|| Instant::now() + lazy);
            if self.ready.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        Some(state.begin(durable))
    }

    /// Takes a batch as [`SyncQueue::put`] does, for a writer that has nothing else to do: if no sync runs, it is to
    /// sync what it gets here, up to this position.
    pub(crate) fn put_or_begin(&self, written: &mut Written, durable: &mut Vec<Answer>) -> Option<u64> {
        let mut state = self.state.lock();
        if state.is_running || state.closed.is_some() {
            drop(state);
            self.put(written, true);
            return None;
        }
        state.position = state.position.max(written.position);
        state.durable.append(&mut written.durable);
        Some(state.begin(durable))
    }
}

impl State {
    fn begin(&mut self, durable: &mut Vec<Answer>) -> u64 {
        self.is_running = true;
        self.is_wanted = false;
        self.is_dirty = false;
        mem::swap(&mut self.durable, durable);
        self.position
    }
}

/// Syncs until the queue ends, or a sync fails: then everything ends.
pub(crate) fn run(core: &Arc<Core>, driver: &FileDriver, syncer: &dyn Syncer) {
    let lazy = core.policy.interval.unwrap_or(LAZY);
    let _guard = Guard { core: Arc::downgrade(core), task: "syncs" };
    let mut durable = Vec::new();
    while let Some(position) = driver.syncs.take(lazy, &mut durable) {
        driver.inbox.set_syncing(true);
        if !sync_once(core, driver, syncer, position, &mut durable) {
            return;
        }
        // Only now: who got a receipt publishes again, and the next sync is to cover all of these.
        if !driver.syncs.is_wanted() {
            driver.inbox.set_syncing(false);
        }
    }
}

/// Syncs what [`SyncQueue`] handed out, and gives the receipts. `false`: it failed, and everything ends.
pub(crate) fn sync_once(
    core: &Core,
    driver: &FileDriver,
    syncer: &dyn Syncer,
    position: u64,
    durable: &mut Vec<Answer>,
) -> bool {
    let started = Instant::now();
    let outcome = syncer.sync();
    core.figures.synced(started.elapsed());
    if let Err(error) = outcome {
        let why = format!("a sync failed: {error}; check the disk and start again");
        core.end(Some(why.clone()));
        durable.drain(..).for_each(|answer| answer.fail(&why));
        // The writer may have added a batch meanwhile, and be about to add another one.
        driver.syncs.close(&why);
        driver.inbox.end();
        return false;
    }
    let is_new = position > core.index.visible();
    core.index.set_visible(position);
    driver.outbox.give(durable);
    if is_new {
        core.hub.wake_all();
    }
    driver.syncs.state.lock().is_running = false;
    true
}
