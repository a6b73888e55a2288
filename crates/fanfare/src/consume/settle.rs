//! What becomes of a task when its handler has ended: the settlement that the transport is asked for.

use std::time::Duration;

use fanfare_core::{AttemptRecord, Settle, Token};

use super::{
    decide,
    driver::Driver,
    in_flight::Asked,
    lanes::{AskedRetry, OutputTypes, State, Why},
    outcome::{Failed, Outcome},
};

impl Driver {
    pub(super) fn finish(&mut self, index: u32, outcome: Outcome, now: Duration) {
        let Some(task) = self.lanes.get_mut(index) else { return };
        let cancelled = task.cancelled.take();
        let position = task.delivery.token.position;
        if std::mem::take(&mut task.delivery.is_suspect) {
            self.gate.passed(position);
        }
        let outcome = match (outcome, cancelled) {
            // Also one that ended by itself, too late: its result is discarded.
            (_, Some(Why::Timeout)) => {
                self.group.metrics.timed_out.add(1);
                Outcome::Failed(Failed::timeout(self.group.options.ack_timeout))
            }
            (Outcome::Cancelled, _) => return self.hand_back(index),
            (outcome, _) => outcome,
        };
        match outcome {
            Outcome::Done(outputs) => {
                task.outputs = OutputTypes::of(&outputs);
                self.ask(index, Asked::Ack, Settle::Ack { outputs });
            }
            Outcome::Unexpected => self.unhandled(index),
            Outcome::Newer => self.hold(index),
            Outcome::Rejected(reason) => {
                let failed = Failed::permanent(&reason);
                self.group.metrics.failed.add(1);
                self.give_up(index, reason, Some(failed));
            }
            Outcome::Failed(failed) => self.failed(index, failed, now),
            Outcome::Cancelled => {}
        }
    }

    pub(super) fn failed(&mut self, index: u32, failed: Failed, now: Duration) {
        let Some(task) = self.lanes.get_mut(index) else { return };
        let group = &*self.group;
        group.metrics.failed.add(1);
        group.metrics.panicked.add(u64::from(failed.is_panic));
        let token = task.delivery.token;
        let retry = &group.options.retry;
        let Some(after) = decide::after(retry, &failed, token.attempt, group.random.next_u64()) else {
            let reason = decide::reason(retry, &failed, token.attempt);
            return self.give_up(index, reason, Some(failed));
        };
        group.metrics.retried.add(1);
        let record = group.attempt_record(token, &failed.error);
        task.delivery.token = token.next_attempt();
        let delivery = &task.delivery;
        group.log(delivery, token.attempt).in_scope(|| {
            tracing::warn!(error = %failed.error, retry_in = ?after, "the handler failed and is tried again");
        });
        self.ask_retry(index, token, after, Some(record));
        self.wait(index, now.saturating_add(after));
    }

    pub(super) fn give_up(&mut self, index: u32, reason: bytestring::ByteString, failed: Option<Failed>) {
        let Some(task) = self.lanes.get(index) else { return };
        let group = &*self.group;
        group.metrics.dead_lettered.add(1);
        let token = task.delivery.token;
        group.log(&task.delivery, token.attempt).in_scope(|| {
            tracing::error!(%reason, "the delivery is given up and becomes a dead letter");
        });
        let failed = failed.map(|failed| group.attempt_record(token, &failed.error));
        let is_keyed = task.delivery.record.message.metadata.key.is_some();
        let park = group.options.park && is_keyed;
        let asked = if park { Asked::Park } else { Asked::Reject };
        let reason = if reason.len() > AttemptRecord::ERROR_LEN_MAX {
            AttemptRecord::cut(&reason).into()
        } else {
            reason
        };
        self.ask(index, asked, Settle::Reject { reason, failed, park });
    }

    pub(super) fn hold(&mut self, index: u32) {
        let Some(task) = self.lanes.get(index) else { return };
        self.group.metrics.held.add(1);
        let metadata = &task.delivery.record.message.metadata;
        self.group.log(&task.delivery, task.delivery.token.attempt).in_scope(|| {
            tracing::warn!(
                version = metadata.type_version,
                "a newer build wrote this event: its key is held until that build starts"
            );
        });
        self.ask(index, Asked::Hold, Settle::Hold);
    }

    pub(super) fn unhandled(&mut self, index: u32) {
        if let Some(task) = self.lanes.get(index) {
            self.group.metrics.unhandled.add(1);
            self.group.encoder.types.unhandled(&task.delivery.record.message.metadata.event_type);
        }
        self.ask(index, Asked::Skip, Settle::Ack { outputs: Vec::new() });
    }

    pub(super) fn hand_back(&mut self, index: u32) {
        self.ask(index, Asked::Release, Settle::Release);
    }

    /// Settles a task for good. Its lane goes on with it, except behind a key that is held or parked.
    pub(super) fn ask(&mut self, index: u32, asked: Asked, settle: Settle) {
        let Some(task) = self.lanes.get_mut(index) else { return };
        self.settle.push((task.delivery.token, settle));
        self.settle_items.push((index, asked));
        if let Some(sequence) = &mut self.sequence {
            sequence.end(index);
        }
        if matches!(asked, Asked::Hold | Asked::Park) {
            task.state = State::Settling;
        } else {
            self.lanes.detach(index);
        }
    }

    /// Asks that a task is remembered as waiting.
    pub(super) fn ask_retry(
        &mut self,
        index: u32,
        token: Token,
        after: Duration,
        failed: Option<AttemptRecord>,
    ) {
        self.settle.push((token, Settle::Retry { after, failed: failed.clone() }));
        self.settle_items.push((index, Asked::Retry));
        if let Some(task) = self.lanes.get_mut(index) {
            task.retry = Some(Box::new(AskedRetry { token, after, failed, is_refused: false }));
        }
    }

    /// Asks again for a retry that was refused; `false`: there is none.
    pub(super) fn ask_retry_again(&mut self, index: u32, now: Duration) -> bool {
        let task = self.lanes.get_mut(index);
        let Some(retry) = task.and_then(|task| task.retry.take_if(|retry| retry.is_refused)) else {
            return false;
        };
        let AskedRetry { token, after, failed, .. } = *retry;
        self.ask_retry(index, token, after, failed);
        self.timers.insert(now.saturating_add(after), index);
        true
    }

    pub(super) fn wait(&mut self, index: u32, until: Duration) {
        self.lanes.wait(index);
        self.timers.insert(until, index);
    }
}
