//! What waits for one connection's task.

use crate::protocol::{Batch, Disconnect, Frame, Json, Unsubscribe};
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
    /// Pushes that everybody in the channel receives alike, without an offset.
    Told(Ticket, Frame),
    /// The feed lost its place: the subscription can no longer know that it is complete.
    Lost(Ticket),
    Message(Json),
    /// The application takes the channel away. It overtakes what waits, and comes through to a peer that takes no bytes: what
    /// is finished for that channel afterwards must not reach it.
    Unsubscribe(String, Unsubscribe),
    /// The application gives a channel.
    Subscribe(Box<Given>),
}

impl Item {
    pub(super) fn bytes(&self) -> usize {
        match self {
            Self::Publications(_, batch) => batch.frame.bytes().len(),
            Self::Told(_, frame) => frame.bytes().len(),
            Self::Message(data) => data.as_str().len(),
            Self::Lost(_) | Self::Unsubscribe(..) | Self::Subscribe(_) => 128,
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
    /// Channels that were taken away.
    taken_away: Vec<Item>,
    /// Of channels where only the newest value counts: the one that waits.
    newest: Vec<(Ticket, Arc<Batch>)>,
    bytes: usize,
    close: Option<Disconnect>,
}

impl Outbox {
    pub(crate) fn new(bytes_max: usize) -> Self {
        Self { state: Mutex::default(), waker: AtomicWaker::new(), bytes_max }
    }

    pub(crate) fn push(&self, item: Item) {
        self.add(|state| {
            state.bytes += item.bytes();
            match &item {
                Item::Unsubscribe(channel, _) => {
                    // What was given before it is given no more.
                    state.items.retain(
                        |other| !matches!(other, Item::Subscribe(given) if given.channel == *channel),
                    );
                    state.taken_away.push(item);
                }
                _ => state.items.push_back(item),
            }
        });
    }

    /// Replaces what waits for this subscription: the newest value wins.
    pub(crate) fn push_newest(&self, ticket: Ticket, batch: &Arc<Batch>) {
        self.add(|state| {
            state.bytes += batch.frame.bytes().len();
            match state.newest.iter_mut().find(|(waiting, _)| *waiting == ticket) {
                Some((_, older)) => {
                    state.bytes -= older.frame.bytes().len();
                    *older = Arc::clone(batch);
                }
                None => state.newest.push((ticket, Arc::clone(batch))),
            }
        });
    }

    fn add(&self, add: impl FnOnce(&mut State)) {
        let is_news = {
            let mut state = self.state.lock();
            if state.close.is_some() {
                return;
            }
            let was_empty = state.is_empty();
            add(&mut state);
            if state.bytes > self.bytes_max {
                *state = State { close: Some(Disconnect::SLOW), ..State::default() };
            }
            was_empty || state.close.is_some() || !state.taken_away.is_empty()
        };
        if is_news {
            self.waker.wake();
        }
    }

    /// Tells the connection to close. The first reason counts.
    pub(crate) fn close(&self, disconnect: Disconnect) {
        self.state.lock().close.get_or_insert(disconnect);
        self.waker.wake();
    }

    /// Takes what cannot wait: channels that were taken away.
    ///
    /// # Errors
    /// When the connection is to close.
    pub(crate) fn take_urgent(&self, into: &mut Vec<Item>) -> Result<(), Disconnect> {
        let mut state = self.state.lock();
        state.take_urgent(into);
        state.close.clone().map_or(Ok(()), Err)
    }

    /// Takes everything that waits, unless `is_blocked` (then only what is urgent comes through), and registers the task.
    pub(crate) fn poll_take(
        &self,
        cx: &mut Context<'_>,
        is_blocked: bool,
        into: &mut Vec<Item>,
    ) -> Poll<Result<(), Disconnect>> {
        self.waker.register(cx.waker());
        let mut state = self.state.lock();
        state.take_urgent(into);
        if !is_blocked && !state.is_empty() {
            state.bytes = 0;
            into.extend(state.items.drain(..));
            let newest = std::mem::take(&mut state.newest).into_iter();
            into.extend(newest.map(|(ticket, batch)| Item::Publications(ticket, batch)));
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

impl State {
    fn is_empty(&self) -> bool {
        self.items.is_empty() && self.newest.is_empty()
    }

    fn take_urgent(&mut self, into: &mut Vec<Item>) {
        let bytes: usize = self.taken_away.iter().map(Item::bytes).sum();
        self.bytes = self.bytes.saturating_sub(bytes);
        into.append(&mut self.taken_away);
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
    fn where_the_newest_value_wins_one_waits_however_many_came_and_nobody_is_slow() {
        let outbox = Outbox::new(400);
        let batch = |offset| {
            let publication = Publication::new(Json::of(&"x".repeat(100)).unwrap()).encode("c", offset);
            Arc::new(Batch::of(vec![publication]).unwrap())
        };
        for offset in 1..=100 {
            outbox.push_newest(Ticket(1), &batch(offset));
            outbox.push_newest(Ticket(2), &batch(offset + 1_000));
        }
        let mut items = Vec::new();
        let poll = outbox.poll_take(&mut Context::from_waker(&noop_waker()), false, &mut items);
        assert_eq!(poll, Poll::Ready(Ok(())));
        let offsets: Vec<u64> = items
            .iter()
            .map(|item| match item {
                Item::Publications(_, batch) => batch.publications[0].offset,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(offsets, [100, 1_100]);
        assert_eq!(take(&outbox, false), (Poll::Pending, 0));
    }

    #[test]
    fn a_channel_that_is_taken_away_comes_through_first_and_to_a_blocked_peer_too() {
        let outbox = Outbox::new(4_000);
        let given = Given { channel: "c".into(), claims: Box::default(), resume: None, told: None };
        outbox.push(Item::Subscribe(Box::new(given)));
        outbox.push(publication());
        outbox.push(Item::Unsubscribe("c".into(), Unsubscribe::SERVER));
        let mut items = Vec::new();
        outbox.take_urgent(&mut items).unwrap();
        assert!(matches!(&*items, [Item::Unsubscribe(..)]), "{items:?}");
        outbox.push(Item::Unsubscribe("d".into(), Unsubscribe::SERVER));
        assert_eq!(take(&outbox, true), (Poll::Ready(Ok(())), 1));
        // What was to be given before it was taken away is not given.
        assert_eq!(take(&outbox, false), (Poll::Ready(Ok(())), 1));
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
