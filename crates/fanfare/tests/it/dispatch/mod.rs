//! The in-process dispatcher.

mod asking;
mod bridge;
mod emitting;
mod executors;
mod failures;
mod hooks;
mod local;
mod memory;
mod middleware;
mod model;
mod options;
mod queueing;
mod raw;
mod storms;
mod subscribing;
mod watching;

use std::sync::Arc;

use fanfare::Event;
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(type = "order.placed", key = item)]
pub(crate) struct Placed {
    pub(crate) item: String,
    pub(crate) quantity: u32,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[event(type = "order.cancelled")]
pub(crate) struct Cancelled(pub(crate) u32);

/// Neither `Clone` nor serde.
#[derive(Event)]
#[event(type = "door.opened", local)]
pub(crate) struct Opened;

pub(crate) fn placed(quantity: u32) -> Placed {
    Placed { item: "Rust Book".into(), quantity }
}

/// What handlers did, in order.
#[derive(Clone, Default)]
pub(crate) struct Story(Arc<Mutex<Vec<String>>>);

impl Story {
    pub(crate) fn tell(&self, line: impl Into<String>) {
        self.0.lock().push(line.into());
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().len()
    }

    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock())
    }
}

/// Waits until something is so.
pub(crate) async fn until(is_so: impl Fn() -> bool) {
    let waits = async {
        while !is_so() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), waits).await.expect("it becomes so");
}
