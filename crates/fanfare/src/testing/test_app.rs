//! One application and its test.

use std::{sync::Arc, time::Duration};

use fanfare_broker::{Broker, Options};
use fanfare_core::{
    DeadLetter, GroupName, Input, Operator, Portable, Publishable, Receipt, Selection, TopicFilter, Transport,
};

use crate::{
    App, Publisher, Running,
    app::StartError,
    clock::{RuntimeClock, SystemRandom},
};

/// How long handlers may go on, of paused time, before [`TestApp::idle`] gives up.
const IDLE_WITHIN: Duration = Duration::from_secs(24 * 3600);
/// The smallest step of the runtime's time.
const STEP: Duration = Duration::from_millis(1);

/// An application on a fresh embedded broker in memory, for a test with paused time:
/// `#[tokio::test(start_paused = true)]`. Randomness is seeded, so that a test repeats.
///
/// Time passes only in [`TestApp::advance`] and [`TestApp::idle`], and then everything that is due meanwhile happens.
pub struct TestApp {
    running: Running,
    name: String,
    role: String,
    clock: Arc<RuntimeClock>,
}

impl TestApp {
    /// Starts it on a fresh broker.
    ///
    /// # Errors
    /// What [`App::start`] reports.
    pub async fn start(app: App) -> Result<Self, StartError> {
        let clock = Arc::new(RuntimeClock::new());
        let random = Arc::new(SystemRandom::seeded(1));
        let broker = Broker::memory(Options::new(clock.clone(), random)).map_err(StartError::Transport)?;
        Self::start_on(app, Arc::new(broker), clock).await
    }

    /// Starts it on a transport that the test opened, whose time is `clock`: to start an application twice.
    ///
    /// # Errors
    /// What [`App::start`] reports.
    pub async fn start_on(
        app: App,
        transport: Arc<dyn Transport>,
        clock: Arc<RuntimeClock>,
    ) -> Result<Self, StartError> {
        let (name, role) = app.names();
        let random = Arc::new(SystemRandom::seeded(2));
        let running = app.with_transport(transport).clock(clock.clone()).random(random).start().await?;
        Ok(Self { running, name, role, clock })
    }

    /// The application's handle.
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The test's time.
    pub fn clock(&self) -> &Arc<RuntimeClock> {
        &self.clock
    }

    /// Publishes with options.
    pub fn publisher(&self) -> &Publisher {
        self.running.publisher()
    }

    /// Publishes an event.
    ///
    /// # Panics
    /// When it is refused.
    #[track_caller]
    pub fn publish<P: Publishable>(&self, event: P) -> impl Future<Output = Receipt> {
        let location = std::panic::Location::caller();
        let publishing = self.publisher().publish(event).into_future();
        async move {
            match publishing.await {
                Ok(receipt) => receipt,
                Err(error) => panic!("{location}: {error}"),
            }
        }
    }

    /// Lets time pass; everything that is due meanwhile happens.
    #[allow(clippy::disallowed_methods, reason = "the runtime's time is the test's clock")]
    pub async fn advance(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until every handler has ended and nothing but retries is left to do.
    ///
    /// # Panics
    /// When handlers go on for a day.
    pub async fn idle(&self) {
        let mut waited = Duration::ZERO;
        loop {
            self.advance(STEP).await;
            if !self.running.is_busy() {
                return;
            }
            waited += STEP;
            assert!(waited < IDLE_WITHIN, "handlers of `{}` go on for a day", self.name);
        }
    }

    /// How many deliveries a handler has acknowledged.
    ///
    /// # Panics
    /// When there is no such handler.
    #[track_caller]
    pub fn handled(&self, handler: &str) -> u64 {
        self.running.count(handler, |metrics| metrics.handled.get())
    }

    /// How many attempts of a handler failed.
    ///
    /// # Panics
    /// When there is no such handler.
    #[track_caller]
    pub fn failed(&self, handler: &str) -> u64 {
        self.running.count(handler, |metrics| metrics.failed.get())
    }

    /// What a handler gave up, oldest first.
    ///
    /// # Panics
    /// When the transport fails.
    pub async fn dead_letters(&self, handler: &str) -> Vec<DeadLetter> {
        let (group, mut all, mut from) = (self.group(handler), Vec::new(), 0);
        loop {
            let page = self.operator().dead_letters(&group, from, usize::MAX).await;
            let page = page.unwrap_or_else(|error| panic!("dead letters of `{handler}`: {error}"));
            let Some(last) = page.last() else { return all };
            from = last.record.place.position + 1;
            all.extend(page);
        }
    }

    /// Sends everything back that a handler gave up; answers how many.
    ///
    /// # Panics
    /// When the transport fails.
    pub async fn redrive(&self, handler: &str) -> u64 {
        let answer = self.operator().redrive(&self.group(handler), Selection::All).await;
        answer.unwrap_or_else(|error| panic!("redrive of `{handler}`: {error}"))
    }

    /// Every event of a type that was published or returned, in order.
    ///
    /// # Panics
    /// When the transport keeps no log, or one does not decode.
    pub async fn events<E: Portable>(&self) -> Vec<E> {
        let Some(log) = self.running.transport().log() else {
            panic!("this transport keeps no log");
        };
        let (mut events, mut from) = (Vec::new(), log.start());
        loop {
            let page = log.read(&TopicFilter::all(), from, 1024).await;
            let page = page.unwrap_or_else(|error| panic!("reading the log: {error}"));
            if page.records.is_empty() {
                return events;
            }
            from = page.next;
            let ours = page.records.iter().filter(|record| &*record.message.metadata.event_type == E::TYPE);
            events.extend(ours.map(|record| {
                <E as Input>::decode(record).unwrap_or_else(|error| panic!("an event of the log: {error}"))
            }));
        }
    }

    /// Drains it.
    ///
    /// # Panics
    /// When the transport fails.
    pub async fn shutdown(self) {
        if let Err(error) = self.running.shutdown().await {
            panic!("shutdown: {error}");
        }
    }

    fn operator(&self) -> &dyn Operator {
        self.running.operator().unwrap_or_else(|| panic!("this transport has no operator"))
    }

    fn group(&self, handler: &str) -> GroupName {
        GroupName::new(&self.name, &self.role, handler)
            .unwrap_or_else(|error| panic!("`{handler}` is no handler's name: {error}"))
    }
}
