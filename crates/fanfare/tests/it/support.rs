//! Transports under paused time, and a record of what handlers saw.

use std::{io::Write, sync::Arc, time::Duration};

use fanfare::{
    App, Event,
    clock::{RuntimeClock, SystemRandom},
    logging,
};
use fanfare_broker::{Broker, Options};
use fanfare_core::{Clock, Transport};
use fanfare_testkit::Poor;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::{EnvFilter, fmt::MakeWriter, util::SubscriberInitExt};

/// The event of most tests.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(type = "step.taken", key = thing)]
pub struct StepTaken {
    pub thing: String,
    pub number: u32,
}

pub fn step(thing: &str, number: u32) -> StepTaken {
    StepTaken { thing: thing.into(), number }
}

/// A clock that stands still where the runtime's does.
pub fn clock() -> Arc<dyn Clock> {
    Arc::new(RuntimeClock::starting_at("2026-01-01T00:00:00Z".parse().unwrap()))
}

pub fn app(clock: &Arc<dyn Clock>) -> App {
    App::new("test").clock(clock.clone()).random(Arc::new(SystemRandom::seeded(7)))
}

pub fn poor(clock: &Arc<dyn Clock>) -> Arc<Poor> {
    Arc::new(Poor::new(clock.clone()))
}

/// The transports that one set of semantics is proved on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Under {
    Poor,
    Memory,
}

impl Under {
    pub fn open(self, clock: &Arc<dyn Clock>) -> Arc<dyn Transport> {
        match self {
            Self::Poor => poor(clock),
            Self::Memory => memory(clock),
        }
    }
}

pub fn memory(clock: &Arc<dyn Clock>) -> Arc<Broker> {
    Arc::new(Broker::memory(Options::new(clock.clone(), Arc::new(SystemRandom::seeded(11)))).unwrap())
}

/// What handlers saw, in order.
#[derive(Clone)]
pub struct Seen<T>(Arc<Mutex<Vec<T>>>);

impl<T> Default for Seen<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Seen<T> {
    pub fn push(&self, value: T) {
        self.0.lock().push(value);
    }

    pub fn all(&self) -> Vec<T> {
        self.0.lock().clone()
    }

    pub fn len(&self) -> usize {
        self.0.lock().len()
    }
}

/// Lets paused time pass; everything that is due meanwhile happens.
pub async fn pass(time: Duration) {
    tokio::time::sleep(time).await;
}

pub async fn pass_secs(secs: u64) {
    pass(Duration::from_secs(secs)).await;
}

/// Log lines of this thread, as JSON.
#[derive(Clone, Default)]
pub struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// What comes through this filter, and the handlers' spans, until the guard is dropped.
    pub fn filtered(filter: &str) -> (Self, DefaultGuard) {
        let lines = Self::default();
        let filter = EnvFilter::new(filter).add_directive(logging::HANDLER_SPANS.parse().unwrap());
        let subscriber = tracing_subscriber::fmt().json().with_env_filter(filter).with_writer(lines.clone());
        (lines, subscriber.set_default())
    }

    pub fn all(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Those whose message begins so.
    pub fn saying(&self, message: &str) -> Vec<Value> {
        let says =
            |line: &Value| line["fields"]["message"].as_str().is_some_and(|said| said.starts_with(message));
        self.all().into_iter().filter(says).collect()
    }
}

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Lines {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}
