//! After an unclean end the records whose handlers were running come first, each alone in the process.

use std::{sync::Arc, time::Duration};

use fanfare::{App, HandlerExt, State, clock::RuntimeClock};
use fanfare_core::{
    BoxFuture, Capabilities, Clock, Commons, Consumer, Cursor, Delivery, Error, GroupSpec, HeldKey, Outgoing,
    Plan, PlanReport, Receipt, Refusals, Rejected, Settle, Subscription, Tail, Taken, Ticket, Token,
    TopicFilter, Transport,
};

use crate::support::{Seen, StepTaken, memory, pass_secs, step};

/// A broker whose last process ended while these positions were being handled: every group finds them as its suspects.
struct Crashed {
    inner: Arc<dyn Transport>,
    suspects: Vec<u64>,
}

struct Suspicious {
    inner: Box<dyn Consumer>,
    suspects: Vec<u64>,
}

impl Transport for Crashed {
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
            let suspects = self.suspects.clone();
            let mut subscription = Subscription::new(Box::new(Suspicious { inner, suspects }));
            subscription.suspects = self.suspects.clone();
            Ok(subscription)
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

impl Consumer for Suspicious {
    fn poll_take(
        &mut self,
        cx: &mut std::task::Context<'_>,
        max: usize,
        into: &mut Vec<Delivery>,
    ) -> std::task::Poll<Result<Taken, Error>> {
        let taken = self.inner.poll_take(cx, max, into);
        for delivery in &mut *into {
            delivery.is_suspect = self.suspects.contains(&delivery.token.position);
        }
        into.sort_by_key(|delivery| (!delivery.is_suspect, delivery.token.position));
        taken
    }
    fn begin(&mut self, batch: &mut Vec<Token>) -> Ticket<Vec<Result<(), Error>>> {
        self.inner.begin(batch)
    }
    fn settle(&mut self, batch: &mut Vec<(Token, Settle)>) -> Ticket<Vec<Result<(), Error>>> {
        self.inner.settle(batch)
    }
    fn resume(&mut self, key: &HeldKey) -> Ticket<u64> {
        self.inner.resume(key)
    }
}

type Told = Seen<(&'static str, u32, &'static str)>;

async fn first(event: StepTaken, State(told): State<Told>) -> Result<(), String> {
    handle("first", event.number, told).await
}

async fn second(event: StepTaken, State(told): State<Told>) -> Result<(), String> {
    handle("second", event.number, told).await
}

async fn handle(name: &'static str, number: u32, told: Told) -> Result<(), String> {
    told.push((name, number, "start"));
    // One that hangs ends with its timeout, one that fails with its failure: the gate waits for no retry.
    pass_secs(if number == 2 { 1000 } else { 1 }).await;
    told.push((name, number, "end"));
    if number == 4 { Err("fails".into()) } else { Ok(()) }
}

/// Six events, of which 2 and 4 were being handled when the process ended.
async fn crashed(told: &Told) -> impl Fn() -> App {
    let clock = Arc::new(RuntimeClock::new());
    let inner = memory(&(clock.clone() as Arc<dyn Clock>)) as Arc<dyn Transport>;
    let broker = Arc::new(Crashed { inner, suspects: vec![2, 4] });
    let told = told.clone();
    let build =
        move || App::new("test").with_transport(broker.clone()).clock(clock.clone()).state(told.clone());
    let publisher = build().start().await.unwrap();
    for number in 0..6 {
        publisher.publisher().publish(step(&number.to_string(), number)).await.unwrap();
    }
    build
}

const TIMEOUT: Duration = Duration::from_secs(10);

/// Position 2 hangs in both groups, one after the other; then 4 in both; then the rest together.
fn assert_alone(told: &Told) {
    let told = told.all();
    let alone: Vec<_> = told[..6].iter().map(|(_, number, what)| (*number, *what)).collect();
    assert_eq!(alone, [(2, "start"), (2, "start"), (4, "start"), (4, "end"), (4, "start"), (4, "end")]);
    let rest: Vec<_> = told[6..14].iter().map(|(_, _, what)| *what).collect();
    assert_eq!(rest, ["start"; 8], "the rest did not start together: {told:?}");
}

#[tokio::test(start_paused = true)]
async fn suspects_run_alone_and_in_position_order_before_anything_else_starts() {
    let told = Told::default();
    let build = crashed(&told).await;
    let app = build().on(first.ack_timeout(TIMEOUT)).on(second.ack_timeout(TIMEOUT));
    let running = app.start().await.unwrap();
    pass_secs(30).await;
    assert_alone(&told);
    running.shutdown().await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn suspects_run_alone_also_where_two_applications_share_a_store() {
    let told = Told::default();
    let build = crashed(&told).await;
    let one = build().role("one").on(first.ack_timeout(TIMEOUT)).start().await.unwrap();
    let two = build().role("two").on(second.ack_timeout(TIMEOUT)).start().await.unwrap();
    pass_secs(30).await;
    assert_alone(&told);
    two.shutdown().await.unwrap();
    one.shutdown().await.unwrap();
}
