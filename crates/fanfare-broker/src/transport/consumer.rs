use std::{
    collections::{HashSet, VecDeque},
    future::Future,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::{
    Consumer, Delivery, Error, GroupSpec, HeldKey, Recorded, Settle, Subscription, Taken, Ticket, Token,
};

use super::{
    filter::Filter,
    timer::Timer,
    walk::{Loading, Walk, load, split},
};
use crate::{
    driver::{Command, Core, Mail, Seat, Units},
    index::Found,
    machine::{ByPosition, Joined, Pending, RangeSet, Reopened},
};

/// One consumer of a group. It walks over the visible positions itself; the state machine hears only what
/// begins and what is settled.
pub(crate) struct GroupConsumer {
    core: Arc<Core>,
    seat: Arc<Seat>,
    group: u32,
    /// The lease of what the walk finds; 0 while another consumer has the group.
    lease: u64,
    walk: Walk,
    /// What was settled beyond the cursor when it got the group.
    settled: RangeSet,
    /// What had attempts when it got the group, until it is delivered.
    pending: ByPosition<Pending>,
    /// Suspects, and what was redriven or resumed, with their leases: these come before what the walk finds.
    first: VecDeque<(u64, u64)>,
    /// Suspects, over which the walk goes.
    suspects: HashSet<u64>,
    /// Keys that are passed over.
    held: HashSet<u32>,
    loading: Option<(Loading, Vec<(u64, u64)>)>,
    timer: Timer,
}

impl GroupConsumer {
    /// Joins the group; stands by while another consumer has it.
    pub(crate) async fn join(core: Arc<Core>, spec: &GroupSpec) -> Result<Subscription, Error> {
        let seat = Arc::new(Seat::new(core.hub.place()));
        // Dropped on the way, it leaves again.
        let mut consumer = Self {
            core,
            seat: seat.clone(),
            group: 0,
            lease: 0,
            walk: Walk::new(Filter::group(spec.clone()), 0),
            settled: RangeSet::default(),
            pending: ByPosition::default(),
            first: VecDeque::new(),
            suspects: HashSet::new(),
            held: HashSet::new(),
            loading: None,
            timer: Timer::default(),
        };
        let (promise, ticket) = Ticket::pair();
        consumer.core.send(Command::Join { group: spec.name.clone(), seat, promise });
        let (group, held) = ticket.await?;
        consumer.group = group;
        consumer.read_mail();
        let mut suspects: Vec<u64> = consumer.suspects.iter().copied().collect();
        suspects.sort_unstable();
        let mut subscription = Subscription::new(Box::new(consumer));
        subscription.suspects = suspects;
        subscription.held = held;
        Ok(subscription)
    }

    fn read_mail(&mut self) {
        for mail in self.seat.take() {
            match mail {
                Mail::Joined(joined) => self.joined(joined),
                Mail::Reopened(Reopened { lease, positions, keys }) => {
                    self.held.retain(|key| !keys.contains(key));
                    // The walk, which may not be there yet, goes over them.
                    let ahead = positions.iter().filter(|position| **position >= self.walk.next);
                    ahead.for_each(|position| self.settled.insert(*position, *position + 1));
                    self.first.extend(positions.into_iter().map(|position| (position, lease)));
                }
            }
        }
    }

    fn joined(&mut self, joined: Joined) {
        self.lease = joined.lease;
        self.walk.next = joined.cursor;
        self.settled = joined.settled;
        self.held = joined.held_keys.into_iter().collect();
        self.pending = joined.pending;
        let suspects = self.pending.iter().filter(|(_, pending)| pending.is_suspect);
        let mut suspects: Vec<u64> = suspects.map(|(position, _)| *position).collect();
        suspects.sort_unstable();
        self.first.extend(suspects.iter().map(|position| (*position, joined.lease)));
        self.suspects = suspects.into_iter().collect();
        let others = joined.reopened.into_iter().filter(|position| !self.suspects.contains(position));
        self.first.extend(others.map(|position| (position, joined.lease)));
    }

    /// The next positions before `to` to deliver, with their leases and, if they are in memory, their records.
    fn find(&mut self, to: u64, max: usize) -> (Vec<(u64, u64)>, Vec<Found>, bool) {
        // What was redriven or resumed may not be synced yet, or not even written.
        let ready = self.first.iter().take(max).take_while(|(position, _)| *position < to).count();
        if ready > 0 {
            let leased: Vec<(u64, u64)> = self.first.drain(..ready).collect();
            let inner = self.core.index.read();
            let found = leased.iter().map(|(position, _)| (*position, inner.record(*position).cloned()));
            let found = found.collect();
            return (leased, found, false);
        }
        let (settled, suspects, held, pending) = (&self.settled, &self.suspects, &self.held, &self.pending);
        let look = self.walk.look(&self.core, to, max, |position, key| {
            let is_held = || !held.is_empty() && key.is_some_and(|key| held.contains(&key));
            !settled.contains(position)
                && !suspects.contains(&position)
                && (!is_held() || pending.contains_key(&position))
        });
        let leased = look.found.iter().map(|(position, _)| (*position, self.lease)).collect();
        (leased, look.found, look.is_end)
    }

    fn deliver(&mut self, records: Vec<Arc<Recorded>>, leased: &[(u64, u64)], into: &mut Vec<Delivery>) {
        let mut leased = leased.iter();
        for record in records {
            let position = record.place.position;
            // Records that are no longer kept are left out of `records`.
            let Some((_, lease)) = leased.find(|(leased, _)| *leased == position) else { break };
            let pending = self.pending.remove(&position).unwrap_or_default();
            let mut delivery =
                Delivery::new(record, Token::new(position, *lease, pending.attempts.saturating_add(1)));
            delivery.due = pending.due;
            delivery.is_suspect = pending.is_suspect;
            delivery.history = pending.history;
            into.push(delivery);
        }
    }

    fn begin_command(&self, batch: &mut Vec<Token>) -> (Command, Ticket<Units>) {
        let (promise, ticket) = Ticket::pair();
        let (group, lease, tokens) = (self.group, self.lease, mem::take(batch));
        (Command::Begin { group, lease, tokens, promise }, ticket)
    }

    fn settle_command(&mut self, batch: &mut Vec<(Token, Settle)>) -> (Command, Ticket<Units>) {
        self.note_held(batch);
        let (promise, ticket) = Ticket::pair();
        let (group, lease, batch) = (self.group, self.lease, mem::take(batch));
        (Command::Settle { group, lease, batch, promise }, ticket)
    }

    /// Passes over a key from now on, as the state machine will.
    fn note_held(&mut self, batch: &[(Token, Settle)]) {
        for (token, settle) in batch {
            if matches!(settle, Settle::Hold | Settle::Reject { park: true, .. }) {
                let key = self.core.index.read().entry(token.position).and_then(|entry| entry.key());
                self.held.extend(key);
            }
        }
    }
}

impl Consumer for GroupConsumer {
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> Poll<Result<Taken, Error>> {
        let (before, max) = (into.len(), max.max(1));
        let mut is_waiting = false;
        loop {
            if let Some((loading, _)) = &mut self.loading {
                let records = ready!(Pin::new(loading).poll(cx));
                let (_, leased) = self.loading.take().expect("it was there just now");
                self.deliver(records?, &leased, into);
            }
            if into.len() > before {
                return Poll::Ready(Ok(Taken::Batch));
            }
            if self.core.is_closed() {
                return Poll::Ready(self.core.failure().map_or(Ok(Taken::Closed), Err));
            }
            // What becomes visible after a key was resumed is seen only after the mail that says so.
            let to = self.core.index.visible();
            self.read_mail();
            if self.lease != 0 {
                let (leased, found, is_end) = self.find(to, max);
                if !leased.is_empty() {
                    match split(found) {
                        Ok(records) => self.deliver(records, &leased, into),
                        Err(positions) => self.loading = Some((load(&self.core, positions), leased)),
                    }
                    continue;
                }
                if !is_end || self.timer.poll(&self.core, cx) {
                    continue;
                }
            }
            if mem::replace(&mut is_waiting, true) {
                return Poll::Pending;
            }
            self.core.hub.wait(self.seat.place, cx.waker());
        }
    }

    fn begin(&mut self, batch: &mut Vec<Token>) -> Ticket<Vec<Result<(), Error>>> {
        if batch.is_empty() {
            return Ticket::ready(Ok(Vec::new()));
        }
        let (begin, ticket) = self.begin_command(batch);
        self.core.send(begin);
        ticket
    }

    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> Ticket<Vec<Result<(), Error>>> {
        if batch.is_empty() {
            return Ticket::ready(Ok(Vec::new()));
        }
        let (settle, ticket) = self.settle_command(batch);
        self.core.send(settle);
        ticket
    }

    fn settle_and_begin(
        &mut self,
        settle: &mut Vec<(Token, Settle)>,
        begin: &mut Vec<Token>,
    ) -> (Ticket<Units>, Ticket<Units>) {
        let (settle, settled) = self.settle_command(settle);
        let (begin, begun) = self.begin_command(begin);
        self.core.send_both(settle, begin);
        (settled, begun)
    }

    fn resume(&mut self, key: &HeldKey) -> Ticket<u64> {
        let (promise, ticket) = Ticket::pair();
        self.core.send(Command::Resume { group: self.group, key: key.clone(), promise });
        ticket
    }
}

impl Drop for GroupConsumer {
    fn drop(&mut self) {
        self.core.hub.leave(self.seat.place);
        self.core.send(Command::Leave { seat: self.seat.place });
    }
}
