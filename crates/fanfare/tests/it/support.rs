//! Transports under paused time, and a record of what handlers saw.

use std::{sync::Arc, time::Duration};

use fanfare::{
    App, Event,
    clock::{RuntimeClock, SystemRandom},
};
use fanfare_broker::{Broker, Options};
use fanfare_core::{Clock, Transport};
use fanfare_testkit::Poor;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

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
