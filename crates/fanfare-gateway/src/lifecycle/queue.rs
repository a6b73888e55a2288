//! From connections, which never wait, to the transport, in order.

use super::event::{ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed, GatewayStarted};
use fanfare_core::{
    __private, ByteString, Clock, Event, EventId, Message, Metadata, Outgoing, Portable, Random, Topic,
    Transport,
};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, watch};

/// Publishes the types that somebody claims.
pub(crate) struct Lifecycle {
    source: ByteString,
    /// Names this start.
    start: String,
    claimed: Vec<&'static str>,
    topic: Topic,
    clock: Arc<dyn Clock>,
    transport: Arc<dyn Transport>,
    sender: mpsc::Sender<Outgoing>,
    /// Until the first event starts the task that takes from it.
    receiver: Mutex<Option<mpsc::Receiver<Outgoing>>>,
    /// Events that are not durable yet.
    waiting: Arc<watch::Sender<usize>>,
    lost: AtomicU64,
}

/// Events that may wait while the transport takes none; more are lost, and the log says so.
const QUEUE_MAX: usize = 65_536;
/// Events of one write.
const BATCH_MAX: usize = 512;
/// How long to wait before what a transport could not take is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(500);

impl Lifecycle {
    /// Every type there is.
    pub(crate) const TYPES: [&'static str; 5] = [
        GatewayStarted::TYPE,
        ClientConnected::TYPE,
        ClientSubscribed::TYPE,
        ClientLeft::TYPE,
        ClientDisconnected::TYPE,
    ];

    /// Tells of the start.
    pub(crate) fn new(
        source: &str,
        claimed: Vec<&'static str>,
        transport: &Arc<dyn Transport>,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let (sender, receiver) = mpsc::channel(QUEUE_MAX);
        let lifecycle = Self {
            source: source.into(),
            start: EventId::new_v7(clock.now(), &Rng).to_string(),
            claimed,
            topic: Topic::from_static(ClientConnected::TOPIC),
            clock: Arc::clone(clock),
            transport: Arc::clone(transport),
            sender,
            receiver: Mutex::new(Some(receiver)),
            waiting: Arc::new(watch::Sender::new(0)),
            lost: AtomicU64::new(0),
        };
        lifecycle.publish(|| GatewayStarted { start: lifecycle.start.clone() });
        lifecycle
    }

    pub(super) fn start(&self) -> &str {
        &self.start
    }

    /// Hands an event over, if its type is claimed. What comes outside of a runtime waits for the first within one.
    pub(super) fn publish<E: Portable>(&self, event: impl FnOnce() -> E) {
        if !self.claimed.contains(&E::TYPE) {
            return;
        }
        let event = event();
        let Ok(payload) = __private::encode(&event) else { return };
        let now = self.clock.now();
        let mut metadata = Metadata::new(EventId::new_v7(now, &Rng), self.source.clone(), E::TYPE);
        (metadata.time, metadata.key) = (Some(now), event.key());
        if let Ok(runtime) = Handle::try_current()
            && let Some(receiver) = self.receiver.lock().take()
        {
            let (transport, clock) = (Arc::clone(&self.transport), Arc::clone(&self.clock));
            // Ends when the gateway, which has the sender, is gone.
            runtime.spawn(carry(receiver, transport, clock, Arc::clone(&self.waiting)));
        }
        self.waiting.send_modify(|waiting| *waiting += 1);
        if self.sender.try_send(Message::new(self.topic.clone(), metadata, payload).into()).is_err() {
            self.waiting.send_modify(|waiting| *waiting -= 1);
            let lost = self.lost.fetch_add(1, Ordering::Relaxed) + 1;
            if lost.is_power_of_two() {
                tracing::error!(
                    lost,
                    "the transport is too slow for what connections do: events of theirs are lost"
                );
            }
        }
    }

    /// Waits until every event is durable.
    pub(crate) async fn flush(&self) {
        // The sender lives in self: waiting cannot fail.
        let _ = self.waiting.subscribe().wait_for(|waiting| *waiting == 0).await;
    }
}

/// Takes events until there is nobody left who makes them.
async fn carry(
    mut receiver: mpsc::Receiver<Outgoing>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    waiting: Arc<watch::Sender<usize>>,
) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let count = batch.len();
        while !batch.is_empty() {
            batch = submit(&*transport, std::mem::take(&mut batch)).await;
            if !batch.is_empty() {
                clock.sleep(RETRY_AFTER).await;
            }
        }
        waiting.send_modify(|waiting| *waiting -= count);
    }
}

/// Publishes a batch; what is to be tried again comes back.
async fn submit(transport: &dyn Transport, batch: Vec<Outgoing>) -> Vec<Outgoing> {
    let answers = match transport.submit(batch, false).await {
        Ok(answers) => answers,
        Err(error) => {
            tracing::error!(%error, "events of connections may be lost");
            return Vec::new();
        }
    };
    let mut again = Vec::new();
    for rejected in answers.into_iter().filter_map(Result::err) {
        if rejected.error.is_retryable() {
            again.push(*rejected.outgoing);
        } else {
            tracing::error!(error = %rejected.error, "an event of a connection is lost");
        }
    }
    again
}

#[derive(Debug)]
struct Rng;

impl Random for Rng {
    fn next_u64(&self) -> u64 {
        rand::random()
    }
}

impl std::fmt::Debug for Lifecycle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lifecycle").field("claimed", &self.claimed).finish_non_exhaustive()
    }
}
