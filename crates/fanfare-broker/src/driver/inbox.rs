#![allow(clippy::disallowed_methods, reason = "the driver's threads live in real time")]

use std::{
    mem,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex, MutexGuard};

use super::{command::Command, core::Policy};

/// While a sync runs, the writer lets this many publishes come together, or so many bytes of them: they would wait
/// for the next sync anyway.
const GATHER: usize = 128;
const GATHER_BYTES: u64 = 256 << 10;

/// Commands on their way to the writer.
#[derive(Default)]
pub(crate) struct Inbox {
    state: Mutex<State>,
    ready: Condvar,
}

#[derive(Default)]
struct State {
    commands: Vec<Command>,
    bytes: u64,
    has_urgent: bool,
    is_syncing: bool,
    is_waiting: bool,
    is_ended: bool,
}

/// Why a command was not taken.
pub(crate) enum NotTaken {
    Full(Command),
    Ended(Command),
}

impl State {
    fn is_ready(&self) -> bool {
        let enough = if self.is_syncing { GATHER } else { 1 };
        let is_enough = self.commands.len() >= enough || self.bytes >= GATHER_BYTES;
        self.has_urgent || self.is_ended || is_enough
    }
}

impl Inbox {
    pub(crate) fn put(&self, command: Command, policy: &Policy) -> Result<(), NotTaken> {
        let is_publish = command.is_publish();
        let bytes = command.size_max().0;
        let mut state = self.state.lock();
        if state.is_ended {
            return Err(NotTaken::Ended(command));
        }
        let is_over = state.bytes + bytes > policy.inbox_max as u64
            || state.commands.len() >= policy.inbox_commands_max;
        if is_publish && is_over && !state.commands.is_empty() {
            return Err(NotTaken::Full(command));
        }
        state.bytes += bytes;
        state.has_urgent |= command.is_urgent();
        state.commands.push(command);
        self.wake(state);
        Ok(())
    }

    /// Takes bookkeeping, which has no limit here.
    pub(crate) fn put_both(&self, both: [Command; 2]) -> Result<(), [Command; 2]> {
        let mut state = self.state.lock();
        if state.is_ended {
            return Err(both);
        }
        state.bytes += both.iter().map(|command| command.size_max().0).sum::<u64>();
        state.has_urgent |= both.iter().any(Command::is_urgent);
        state.commands.extend(both);
        self.wake(state);
        Ok(())
    }

    /// Waits, at most this long, and takes what is there.
    pub(crate) fn take(&self, into: &mut Vec<Command>, wait: Duration) {
        let mut state = self.state.lock();
        let until = Instant::now() + wait;
        while !state.is_ready() {
            state.is_waiting = true;
            if self.ready.wait_until(&mut state, until).timed_out() {
                break;
            }
        }
        state.is_waiting = false;
        state.bytes = 0;
        state.has_urgent = false;
        mem::swap(&mut state.commands, into);
    }

    /// Takes what is there, if there is something.
    pub(crate) fn take_more(&self, into: &mut Vec<Command>) -> bool {
        let mut state = self.state.lock();
        if state.commands.is_empty() {
            return false;
        }
        state.bytes = 0;
        state.has_urgent = false;
        mem::swap(&mut state.commands, into);
        true
    }

    /// Says whether a sync runs.
    pub(crate) fn set_syncing(&self, is_syncing: bool) {
        let mut state = self.state.lock();
        state.is_syncing = is_syncing;
        self.wake(state);
    }

    /// Wakes the writer if it waits for what is there now. It says itself that it waits no more: woken for
    /// what a sync then made wait, it goes on waiting, and has to be woken again.
    fn wake(&self, state: MutexGuard<'_, State>) {
        let must_wake = state.is_waiting && state.is_ready();
        drop(state);
        if must_wake {
            self.ready.notify_one();
        }
    }

    /// Takes no more, and wakes the writer.
    pub(crate) fn end(&self) {
        self.state.lock().is_ended = true;
        self.ready.notify_one();
    }

    /// What came after the end began.
    pub(crate) fn take_rest(&self) -> Vec<Command> {
        mem::take(&mut self.state.lock().commands)
    }
}

#[cfg(test)]
#[allow(clippy::disallowed_methods, reason = "a race of threads is in real time")]
mod tests {
    use std::{sync::Arc, thread, time::Duration};

    use fanfare_core::{Durability, Ticket};

    use super::{Command, Inbox, Policy};

    const POLICY: Policy = Policy {
        durability: Durability::Fsync,
        interval: None,
        message_max: 1 << 20,
        recent_max: 1 << 20,
        memory_max: 1 << 20,
        inbox_max: 1 << 20,
        inbox_commands_max: 100,
        snapshot_every: u64::MAX,
    };

    #[test]
    fn a_writer_that_was_woken_into_a_sync_is_woken_again_when_it_ends() {
        for _ in 0..20 {
            let inbox = Arc::new(Inbox::default());
            let writer = thread::spawn({
                let inbox = inbox.clone();
                move || {
                    let mut commands = Vec::new();
                    inbox.take(&mut commands, Duration::from_secs(10));
                    commands.len()
                }
            });
            while !inbox.state.lock().is_waiting {
                thread::yield_now();
            }
            let (promise, _ticket) = Ticket::pair();
            let command = Command::Submit {
                batch: Vec::new(),
                size_max: 0,
                is_atomic: false,
                refused: Vec::new(),
                promise,
            };
            assert!(inbox.put(command, &POLICY).is_ok());
            inbox.set_syncing(true);
            // Time for the writer to wake up, and to find that a sync runs.
            thread::sleep(Duration::from_millis(2));
            let begin = std::time::Instant::now();
            inbox.set_syncing(false);
            assert_eq!(writer.join().unwrap(), 1);
            assert!(begin.elapsed() < Duration::from_secs(5), "it slept until its time was up");
        }
    }
}
