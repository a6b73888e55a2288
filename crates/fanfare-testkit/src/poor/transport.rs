//! The transport, and what a test may do to it.

use std::{sync::Arc, time::Duration};

use fanfare_core::{
    BoxFuture, Capabilities, Claim, Clock, Cursor, Durability, Epoch, Error, ErrorKind, GroupName, GroupSpec,
    Outgoing, Plan, PlanReport, PlannedStart, Receipt, Recorded, Refusals, Rejected, Start, Subscription,
    Support, Tail, Ticket, TopicFilter, Transport,
};
use parking_lot::Mutex;

use super::{
    consumer::PoorConsumer,
    store::{Group, State, Store},
    tail::PoorTail,
};

/// A transport that only delivers. Clones share what it keeps.
#[derive(Clone)]
pub struct Poor {
    store: Arc<Store>,
    capabilities: Capabilities,
    joined: Arc<Mutex<u64>>,
}

impl Poor {
    /// An empty one.
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        let mut capabilities = Capabilities::none("poor", Durability::Memory);
        capabilities.replay = Support::Native;
        Self {
            store: Arc::new(Store { clock, state: Mutex::new(State::default()) }),
            capabilities,
            joined: Arc::default(),
        }
    }

    /// Everything that was published, in order.
    pub fn records(&self) -> Vec<Arc<Recorded>> {
        self.store.state.lock().records.clone()
    }

    /// Where a group's cursor stands: everything before it is settled.
    pub fn cursor(&self, group: &GroupName) -> Option<u64> {
        self.store.state.lock().groups.get(group).map(|group| group.cursor)
    }

    /// Answers the next submit with this kind of error.
    pub fn fail_next_submit(&self, kind: ErrorKind) {
        self.store.state.lock().failures.push(kind);
    }

    /// Takes the group away from its consumer, as a rebalance does: the next one that asks gets it.
    pub fn revoke(&self, group: &GroupName) {
        if let Some(group) = self.store.state.lock().groups.get_mut(group) {
            group.owner = Some(u64::MAX);
        }
        self.store.wake_all();
    }

    /// Gives a revoked group back to whoever asks.
    pub fn give_back(&self, group: &GroupName) {
        if let Some(group) = self.store.state.lock().groups.get_mut(group) {
            group.owner = None;
        }
        self.store.wake_all();
    }
}

impl Transport for Poor {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<PlanReport, Refusals>> {
        Box::pin(async move {
            let mut state = self.store.state.lock();
            for name in &plan.delete {
                state.groups.remove(name);
            }
            let end = state.records.len() as u64;
            let mut report = PlanReport::default();
            for planned in &plan.groups {
                let name = planned.spec.name.clone();
                let start = match &planned.claim {
                    Claim::StartAt(Start::Latest) => end,
                    Claim::StartAt(Start::Position(cursor)) => cursor.position,
                    _ => 0,
                };
                let renamed = match &planned.claim {
                    Claim::RenamedFrom(old) => state.groups.remove(old),
                    _ => None,
                };
                let is_new = !state.groups.contains_key(&name);
                let new = renamed.unwrap_or(Group { cursor: start, owner: None });
                let cursor = state.groups.entry(name.clone()).or_insert(new).cursor;
                report.groups.push(PlannedStart::new(name, is_new, end.saturating_sub(cursor), None, 0));
            }
            Ok(report)
        })
    }

    fn submit(&self, batch: Vec<Outgoing>, _is_atomic: bool) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        let failure = self.store.state.lock().failures.pop();
        let mut answers = Vec::with_capacity(batch.len());
        for outgoing in batch {
            answers.push(match failure {
                Some(kind) => Err(Rejected::new(Error::new(kind, "planted by the test"), outgoing)),
                None => Ok(self.store.append(outgoing)),
            });
        }
        Ticket::ready(Ok(answers))
    }

    fn subscribe<'a>(&'a self, group: &'a GroupSpec) -> BoxFuture<'a, Result<Subscription, Error>> {
        Box::pin(async move {
            let mut joined = self.joined.lock();
            *joined += 1;
            let number = *joined;
            let consumer =
                PoorConsumer { store: self.store.clone(), spec: group.clone(), number, next: None };
            Ok(Subscription::new(Box::new(consumer)))
        })
    }

    fn tail<'a>(
        &'a self,
        filter: &'a TopicFilter,
        from: Option<Cursor>,
    ) -> BoxFuture<'a, Result<Box<dyn Tail>, Error>> {
        Box::pin(async move {
            let end = self.store.state.lock().records.len();
            let from = from.map(|cursor| cursor.position_in(Epoch(0))).transpose()?;
            let next = from.map_or(end, |from| usize::try_from(from).unwrap_or(usize::MAX));
            Ok(Box::new(PoorTail { store: self.store.clone(), filter: filter.clone(), next })
                as Box<dyn Tail>)
        })
    }

    fn drain(&self, _: Duration) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            self.store.state.lock().is_closed = true;
            self.store.wake_all();
            Ok(())
        })
    }
}
