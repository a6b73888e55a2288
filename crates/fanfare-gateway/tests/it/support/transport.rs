//! A transport in a few lines: what the gateway needs, and nothing more.

use fanfare_core::*;
use parking_lot::Mutex;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

#[derive(Clone)]
pub(crate) struct Store(Arc<Double>);

pub(crate) fn open() -> Store {
    let capabilities = Capabilities::none("double", Durability::Memory);
    Store(Arc::new(Double { capabilities, state: Mutex::default() }))
}

pub(crate) async fn publish(store: &Store, key: &str, payload: &str) {
    let mut metadata = Metadata::new(EventId::from(uuid::Uuid::new_v4()), "test", "chat.room.said");
    metadata.key = Some(key.into());
    let message = Message::new(Topic::from_static("chat.room"), metadata, payload.to_owned().into());
    store.submit(vec![message.into()], false).await.unwrap();
}

struct Double {
    capabilities: Capabilities,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    records: Vec<Arc<Recorded>>,
    wakers: Vec<Waker>,
}

const EPOCH: Epoch = Epoch(0xe0);

impl Transport for Store {
    fn capabilities(&self) -> &Capabilities {
        &self.0.capabilities
    }
    fn plan<'a>(&'a self, _: &'a Plan) -> BoxFuture<'a, Result<PlanReport, Refusals>> {
        unreachable!("the gateway does not call this")
    }
    fn submit(&self, batch: Vec<Outgoing>, _: bool) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        let mut state = self.0.state.lock();
        for outgoing in batch {
            let message = outgoing.message;
            let same = |record: &&Arc<Recorded>| record.message.metadata.key == message.metadata.key;
            let revision = state.records.iter().filter(same).count() as u64 + 1;
            let position = state.records.len() as u64;
            let place = Place::new(EPOCH, position, position, revision, Timestamp::UNIX_EPOCH);
            state.records.push(Arc::new(Recorded::new(message, place)));
        }
        state.wakers.drain(..).for_each(Waker::wake);
        Ticket::ready(Ok(Vec::new()))
    }
    fn subscribe<'a>(&'a self, _: &'a GroupSpec) -> BoxFuture<'a, Result<Subscription, Error>> {
        unreachable!("the gateway does not call this")
    }
    fn tail<'a>(
        &'a self,
        _: &'a TopicFilter,
        from: Option<u64>,
    ) -> BoxFuture<'a, Result<Box<dyn Tail>, Error>> {
        let at = from.unwrap_or(self.end()) as usize;
        let tail: Box<dyn Tail> = Box::new(DoubleTail { store: self.clone(), at });
        Box::pin(std::future::ready(Ok(tail)))
    }
    fn log(&self) -> Option<&dyn Log> {
        Some(self)
    }
    fn drain(&self, _: Duration) -> BoxFuture<'_, Result<(), Error>> {
        unreachable!("the gateway does not call this")
    }
}

impl Log for Store {
    fn epoch(&self) -> Epoch {
        EPOCH
    }
    fn end(&self) -> u64 {
        self.0.state.lock().records.len() as u64
    }
    fn head(&self, _: &Topic, key: &str) -> u64 {
        let state = self.0.state.lock();
        state.records.iter().filter(|record| record.message.metadata.key.as_deref() == Some(key)).count()
            as u64
    }
    fn read_key(&self, _: &Topic, key: &str, range: KeyRange) -> Ticket<Vec<Arc<Recorded>>> {
        let state = self.0.state.lock();
        let of_key = state
            .records
            .iter()
            .filter(|record| record.message.metadata.key.as_deref() == Some(key))
            .cloned();
        Ticket::ready(Ok(if range.is_reverse {
            let mut all: Vec<_> = of_key.filter(|record| record.place.revision <= range.from).collect();
            all.reverse();
            all.truncate(range.max);
            all
        } else {
            of_key.filter(|record| record.place.revision >= range.from).take(range.max).collect()
        }))
    }
    fn read(&self, _: &TopicFilter, _: u64, _: usize) -> Ticket<Page> {
        unreachable!("the gateway does not call this")
    }
}

struct DoubleTail {
    store: Store,
    at: usize,
}

impl Tail for DoubleTail {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Arc<Recorded>>,
    ) -> Poll<Result<Taken, Error>> {
        let mut state = self.store.0.state.lock();
        let before = into.len();
        into.extend(state.records.iter().skip(self.at).take(max).cloned());
        self.at += into.len() - before;
        if into.len() == before {
            state.wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(Ok(Taken::Batch))
    }
}
