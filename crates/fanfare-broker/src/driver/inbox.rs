#![allow(clippy::disallowed_methods, reason = "the driver's threads live in real time")]

use std::{
    mem,
    time::{Duration, Instant},
};

use parking_lot::{Condvar, Mutex};

use super::{command::Command, core::Policy};

/// While a sync runs, the writer lets this many publishes come together: they would wait for the next sync anyway.
const GATHER: usize = 256;

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
        self.has_urgent || self.is_ended || self.commands.len() >= enough
    }
}

impl Inbox {
    pub(crate) fn put(&self, command: Command, policy: &Policy) -> Result<(), NotTaken> {
        let is_submit = matches!(command, Command::Submit { .. });
        let bytes = command.size_max().0;
        let mut state = self.state.lock();
        if state.is_ended {
            return Err(NotTaken::Ended(command));
        }
        let is_over = state.bytes + bytes > policy.inbox_max as u64
            || state.commands.len() >= policy.inbox_commands_max;
        if is_submit && is_over && !state.commands.is_empty() {
            return Err(NotTaken::Full(command));
        }
        state.bytes += bytes;
        state.has_urgent |= command.is_urgent();
        state.commands.push(command);
        let must_wake = state.is_waiting && state.is_ready();
        if must_wake {
            state.is_waiting = false;
            drop(state);
            self.ready.notify_one();
        }
        Ok(())
    }

    /// Waits, at most this long, and takes what is there.
    pub(crate) fn take(&self, into: &mut Vec<Command>, wait: Duration) {
        let mut state = self.state.lock();
        let until = Instant::now() + wait;
        while !state.is_ready() {
            // Whoever woke this thread took the flag back; a sync that began since then makes it wait again.
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

    /// Says whether a sync runs.
    pub(crate) fn set_syncing(&self, is_syncing: bool) {
        let mut state = self.state.lock();
        state.is_syncing = is_syncing;
        let must_wake = state.is_waiting && state.is_ready();
        if must_wake {
            state.is_waiting = false;
            drop(state);
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
