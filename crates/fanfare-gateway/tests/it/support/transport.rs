//! The embedded broker on memory storage.

use fanfare::clock::{SystemClock, SystemRandom};
use fanfare_broker::{Broker, Options};
use fanfare_core::{EventId, Log, Message, Metadata, Topic, Transport};
use std::path::Path;
use std::sync::Arc;

/// A store of a test's own.
#[derive(Clone)]
pub(crate) struct Store(Arc<Broker>);

pub(crate) fn open() -> Store {
    let options = Options::new(Arc::new(SystemClock::new()), Arc::new(SystemRandom::new()));
    Store(Arc::new(Broker::memory(options).unwrap()))
}

impl Store {
    /// The store in this folder.
    pub(crate) fn file(folder: &Path) -> Self {
        let options = Options::new(Arc::new(SystemClock::new()), Arc::new(SystemRandom::new()));
        Self(Arc::new(Broker::open_blocking(folder, options).unwrap()))
    }

    pub(crate) fn transport(&self) -> Arc<dyn Transport> {
        self.0.clone()
    }

    pub(crate) fn epoch(&self) -> String {
        self.log().epoch().to_string()
    }

    fn log(&self) -> &dyn Log {
        self.0.log().unwrap()
    }
}

/// Publishes into `chat.room` and waits until it is durable.
pub(crate) async fn publish(store: &Store, key: &str, payload: &str) {
    let mut metadata = Metadata::new(EventId::from(uuid::Uuid::new_v4()), "test", "chat.room.said");
    metadata.key = Some(key.into());
    let message = Message::new(Topic::from_static("chat.room"), metadata, payload.to_owned().into());
    for receipt in store.0.submit(vec![message.into()], false).await.unwrap() {
        receipt.unwrap();
    }
}
