//! Makes a poor transport speak the one semantics of the driver: one without delays, attempts, settlements out
//! of order or dead letters of its own.
//!
//! Within the process attempts and retries are as exact as elsewhere; across a restart they are counted anew, and what was
//! settled beyond the first unsettled record is delivered again. Dead letters are published to the topic
//! `dead.<application>.<handler>`, with the type `dead.<type>`. A held key is passed over until the restart.

use std::{
    cmp::Ordering,
    collections::{BTreeMap, BinaryHeap, HashMap},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytestring::ByteString;
use fanfare_core::{
    AttemptRecord, BoxFuture, Capabilities, Clock, Consumer, Delivery, Error, ErrorKind, EventId, Extension,
    GroupName, HeldKey, Message, Outgoing, Recorded, Settle, Support, Taken, Ticket, Token, Topic, Transport,
};
use futures_util::task::AtomicWaker;
use jiff::Timestamp;
use parking_lot::Mutex;

/// How many records beyond the first unsettled one may be settled, before nothing new is taken.
const BEYOND_MAX: usize = 100_000;

/// What of a consumer's work this process does and how, with what a restart forgets.
pub(crate) fn made_up_for(can: &Capabilities) -> [(&'static str, Support); 5] {
    let or = |support, how| if support == Support::No { Support::Emulated(how) } else { support };
    [
        (
            "attempts",
            or(can.attempts, "counted in this process; a restart counts anew and forgets due retries"),
        ),
        (
            "settlements",
            or(
                can.range_acks,
                "what is settled behind a record that is not is delivered again after a restart",
            ),
        ),
        (
            "dead letters",
            or(can.dead_letters, "published to `dead.<application>.<handler>`, without redrive"),
        ),
        ("delays", or(can.delay, "waited for in this process; a restart reads the event again")),
        ("held keys", or(can.hold, "passed over until the next restart, which delivers them again")),
    ]
}

/// A consumer of a poor transport with what it lacks.
pub(crate) struct Emulated {
    inner: Box<dyn Consumer>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    group: GroupName,
    shared: Arc<Shared>,
    delayed: BinaryHeap<Delayed>,
    sleep: Option<(Timestamp, BoxFuture<'static, ()>)>,
    committed: Option<u64>,
    taken: Vec<Delivery>,
    beyond_max: usize,
    is_stalled: bool,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    waker: AtomicWaker,
}

#[derive(Default)]
struct State {
    /// Records taken, by position; settled ones stay until everything before them is.
    taken: BTreeMap<u64, Entry>,
    /// Records with failed attempts.
    history: HashMap<u64, Vec<AttemptRecord>>,
    /// The record up to which everything is settled.
    settled_to: Option<u64>,
    /// Held keys.
    held: Vec<(Topic, Option<ByteString>)>,
}

struct Entry {
    record: Arc<Recorded>,
    is_settled: bool,
}

impl State {
    fn settled(&mut self, position: u64) {
        self.history.remove(&position);
        if let Some(entry) = self.taken.get_mut(&position) {
            entry.is_settled = true;
        }
        while let Some(first) = self.taken.first_entry() {
            if !first.get().is_settled {
                return;
            }
            self.settled_to = Some(*first.key());
            first.remove();
        }
    }

    fn is_held(&self, message: &Message) -> bool {
        self.held.iter().any(|(topic, key)| *topic == message.topic && *key == message.metadata.key)
    }
}

impl Emulated {
    /// Whether a transport needs this.
    pub(crate) fn is_needed(transport: &dyn Transport) -> bool {
        let can = transport.capabilities();
        [can.attempts, can.range_acks, can.dead_letters, can.delay].contains(&Support::No)
    }

    pub(crate) fn new(
        inner: Box<dyn Consumer>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        group: GroupName,
    ) -> Self {
        Self {
            inner,
            transport,
            clock,
            group,
            shared: Arc::default(),
            delayed: BinaryHeap::new(),
            sleep: None,
            committed: None,
            taken: Vec::new(),
            beyond_max: BEYOND_MAX,
            is_stalled: false,
        }
    }

    /// Moves the transport's cursor as far as everything is settled.
    fn commit(&mut self) {
        let settled_to = self.shared.state.lock().settled_to;
        let Some(position) = settled_to.filter(|_| settled_to != self.committed) else { return };
        self.committed = settled_to;
        let token = Token::new(position, 0, 1);
        // A lost answer costs a second delivery after a restart, as every cursor that lags does.
        drop(self.inner.settle(&mut vec![(token, Settle::Ack { outputs: Vec::new() })]));
    }

    fn poll_delayed(&mut self, cx: &mut Context<'_>, into: &mut Vec<Delivery>) -> bool {
        let before = into.len();
        while let Some(next) = self.delayed.peek().map(|delayed| delayed.due) {
            let now = self.clock.now();
            if next <= now {
                into.extend(self.delayed.pop().map(|delayed| delayed.delivery));
                continue;
            }
            if self.sleep.as_ref().is_none_or(|(until, _)| *until != next) {
                let wait = next.duration_since(now).unsigned_abs();
                self.sleep = Some((next, self.clock.sleep(wait)));
            }
            let is_over = self.sleep.as_mut().is_none_or(|(_, sleep)| Pin::new(sleep).poll(cx).is_ready());
            if !is_over {
                break;
            }
            self.sleep = None;
        }
        into.len() > before
    }

    /// Notes what was taken, and keeps back what is not due or held.
    fn admit(&mut self, into: &mut Vec<Delivery>) {
        let mut state = self.shared.state.lock();
        let now = self.clock.now();
        for delivery in self.taken.drain(..) {
            let entry = Entry { record: delivery.record.clone(), is_settled: false };
            state.taken.insert(delivery.token.position, entry);
            let message = &delivery.record.message;
            match message.metadata.not_before() {
                _ if state.is_held(message) => {}
                Some(due) if *due > now => self.delayed.push(Delayed { due: *due, delivery }),
                _ => into.push(delivery),
            }
        }
    }

    fn is_full(&mut self) -> bool {
        let beyond = self.shared.state.lock().taken.len();
        let is_full = beyond >= self.beyond_max;
        if is_full && !self.is_stalled {
            tracing::error!(
                group = %self.group,
                beyond,
                "too many records lie beyond one that is not settled: the group takes no new ones until it is"
            );
        }
        self.is_stalled = is_full;
        is_full
    }

    fn dead_letter(&self, token: Token, reason: &str) -> Option<Outgoing> {
        let state = self.shared.state.lock();
        let message = &state.taken.get(&token.position)?.record.message;
        let attempts = state.history.get(&token.position).map_or(0, Vec::len);
        let topic = format!("dead.{}.{}", self.group.application(), self.group.handler());
        let mut metadata = message.metadata.clone();
        metadata.id = EventId::derived(&[
            message.metadata.source.as_bytes(),
            message.metadata.id.to_string().as_bytes(),
            self.group.to_string().as_bytes(),
            b"dead",
        ]);
        metadata.event_type = format!("dead.{}", message.metadata.event_type).into();
        metadata.set_not_before(None);
        metadata.set_expires(None);
        metadata.set_idempotency_key(None);
        metadata.set_extension("deadreason", Extension::Text(reason.into()));
        metadata.set_extension("deadtopic", Extension::Text(message.topic.to_byte_string()));
        metadata
            .set_extension("deadattempts", Extension::Integer(i32::try_from(attempts).unwrap_or(i32::MAX)));
        let topic = Topic::new(topic).unwrap_or_else(|_| Topic::from_static("dead"));
        Some(Outgoing::from(Message::new(topic, metadata, message.payload.clone())))
    }
}

impl Consumer for Emulated {
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> Poll<Result<Taken, Error>> {
        self.shared.waker.register(cx.waker());
        self.commit();
        let has_delayed = self.poll_delayed(cx, into);
        if self.is_full() {
            return if has_delayed { Poll::Ready(Ok(Taken::Batch)) } else { Poll::Pending };
        }
        loop {
            match self.inner.poll_take(cx, max, &mut self.taken) {
                Poll::Ready(Ok(Taken::Batch)) => {
                    self.admit(into);
                    if !into.is_empty() {
                        return Poll::Ready(Ok(Taken::Batch));
                    }
                    // All of it waits for its time: its timer is set, the next records are asked for.
                    if self.poll_delayed(cx, into) {
                        return Poll::Ready(Ok(Taken::Batch));
                    }
                }
                Poll::Ready(Ok(Taken::Revoked)) => {
                    *self.shared.state.lock() = State::default();
                    self.delayed.clear();
                    self.committed = None;
                    return Poll::Ready(Ok(Taken::Revoked));
                }
                _ if has_delayed => return Poll::Ready(Ok(Taken::Batch)),
                other => return other,
            }
        }
    }

    fn begin(&mut self, batch: &mut Vec<Token>) -> Ticket<Vec<Result<(), Error>>> {
        Ticket::ready(Ok(batch.drain(..).map(|_| Ok(())).collect()))
    }

    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> Ticket<Vec<Result<(), Error>>> {
        let mut publishing = Vec::new();
        let mut answers = Vec::with_capacity(batch.len());
        for (index, (token, settle)) in batch.drain(..).enumerate() {
            let mut answer = Ok(());
            match settle {
                Settle::Ack { outputs } if outputs.is_empty() => {
                    self.shared.state.lock().settled(token.position)
                }
                Settle::Ack { outputs } => publishing.push((index, token, outputs)),
                Settle::Retry { failed, .. } => {
                    if let Some(failed) = failed {
                        self.shared.state.lock().history.entry(token.position).or_default().push(failed);
                    }
                }
                Settle::Reject { reason, failed, .. } => {
                    if let Some(failed) = failed {
                        self.shared.state.lock().history.entry(token.position).or_default().push(failed);
                    }
                    publishing.push((index, token, self.dead_letter(token, &reason).into_iter().collect()));
                }
                Settle::Hold => {
                    let mut state = self.shared.state.lock();
                    let held = state.taken.get(&token.position).map(|entry| {
                        let message = &entry.record.message;
                        (message.topic.clone(), message.metadata.key.clone())
                    });
                    state.held.extend(held.filter(|(_, key)| key.is_some()));
                }
                Settle::Release => {}
                _ => answer = Err(Error::new(ErrorKind::Unsupported, "an unknown settlement")),
            }
            answers.push(answer);
        }
        if publishing.is_empty() {
            self.commit();
            return Ticket::ready(Ok(answers));
        }
        let (promise, ticket) = Ticket::pair();
        let (transport, shared) = (self.transport.clone(), self.shared.clone());
        tokio::spawn(async move {
            for (index, token, outputs) in publishing {
                let published = publish(&*transport, outputs).await;
                match published {
                    Ok(()) => shared.state.lock().settled(token.position),
                    Err(error) => {
                        if let Some(answer) = answers.get_mut(index) {
                            *answer = Err(error);
                        }
                    }
                }
            }
            shared.waker.wake();
            promise.fulfil(Ok(answers));
        });
        ticket
    }

    fn extend(&mut self, batch: &[Token]) {
        self.inner.extend(batch);
    }

    fn resume(&mut self, _: &HeldKey) -> Ticket<u64> {
        Ticket::ready(Err(Error::new(
            ErrorKind::Unsupported,
            "this transport keeps no held keys; they are delivered again after a restart",
        )))
    }
}

impl Drop for Emulated {
    fn drop(&mut self) {
        self.commit();
    }
}

/// All outputs, each with an id that repeats, so that a second try of some is recognised where the transport can.
async fn publish(transport: &dyn Transport, outputs: Vec<Outgoing>) -> Result<(), Error> {
    if outputs.is_empty() {
        return Ok(());
    }
    for answer in transport.submit(outputs, false).await? {
        answer.map_err(|rejected| rejected.error)?;
    }
    Ok(())
}

/// A delivery before its time; the heap gives the earliest first.
struct Delayed {
    due: Timestamp,
    delivery: Delivery,
}

impl Delayed {
    fn rank(&self) -> (Timestamp, u64) {
        (self.due, self.delivery.token.position)
    }
}

impl Ord for Delayed {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl PartialOrd for Delayed {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Delayed {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl Eq for Delayed {}

#[cfg(test)]
mod tests;
