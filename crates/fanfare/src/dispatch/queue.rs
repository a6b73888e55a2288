//! `enqueue`: handing events over to a bounded queue that somebody drives.

use std::{
    collections::{HashMap, VecDeque},
    fmt,
    future::poll_fn,
    sync::Arc,
    task::{Poll, Wake, Waker},
    thread,
};

use bytestring::ByteString;
use event_listener::{Event as Signal, Listener as _};
use fanfare_core::{BoxFuture, Emit, Emitted, Event};
use futures_util::stream::{FuturesUnordered, StreamExt};
use parking_lot::Mutex;

use super::{Dispatcher, Report, cause, emit, inner::Inner};

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
    dropped: u64,
    is_closed: bool,
}

struct Item {
    key: Option<(&'static str, ByteString)>,
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
    /// When the dispatcher is closed, or the queue is full and refuses; the error gives the event back.
    ///
    /// # Cancel safety
    /// Dropping the future before it is ready leaves the event out.
    pub async fn enqueue<T: Emit>(&self, event: T) -> Result<(), EnqueueError<T>> {
        let mut event = event;
        loop {
            let room = self.inner.queue.room.listen();
            match self.hand_over(event) {
                Err(error) if !error.is_closed && self.inner.settings.queue.full == Full::Wait => {
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
        state.items.push_back(item(event));
        drop(state);
        drop(oldest);
        queue.arrived.notify_additional(1);
        Ok(())
    }

    /// Drives the queue until [`Dispatcher::close`], and then until it is empty.
    ///
    /// # Cancel safety
    /// Dropping the future drops the handlers that run; what is in the queue stays there for another run.
    pub async fn run(&self) {
        let (inner, concurrency_max) = (&self.inner, self.inner.settings.queue.concurrency_max);
        let mut running = FuturesUnordered::new();
        let mut keys: HashMap<(&'static str, ByteString), VecDeque<Item>> = HashMap::new();
        let mut parked = 0;
        loop {
            let arrived = inner.queue.arrived.listen();
            while running.len() < concurrency_max && parked < concurrency_max {
                let Some(item) = inner.queue.take() else { break };
                match item.key.as_ref().and_then(|key| keys.get_mut(key)) {
                    Some(behind) => {
                        behind.push_back(item);
                        parked += 1;
                    }
                    None => {
                        if let Some(key) = &item.key {
                            keys.insert(key.clone(), VecDeque::new());
                        }
                        running.push(start(inner, item));
                    }
                }
            }
            if running.is_empty() {
                if inner.queue.is_over() {
                    return;
                }
                arrived.await;
                continue;
            }
            let mut arrived = std::pin::pin!(arrived);
            let ended = poll_fn(|cx| match running.poll_next_unpin(cx) {
                Poll::Ready(ended) => Poll::Ready(ended),
                Poll::Pending if running.len() < concurrency_max => arrived.as_mut().poll(cx).map(|()| None),
                Poll::Pending => Poll::Pending,
            })
            .await;
            if let Some(Some(key)) = ended {
                match keys.get_mut(&key).and_then(VecDeque::pop_front) {
                    Some(next) => {
                        parked -= 1;
                        running.push(start(inner, next));
                    }
                    None => drop(keys.remove(&key)),
                }
            }
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
    fn take(&self) -> Option<Item> {
        let item = self.state.lock().items.pop_front()?;
        self.room.notify_additional(1);
        Some(item)
    }

    fn is_over(&self) -> bool {
        let state = self.state.lock();
        state.is_closed && state.items.is_empty()
    }
}

/// An event in the queue. It belongs to the chain of the handler that enqueued it, if one did.
fn item<T: Emit>(event: T) -> Item {
    let parent = cause::parent();
    let (key, event) = match event.into_emitted() {
        Emitted::Typed(event) => {
            (event.key().map(|key| (<T::Typed as Event>::TOPIC, key)), Emitted::Typed(event))
        }
        raw => (None, raw),
    };
    let emit = Box::new(move |inner: Arc<Inner>| -> BoxFuture<'static, Report> {
        Box::pin(async move {
            match event {
                Emitted::Typed(event) => emit::typed(&inner, event, parent, None).await,
                Emitted::Raw(event) => emit::named(&inner, inner.raw(event), parent, None).await,
            }
        })
    });
    Item { key, emit }
}

/// Emits an event of the queue; answers its key.
fn start(inner: &Arc<Inner>, item: Item) -> impl Future<Output = Option<(&'static str, ByteString)>> + use<> {
    let emit = (item.emit)(inner.clone());
    async move {
        // The report's failures are in the log and were given to `on_error`.
        drop(emit.await);
        item.key
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
