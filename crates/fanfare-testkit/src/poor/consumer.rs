//! The only consumer of a group at a time: everything from the cursor on, in order.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{Consumer, Delivery, Error, ErrorKind, GroupSpec, HeldKey, Settle, Taken, Ticket, Token};

use super::store::Store;

/// One member of a group.
pub(super) struct PoorConsumer {
    pub(super) store: Arc<Store>,
    pub(super) spec: GroupSpec,
    pub(super) number: u64,
    /// The next position to deliver; `None` while another consumer has the group.
    pub(super) next: Option<u64>,
}

impl Consumer for PoorConsumer {
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> Poll<Result<Taken, Error>> {
        let mut state = self.store.state.lock();
        if state.is_closed {
            return Poll::Ready(Ok(Taken::Closed));
        }
        let Some(group) = state.groups.get_mut(&self.spec.name) else {
            return Poll::Ready(Err(Error::new(ErrorKind::NotFound, "there is no such group")));
        };
        let is_ours = *group.owner.get_or_insert(self.number) == self.number;
        if !is_ours && self.next.take().is_some() {
            return Poll::Ready(Ok(Taken::Revoked));
        }
        if is_ours {
            let mut next = *self.next.get_or_insert(group.cursor);
            let before = into.len();
            for record in state.records.iter().skip(usize::try_from(next).unwrap_or(usize::MAX)) {
                if into.len() - before == max {
                    break;
                }
                let message = &record.message;
                // It filters by topic only, as many servers do: a type that the group does not take comes too.
                if self.spec.topics.iter().any(|topic| topic.matches(message.topic.as_str())) {
                    into.push(Delivery::new(record.clone(), Token::new(next, self.number, 1)));
                }
                next += 1;
            }
            self.next = Some(next);
            if into.len() > before {
                return Poll::Ready(Ok(Taken::Batch));
            }
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }

    fn begin(&mut self, batch: &mut Vec<Token>) -> Ticket<Vec<Result<(), Error>>> {
        batch.clear();
        Ticket::ready(Err(Error::new(ErrorKind::Unsupported, "this transport does not count attempts")))
    }

    /// Moves the cursor behind the record; there is nothing else that it can do.
    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> Ticket<Vec<Result<(), Error>>> {
        let mut state = self.store.state.lock();
        let answers = batch.drain(..).map(|(token, settle)| {
            let is_plain = matches!(&settle, Settle::Ack { outputs } if outputs.is_empty());
            if !is_plain {
                return Err(Error::new(ErrorKind::Unsupported, "this transport only moves a cursor"));
            }
            match state.groups.get_mut(&self.spec.name) {
                Some(group) if group.owner == Some(self.number) => {
                    group.cursor = group.cursor.max(token.position + 1);
                    Ok(())
                }
                _ => Err(Error::new(ErrorKind::Stale, "another consumer has the group")),
            }
        });
        Ticket::ready(Ok(answers.collect()))
    }

    fn resume(&mut self, _: &HeldKey) -> Ticket<u64> {
        Ticket::ready(Err(Error::new(ErrorKind::Unsupported, "this transport keeps no held keys")))
    }
}

impl Drop for PoorConsumer {
    fn drop(&mut self) {
        let mut state = self.store.state.lock();
        if let Some(group) = state.groups.get_mut(&self.spec.name)
            && group.owner == Some(self.number)
        {
            group.owner = None;
        }
        drop(state);
        self.store.wake_all();
    }
}
