//! A transport that has no space for a retry is asked again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use fanfare::{Attempt, HandlerExt, Retry, State};
use fanfare_core::{
    BoxFuture, Capabilities, Commons, Consumer, Cursor, Delivery, Error, ErrorKind, GroupSpec, HeldKey,
    Outgoing, Plan, PlanReport, Receipt, Refusals, Rejected, Settle, Subscription, Tail, Taken, Ticket,
    Token, TopicFilter, Transport,
};

use crate::support::{Seen, StepTaken, app, clock, memory, pass_secs, step};

/// A transport that refuses this many retries.
struct Narrow {
    inner: Arc<dyn Transport>,
    refusals: Arc<AtomicU32>,
}

struct NarrowConsumer {
    inner: Box<dyn Consumer>,
    refusals: Arc<AtomicU32>,
}

impl Transport for Narrow {
    fn capabilities(&self) -> &Capabilities {
        self.inner.capabilities()
    }
    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<PlanReport, Refusals>> {
        self.inner.plan(plan)
    }
    fn submit(&self, batch: Vec<Outgoing>, is_atomic: bool) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        self.inner.submit(batch, is_atomic)
    }
    fn subscribe<'a>(&'a self, group: &'a GroupSpec) -> BoxFuture<'a, Result<Subscription, Error>> {
        Box::pin(async move {
            let inner = self.inner.subscribe(group).await?.consumer;
            Ok(Subscription::new(Box::new(NarrowConsumer { inner, refusals: self.refusals.clone() })))
        })
    }
    fn tail<'a>(
        &'a self,
        filter: &'a TopicFilter,
        from: Option<Cursor>,
    ) -> BoxFuture<'a, Result<Box<dyn Tail>, Error>> {
        self.inner.tail(filter, from)
    }
    fn commons(&self) -> Option<&Commons> {
        self.inner.commons()
    }
    fn drain(&self, within: Duration) -> BoxFuture<'_, Result<(), Error>> {
        self.inner.drain(within)
    }
}

impl Consumer for NarrowConsumer {
    fn poll_take(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> Poll<Result<Taken, Error>> {
        self.inner.poll_take(cx, max, into)
    }
    fn begin(&mut self, batch: &mut Vec<Token>) -> Ticket<Vec<Result<(), Error>>> {
        self.inner.begin(batch)
    }
    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> Ticket<Vec<Result<(), Error>>> {
        let is_retry = |(_, settle): &(Token, Settle)| matches!(settle, Settle::Retry { .. });
        let is_left = |left: u32| left.checked_sub(1);
        if batch.iter().any(is_retry)
            && self.refusals.fetch_update(Ordering::AcqRel, Ordering::Acquire, is_left).is_ok()
        {
            let refuse = |_| Err(Error::new(ErrorKind::Full, "settle: there is no space"));
            return Ticket::ready(Ok(batch.drain(..).map(refuse).collect()));
        }
        self.inner.settle(batch)
    }
    fn resume(&mut self, key: &HeldKey) -> Ticket<u64> {
        self.inner.resume(key)
    }
}

async fn fail_once(
    event: StepTaken,
    Attempt(attempt): Attempt,
    State(seen): State<Seen<(u32, u32)>>,
) -> Result<(), String> {
    seen.push((event.number, attempt));
    if attempt == 1 { Err("once".into()) } else { Ok(()) }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_is_refused_is_asked_for_again_and_the_record_is_handled() {
    for wait in [Duration::ZERO, Duration::from_millis(300), Duration::from_secs(5)] {
        let clock = clock();
        let refusals = Arc::new(AtomicU32::new(3));
        let narrow = Narrow { inner: memory(&clock), refusals: refusals.clone() };
        let seen = Seen::<(u32, u32)>::default();
        let handler = fail_once.retry(Retry::fixed(wait));
        let app = app(&clock).with_transport(Arc::new(narrow)).state(seen.clone()).on(handler);
        let running = app.start().await.unwrap();
        running.publisher().publish(step("a", 1)).await.unwrap();
        running.publisher().publish(step("a", 2)).await.unwrap();
        pass_secs(60).await;
        assert_eq!(refusals.load(Ordering::Acquire), 0);
        assert_eq!(seen.all(), [(1, 1), (1, 2), (2, 1), (2, 2)], "with {wait:?}");
        running.shutdown().await.unwrap();
    }
}
