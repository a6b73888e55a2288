//! The order of emission within a key, for an async handler whose calls would run all at once.
//!
//! Each call waits for the one before it of its key. A call that goes before its turn leaves its successor the one that
//! it waited for itself.

use std::{collections::HashMap, sync::Arc};

use bytestring::ByteString;
use fanfare_core::BoxFuture;
use tokio::sync::oneshot;

use super::{Call, Middleware, Next, Outcome, Source};
use crate::sync::Mutex;

/// Runs the calls of one handler one after the other within a key, in the order in which they were made.
#[derive(Default)]
pub(crate) struct KeyOrder {
    tails: Arc<Mutex<HashMap<ByteString, Tail>>>,
}

/// The last call of a key.
struct Tail {
    number: u64,
    ends: Ends,
}

/// Tells that a call has ended, or which one is to be waited for in its place.
type Ends = oneshot::Receiver<Instead>;

struct Instead(Option<Ends>);

/// A call of a key; ends when dropped.
struct Turn {
    tails: Arc<Mutex<HashMap<ByteString, Tail>>>,
    key: ByteString,
    number: u64,
    before: Option<Ends>,
    end: Option<oneshot::Sender<Instead>>,
}

impl Turn {
    fn take(order: &KeyOrder, key: ByteString) -> Self {
        let (end, ends) = oneshot::channel();
        let mut tails = order.tails.lock();
        let before = tails.remove(&key);
        let number = before.as_ref().map_or(0, |before| before.number + 1);
        tails.insert(key.clone(), Tail { number, ends });
        drop(tails);
        Self { tails: order.tails.clone(), key, number, before: before.map(|tail| tail.ends), end: Some(end) }
    }

    async fn come(&mut self) {
        while let Some(before) = &mut self.before {
            self.before = before.await.ok().and_then(|instead| instead.0);
        }
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut tails = self.tails.lock();
        if self.before.is_none() && tails.get(&self.key).is_some_and(|tail| tail.number == self.number) {
            tails.remove(&self.key);
        }
        drop(tails);
        if let Some(end) = self.end.take() {
            // Nobody stands behind it when it fails.
            let _ = end.send(Instead(self.before.take()));
        }
    }
}

/// Whether the handler, further out on this thread, handles the event whose turn comes first, and awaits this one.
fn waits_for_itself(call: &Call) -> bool {
    match &call.source {
        Source::Emitted(cause) => cause.is_within(call.subscription),
        Source::Delivered(_) => false,
    }
}

/// A handler awaits what can only begin once it has ended.
#[derive(Debug, thiserror::Error)]
#[error(
    "in key order it would wait for itself: it is handling an event of the key `{key}` and awaits the emit of another one; return that \
     event, or `enqueue` it"
)]
struct WaitsForItself {
    key: ByteString,
}

impl Middleware for KeyOrder {
    fn refused_on_app(&self) -> Option<&'static str> {
        Some("is for dispatchers; an application keeps the order of a key by itself")
    }

    fn handle(&self, call: Call, next: Next) -> BoxFuture<'static, Outcome> {
        let Some(key) = call.key() else { return next.run() };
        let mut turn = Turn::take(self, key);
        Box::pin(async move {
            if turn.before.is_some() && waits_for_itself(&call) {
                return Err(WaitsForItself { key: turn.key.clone() }.into());
            }
            turn.come().await;
            let outcome = next.run().await;
            drop(turn);
            outcome
        })
    }
}
