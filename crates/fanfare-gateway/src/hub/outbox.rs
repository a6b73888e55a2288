//! What waits for one connection's task.

use crate::protocol::{Batch, ClientInfo, Disconnect, Json, Unsubscribe};
use crate::session::Given;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Names one subscription of one connection, for as long as the connection lives. A later subscription to the same
/// channel has another ticket, so that what was queued for the earlier one is recognised and dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Ticket(pub(crate) u64);

/// One thing for a connection's task to look at.
#[derive(Clone, Debug)]
pub(crate) enum Item {
    Publications(Ticket, Arc<Batch>),
    Join(Ticket, Arc<ClientInfo>),
    Leave(Ticket, Arc<ClientInfo>),
    /// The feed lost its place: the subscription can no longer know that it is complete.
    Lost(Ticket),
    Message(Json),
    /// The application takes the channel away.
    Unsubscribe(String, Unsubscribe),
    /// The application gives a channel.
    Subscribe(Box<Given>),
}

impl Item {
    fn bytes(&self) -> usize {
        match self {
            Self::Publications(_, batch) => batch.frame.bytes().len(),
            Self::Message(data) => data.as_str().len(),
            Self::Join(..) | Self::Leave(..) | Self::Lost(_) | Self::Unsubscribe(..) | Self::Subscribe(_) => {
                128
            }
        }
    }
}

/// A bounded queue between the hub, which never waits, and the task of one connection.
///
/// When more than the allowed bytes wait, what waits is dropped and the connection is told to close as slow: its
/// client comes back and recovers.
#[derive(Debug)]
pub(crate) struct Outbox {
    state: Mutex<State>,
    waker: AtomicWaker,
    bytes_max: usize,
}

#[derive(Debug, Default)]
struct State {
    items: VecDeque<Item>,
    bytes: usize,
    close: Option<Disconnect>,
}

impl Outbox {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), waker: AtomicWaker::new(), bytes_max }
    }

    pub(crate) fn push(&self, item: Item) {
        let was_empty = {
            let mut state = self.state.lock();
            if state.close.is_some() {
                return;
            }
            let was_empty = state.items.is_empty();
            state.bytes += item.bytes();
            if state.bytes > self.bytes_max {
                state.close = Some(Disconnect::SLOW);
                state.items = VecDeque::new();
            } else {
                state.items.push_back(item);
            }
            was_empty || state.close.is_some()
        };
        if was_empty {
            self.waker.wake();
        }
    }

    /// Tells the connection to close. The first reason counts.
    pub(crate) fn close(&self, disconnect: Disconnect) {
        self.state.lock().close.get_or_insert(disconnect);
        self.waker.wake();
    }

    /// Takes everything that waits, unless `is_blocked` (then only a close comes through), and registers the task.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        is_blocked: bool,
        into: &mut Vec<Item>,
    ) -> Poll<Result<(), Disconnect>> {
        self.waker.register(cx.waker());
        let mut state = self.state.lock();
        if !is_blocked && !state.items.is_empty() {
            state.bytes = 0;
            into.extend(state.items.drain(..));
            if state.items.capacity() > ITEMS_KEPT {
                state.items.shrink_to(ITEMS_KEPT);
            }
        }
        match &state.close {
            Some(close) => Poll::Ready(Err(close.clone())),
            None if into.is_empty() => Poll::Pending,
            None => Poll::Ready(Ok(())),
        }
    }
}

/// Room that an idle connection's queue may keep.
const ITEMS_KEPT: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::Publication;
    use futures_util::task::noop_waker;

    fn take(outbox: &Outbox, is_blocked: bool) -> (Poll<Result<(), Disconnect>>, usize) {
        let mut items = Vec::new();
        let poll = outbox.poll_take(&mut Context::from_waker(&noop_waker()), is_blocked, &mut items);
        (poll, items.len())
    }

    fn publication() -> Item {
        let publication = Publication::new(Json::of(&"x".repeat(100)).unwrap()).encode("c", 1);
        Item::Publications(Ticket(1), Arc::new(Batch::of(vec![publication]).unwrap()))
    }

    #[test]
    fn a_queue_over_its_bytes_is_dropped_and_closes_as_slow_even_when_blocked() {
        let outbox = Outbox::new(400);
        outbox.push(publication());
        outbox.push(publication());
        assert_eq!(take(&outbox, true), (Poll::Pending, 0));
        outbox.push(publication());
        assert_eq!(take(&outbox, true), (Poll::Ready(Err(Disconnect::SLOW)), 0));
        outbox.push(publication());
        assert_eq!(take(&outbox, false), (Poll::Ready(Err(Disconnect::SLOW)), 0));
    }

    #[test]
    fn what_was_taken_no_longer_counts() {
        let outbox = Outbox::new(400);
        for _ in 0..10 {
            outbox.push(publication());
            assert_eq!(take(&outbox, false), (Poll::Ready(Ok(())), 1));
        }
    }
}
