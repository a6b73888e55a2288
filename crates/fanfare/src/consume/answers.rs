//! What the transport answers: attempts that are counted, settlements that are accepted or refused.

use std::{
    task::{Context, Poll},
    time::Duration,
};

use fanfare_core::{Error, ErrorKind, Settle};

use super::{driver::Driver, exchange::Run, in_flight::Asked, lanes::State, outcome::Failed};

/// How long after a refusal for want of space the same is tried again.
const FULL_RETRY_AFTER: Duration = Duration::from_secs(1);

impl Driver {
    /// What the transport answered to earlier calls, oldest first.
    pub(super) fn answers(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, Error> {
        let mut is_moving = false;
        while let Poll::Ready(Some((call, answers))) = self.in_flight.poll(cx) {
            is_moving = true;
            let answers = answers?;
            for (&(index, asked), answer) in call.items.iter().zip(answers) {
                match answer {
                    Ok(()) => self.accepted(index, asked),
                    Err(error) => self.refused(index, asked, error, now)?,
                }
            }
            self.in_flight.recycle(call);
        }
        self.exchange.push(&mut self.runs);
        Ok(is_moving)
    }

    pub(super) fn accepted(&mut self, index: u32, asked: Asked) {
        match asked {
            Asked::Begin => self.begun(index),
            Asked::Retry => {
                if let Some(task) = self.lanes.get_mut(index) {
                    task.retry = None;
                }
            }
            Asked::Hold | Asked::Park => self.held(index),
            Asked::Ack => {
                self.group.metrics.handled.add(1);
                if let Some(task) = self.lanes.forget(index) {
                    task.outputs.iter().for_each(|published| self.group.encoder.types.published(published));
                }
            }
            Asked::Skip | Asked::Reject | Asked::Release => {
                self.lanes.forget(index);
            }
        }
    }

    pub(super) fn begun(&mut self, index: u32) {
        let Some(task) = self.lanes.get_mut(index) else { return };
        if task.is_recalled {
            let token = task.delivery.token;
            self.ask_retry(index, token, Duration::ZERO, None);
            self.begun -= 1;
            self.lanes.recalled(index);
        } else if self.is_draining {
            self.begun -= 1;
            self.hand_back(index);
        } else {
            task.state = State::Running;
            let attempt = task.delivery.token.attempt;
            let record = task.delivery.record.clone();
            self.runs.push(Run { task: index, round: self.round, attempt, record });
        }
    }

    /// The key is held from this record on: what came behind it is the next build's.
    pub(super) fn held(&mut self, index: u32) {
        let mut behind = std::mem::take(&mut self.behind);
        self.lanes.take_behind(index, &mut behind);
        for index in behind.drain(..) {
            if let Some(task) = self.lanes.get(index) {
                self.settle.push((task.delivery.token, Settle::Release));
                self.settle_items.push((index, Asked::Release));
            }
        }
        self.behind = behind;
        self.lanes.detach(index);
        self.lanes.forget(index);
    }

    pub(super) fn refused(
        &mut self,
        index: u32,
        asked: Asked,
        error: Error,
        now: Duration,
    ) -> Result<(), Error> {
        let Some(task) = self.lanes.get_mut(index) else { return Ok(()) };
        if error.kind() == ErrorKind::Closed {
            return Err(error);
        }
        if asked == Asked::Begin {
            self.begun -= 1;
        }
        if asked == Asked::Begin && !task.is_recalled && task.retry.is_some() {
            // The retry before it was refused, so that the transport knows of no such attempt.
            self.wait(index, now.saturating_add(FULL_RETRY_AFTER));
            return Ok(());
        }
        if error.kind() == ErrorKind::Stale {
            // Somebody else has it, or had its settlement: this one's outcome is discarded.
            self.group.metrics.stale.add(1);
            tracing::debug!(group = %self.group.printed, token = ?task.delivery.token, "a late settlement was refused");
            if matches!(asked, Asked::Begin | Asked::Hold | Asked::Park | Asked::Retry) {
                self.lanes.detach(index);
            }
            self.lanes.forget(index);
            return Ok(());
        }
        let token = task.delivery.token;
        self.group.log(&task.delivery, token.attempt).in_scope(|| {
            tracing::error!(%error, ?asked, "the transport refused");
        });
        match asked {
            Asked::Retry => {
                // The transport still takes the attempt for a running one: it is asked again.
                if let Some(retry) = &mut task.retry {
                    retry.is_refused = true;
                }
                let again = now.saturating_add(FULL_RETRY_AFTER);
                match task.state {
                    State::Ready => self.wait(index, again),
                    _ => self.timers.insert(again, index),
                }
            }
            Asked::Release => {
                self.lanes.forget(index);
            }
            Asked::Ack | Asked::Skip if !error.is_retryable() => {
                // Success whose outputs cannot be published is not success.
                self.lanes.reattach(index);
                let reason = format!("its outputs cannot be published: {error}");
                self.give_up(index, reason.into(), Some(Failed::permanent(&error)));
            }
            Asked::Begin if task.is_recalled => self.lanes.recalled(index),
            Asked::Begin => self.wait(index, now.saturating_add(FULL_RETRY_AFTER)),
            Asked::Ack | Asked::Skip | Asked::Reject | Asked::Hold | Asked::Park => {
                if !matches!(asked, Asked::Hold | Asked::Park) {
                    self.lanes.reattach(index);
                }
                let after = FULL_RETRY_AFTER;
                self.ask_retry(index, token, after, None);
                self.wait(index, now.saturating_add(after));
            }
        }
        Ok(())
    }
}
