//! `enqueue`: handing events over to a bounded queue that somebody drives.

use std::{
    cell::Cell,
    collections::{HashSet, VecDeque},
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Poll, Wake, Waker},
    thread,
};

use bytestring::ByteString;
use event_listener::{Event as Signal, Listener as _};
use fanfare_core::{BoxFuture, Emit, Emitted, Event, Topic};
use futures_util::stream::{FuturesUnordered, StreamExt};

use super::{Dispatcher, Report, cause, emit, inner::Inner, subject::AnySubject};
use crate::sync::{Mutex, thread_local};

/// The queue of [`Dispatcher::enqueue`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Queue {
    events_max: usize,
    full: Full,
    concurrency_max: usize,
}

/// What becomes of an event that finds the queue full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Full {
    /// It waits for room.
    #[default]
    Wait,
    /// It is dropped.
    DropNewest,
    /// The oldest one in the queue is dropped.
    DropOldest,
    /// It is given back as an error.
    Refuse,
}

impl Default for Queue {
    fn default() -> Self {
        Self::bounded(1024)
    }
}

impl Queue {
    /// A queue of so many events, at least one.
    pub fn bounded(events_max: usize) -> Self {
        Self { events_max: events_max.max(1), full: Full::Wait, concurrency_max: 1 }
    }

    /// What becomes of an event that finds it full. Default: it waits.
    #[must_use]
    pub fn full(mut self, full: Full) -> Self {
        self.full = full;
        self
    }

    /// How many events are handled at a time. Those of one key stay in order, one at a time; those without a key are in no
    /// order when there is more than one. Default: 1, all in order.
    #[must_use]
    pub fn concurrency(mut self, events_max: usize) -> Self {
        self.concurrency_max = events_max.max(1);
        self
    }
}

/// The queue as it runs.
#[derive(Default)]
pub(crate) struct Waiting {
    state: Mutex<State>,
    arrived: Signal,
    room: Signal,
}

#[derive(Default)]
struct State {
    items: VecDeque<Item>,
    /// The keys of which an event is being handled, by whichever `run`; their next ones stay where they are.
    busy: HashSet<Key>,
    /// How many events are being handled.
    running: usize,
    /// How many of their handlers wait for room in the queue.
    waiting_within: usize,
    dropped: u64,
    is_closed: bool,
}

type Key = (Topic, ByteString);

struct Item {
    key: Option<Key>,
    emit: Box<dyn FnOnce(Arc<Inner>) -> BoxFuture<'static, Report> + Send>,
}

/// An event that could not be handed over, with the event.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EnqueueError<T> {
    /// The event.
    pub event: T,
    /// Whether the dispatcher is closed; the queue is full otherwise.
    pub is_closed: bool,
}

impl<T> fmt::Debug for EnqueueError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnqueueError").field("is_closed", &self.is_closed).finish_non_exhaustive()
    }
}

impl<T> fmt::Display for EnqueueError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = if self.is_closed { "the dispatcher is closed" } else { "the queue is full" };
        write!(f, "failed to enqueue an event: {why}")
    }
}

impl<T> std::error::Error for EnqueueError<T> {}

impl Dispatcher {
    /// Hands an event over to the queue that [`Dispatcher::run`] drives, and returns before any handler ran. A full queue
    /// does what [`Queue::full`] says. What fails is in the log and goes to `on_error`.
    ///
    /// # Errors
    /// When the dispatcher is closed, or the queue is full and refuses; the error gives the event back. It refuses also where the
    /// queue waits, when all handlers that it runs would wait for room, which could never come.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready leaves the event out.
    pub async fn enqueue<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        let mut event = event;
        loop {
            let room = self.inner.queue.room.listen();
            match self.hand_over(event) {
                Err(error) if !error.is_closed && self.inner.settings.queue.full == Full::Wait => {
                    let Some(_waits) = self.inner.queue.wait() else { return Err(error) };
                    event = error.event;
                    room.await;
                }
                other => return other,
            }
        }
    }

    /// The same without ever waiting: where the queue would wait, the error gives the event back.
    ///
    /// # Errors
    /// As [`Dispatcher::enqueue`].
    pub fn try_enqueue<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        self.hand_over(event)
    }

    /// The same for a thread without a runtime: where the queue would wait, the thread does.
    ///
    /// # Errors
    /// As [`Dispatcher::enqueue`].
    pub fn enqueue_blocking<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        let mut event = event;
        loop {
            let room = self.inner.queue.room.listen();
            match self.hand_over(event) {
                Err(error) if !error.is_closed && self.inner.settings.queue.full == Full::Wait => {
                    let Some(_waits) = self.inner.queue.wait() else { return Err(error) };
                    event = error.event;
                    room.wait();
                }
                other => return other,
            }
        }
    }

    fn hand_over<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        let (queue, settings) = (&self.inner.queue, self.inner.settings.queue);
        let mut state = queue.state.lock();
        if state.is_closed {
            return Err(EnqueueError { event, is_closed: true });
        }
        // Dropped behind the lock: an event's own drop may enqueue.
        let mut oldest = None;
        if state.items.len() >= settings.events_max {
            match settings.full {
                Full::Wait | Full::Refuse => return Err(EnqueueError { event, is_closed: false }),
                Full::DropNewest => {
                    state.dropped += 1;
                    drop(state);
                    return Ok(());
                }
                Full::DropOldest => {
                    state.dropped += 1;
                    oldest = state.items.pop_front();
                }
            }
        }
        state.items.push_back(item(&self.inner, event));
        drop(state);
        drop(oldest);
        queue.arrived.notify_additional(1);
        Ok(())
    }

    /// Drives the queue until [`Dispatcher::close`], and then until it is empty. Several may drive it; the events of a key stay
    /// in order, one at a time, over all of them.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that run; what is in the queue stays there for another run.
    pub async fn run(&self) {
        let (inner, concurrency_max) = (&self.inner, self.inner.settings.queue.concurrency_max);
        let mut running = FuturesUnordered::new();
        loop {
            let arrived = inner.queue.arrived.listen();
            while running.len() < concurrency_max {
                let Some(item) = inner.queue.take(concurrency_max) else { break };
                running.push(start(inner, item));
            }
            if running.is_empty() {
                if inner.queue.is_over() {
                    return;
                }
                arrived.await;
                continue;
            }
            let mut arrived = std::pin::pin!(arrived);
            poll_fn(|cx| match running.poll_next_unpin(cx) {
                Poll::Ready(_) => Poll::Ready(()),
                Poll::Pending if running.len() < concurrency_max => arrived.as_mut().poll(cx),
                Poll::Pending => Poll::Pending,
            })
            .await;
        }
    }

    /// Drives the queue on a thread of its own, until [`Dispatcher::close`] and then until it is empty.
    ///
    /// # Errors
    /// When the operating system starts no thread.
    pub fn run_on_thread(&self) -> std::io::Result<thread::JoinHandle<()>> {
        let dispatcher = self.clone();
        let run = move || block_on(dispatcher.run());
        thread::Builder::new().name("fanfare-dispatcher".into()).spawn(run)
    }

    /// Takes no more events into the queue; what is in it is still handled. Emits are not concerned.
    pub fn close(&self) {
        self.inner.queue.state.lock().is_closed = true;
        self.inner.queue.arrived.notify(usize::MAX);
        self.inner.queue.room.notify(usize::MAX);
    }

    /// How many events a full queue has dropped.
    pub fn dropped(&self) -> u64 {
        self.inner.queue.state.lock().dropped
    }
}

impl Waiting {
    /// The first event whose key is not busy, which then is. It looks past so many as could run, and no further.
    fn take(&self, concurrency_max: usize) -> Option<Item> {
        let mut state = self.state.lock();
        let State { items, busy, .. } = &mut *state;
        let looks_at = busy.len().saturating_add(concurrency_max);
        let is_free = |item: &Item| item.key.as_ref().is_none_or(|key| !busy.contains(key));
        let at = if busy.is_empty() { 0 } else { items.iter().take(looks_at).position(is_free)? };
        let item = items.remove(at)?;
        busy.extend(item.key.clone());
        state.running += 1;
        let is_over = state.is_closed && state.items.is_empty();
        drop(state);
        self.room.notify_additional(1);
        if is_over {
            // Another `run` may wait behind a busy key.
            self.arrived.notify(usize::MAX);
        }
        Some(item)
    }

    /// Notes that somebody waits for room. `None`: it must not, since all that the queue runs would.
    fn wait(&self) -> Option<Waits<'_>> {
        let is_within = DRIVEN.with(Cell::get) == self.address();
        if is_within {
            let mut state = self.state.lock();
            if state.waiting_within + 1 >= state.running {
                return None;
            }
            state.waiting_within += 1;
        }
        Some(Waits { queue: self, is_within })
    }

    fn address(&self) -> usize {
        std::ptr::from_ref(self).addr()
    }

    fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.is_closed && state.items.is_empty()
    }
}

/// Somebody waits for room, until dropped.
struct Waits<'a> {
    queue: &'a Waiting,
    is_within: bool,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        if self.is_within {
            self.queue.state.lock().waiting_within -= 1;
        }
    }
}

thread_local! {
    /// The queue whose handlers this thread runs, by address; 0 for none.
    static DRIVEN: Cell<usize> = const { Cell::new(0) };
}

/// Marks this thread as one that runs handlers of a queue, until dropped.
pub(crate) struct Driven {
    before: usize,
}

impl Driven {
    /// The mark of this thread, for another one that goes on with a part of a handler.
    pub(crate) fn current() -> usize {
        DRIVEN.with(Cell::get)
    }

    pub(crate) fn enter(queue: usize) -> Self {
        Self { before: DRIVEN.with(|driven| driven.replace(queue)) }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        DRIVEN.with(|driven| driven.set(self.before));
    }
}

/// An event in the queue. It belongs to the chain of the handler that enqueued it, if one did.
fn item<T: Emit>(inner: &Inner, event: T) -> Item {
    let parent = cause::parent();
    match event.into_emitted() {
        Emitted::Typed(event) => {
            let key = Event::key(&event).map(|key| (event.topic(), key));
            let emit = move |inner: Arc<Inner>| -> BoxFuture<'static, Report> {
                Box::pin(async move { emit::typed(&inner, event, parent, None).await })
            };
            Item { key, emit: Box::new(emit) }
        }
        Emitted::Raw(event) => {
            let event = inner.raw(event);
            let key = event.key().map(|key| (event.topic(), key));
            let emit = move |inner: Arc<Inner>| -> BoxFuture<'static, Report> {
                Box::pin(async move { emit::named(&inner, event, parent, None).await })
            };
            Item { key, emit: Box::new(emit) }
        }
    }
}

/// Emits an event of the queue. Its key is busy until the future is done or dropped.
fn start(inner: &Arc<Inner>, item: Item) -> impl Future<Output = ()> + use<> {
    let mut taken = Taken { inner: inner.clone(), key: item.key.clone(), item: Some(item) };
    async move {
        if let Some(item) = taken.item.take() {
            let mut emit = (item.emit)(taken.inner.clone());
            let driven = taken.inner.queue.address();
            // The report's failures are in the log and were given to `on_error`.
            drop(
                poll_fn(|cx| {
                    let _driven = Driven::enter(driven);
                    emit.as_mut().poll(cx)
                })
                .await,
            );
        }
    }
}

/// What was taken from the queue. When dropped its key is free again, and an event that was not begun is back.
struct Taken {
    inner: Arc<Inner>,
    key: Option<Key>,
    item: Option<Item>,
}

impl Drop for Taken {
    fn drop(&mut self) {
        let mut state = self.inner.queue.state.lock();
        state.running -= 1;
        if self.key.is_none() && self.item.is_none() {
            return;
        }
        if let Some(key) = &self.key {
            state.busy.remove(key);
        }
        if let Some(item) = self.item.take() {
            state.items.push_front(item);
        }
        drop(state);
        self.inner.queue.arrived.notify_additional(1);
    }
}

/// Runs a future on this thread.
fn block_on(future: impl Future<Output = ()>) {
    struct Unpark(thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut cx = std::task::Context::from_waker(&waker);
    let mut future = std::pin::pin!(future);
    while future.as_mut().poll(&mut cx).is_pending() {
        thread::park();
    }
}
