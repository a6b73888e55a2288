//! Watches the workers: handlers that run into the ack timeout, and those that do not stop when told to.

use std::time::Duration;

use super::{
    group::{Group, STUCK_AFTER},
    lanes::{Lanes, Why},
    slot::{Doing, Slot},
};

/// How often the driver looks after outcomes while a worker is inside a poll. A worker tells the driver of its
/// outcomes before its thread can wait, except when the next handler holds the thread; this bounds that.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What the driver remembers of each worker.
#[derive(Debug)]
pub(crate) struct Watch {
    ack_timeout: Duration,
    cancelled: Vec<Option<Cancelled>>,
    stuck: usize,
}

/// A run that was told to stop.
#[derive(Clone, Copy, Debug)]
struct Cancelled {
    serial: u64,
    at: Duration,
    is_stuck: bool,
}

impl Watch {
    pub(crate) fn new(workers: usize, ack_timeout: Duration) -> Self {
        Self { ack_timeout, cancelled: vec![None; workers], stuck: 0 }
    }

    /// Whether a handler goes on after it was told to stop.
    pub(crate) fn has_stuck(&self) -> bool {
        self.stuck > 0
    }

    /// Cancels what runs too long, and reports what does not stop. Answers the positions of suspects among the latter: their
    /// turn is over.
    pub(crate) fn look(
        &mut self,
        group: &Group,
        slots: &[Slot],
        lanes: &mut Lanes,
        round: u32,
        now: Duration,
    ) -> Vec<u64> {
        let mut passed = Vec::new();
        for (slot, cancelled) in slots.iter().zip(&mut self.cancelled) {
            let serial = slot.serial();
            let is_running = slot.doing() != Doing::Idle;
            match cancelled {
                Some(known) if !is_running || known.serial != serial => {
                    self.stuck -= usize::from(known.is_stuck);
                    *cancelled = None;
                }
                Some(known) if !known.is_stuck && now >= known.at.saturating_add(STUCK_AFTER) => {
                    known.is_stuck = true;
                    self.stuck += 1;
                    if slot.round() == round
                        && let Some(task) = lanes.get_mut(slot.task())
                    {
                        if std::mem::take(&mut task.delivery.is_suspect) {
                            passed.push(task.delivery.token.position);
                        }
                        group.log(&task.delivery, task.delivery.token.attempt).in_scope(|| {
                            tracing::error!(
                                "the handler is stuck: it goes on after its timeout and keeps its slot"
                            );
                        });
                    }
                }
                Some(_) => {}
                None if is_running
                    && slot.round() == round
                    && now >= slot.started().saturating_add(self.ack_timeout) =>
                {
                    if let Some(task) = lanes.get_mut(slot.task()) {
                        task.cancelled = Some(Why::Timeout);
                    }
                    *cancelled = Some(Cancelled { serial, at: now, is_stuck: false });
                    slot.cancel(serial);
                }
                None => {}
            }
        }
        group.metrics.stuck.set(self.stuck);
        passed
    }

    /// When to look next.
    pub(crate) fn next_look(&self, slots: &[Slot], now: Duration) -> Duration {
        let mut next = now.saturating_add(self.ack_timeout);
        for (slot, cancelled) in slots.iter().zip(&self.cancelled) {
            match (slot.doing(), cancelled) {
                (Doing::Idle, _) => {}
                (Doing::Suspended, None) => next = next.min(slot.started().saturating_add(self.ack_timeout)),
                (_, Some(known)) if known.is_stuck => next = next.min(now.saturating_add(STUCK_AFTER)),
                (_, Some(known)) => next = next.min(known.at.saturating_add(STUCK_AFTER)),
                (Doing::Polling, None) => next = next.min(now.saturating_add(LOOK_EVERY)),
            }
        }
        next
    }

    /// Cancels what runs, because the application ends.
    pub(crate) fn cancel_running(&mut self, group: &Group, slots: &[Slot], lanes: &mut Lanes, round: u32) {
        for (slot, cancelled) in slots.iter().zip(&mut self.cancelled) {
            if slot.doing() == Doing::Idle || slot.round() != round || cancelled.is_some() {
                continue;
            }
            if let Some(task) = lanes.get_mut(slot.task()) {
                task.cancelled = Some(Why::Drain);
            }
            let serial = slot.serial();
            *cancelled = Some(Cancelled { serial, at: group.clock.monotonic(), is_stuck: false });
            slot.cancel(serial);
        }
    }

    /// Cancels everything; nobody asks what becomes of it.
    pub(crate) fn cancel_all(&mut self, slots: &[Slot]) {
        for slot in slots {
            if slot.doing() != Doing::Idle {
                slot.cancel(slot.serial());
            }
        }
    }
}
