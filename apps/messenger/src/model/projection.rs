//! Applying the journal, and waiting until an event was applied.

use super::{Change, ModelError, apply, checkpoint};
use crate::db::Db;
use crate::events::Fact;
use bytes::Bytes;
use fanfare_core::{Cursor, Epoch, Log, Place, Recorded, TopicFilter};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::sync::watch;

/// The read model. Cloning gives another handle.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

type Listener = Box<dyn Fn(&[Change]) + Send + Sync>;

struct Inner {
    db: Db,
    /// Set once the model has everything that the journal had at start.
    epoch: watch::Sender<Option<Epoch>>,
    /// The position of the first event that is not applied.
    next: watch::Sender<u64>,
    listener: OnceLock<Listener>,
}

/// An event as the model takes it.
#[derive(Clone, Debug)]
pub struct Event {
    /// Its type.
    pub event_type: String,
    /// Its encoded payload.
    pub payload: Bytes,
    /// Where it stands.
    pub place: Place,
}

/// Events that one transaction applies at most.
const BATCH_MAX: usize = 512;

impl Model {
    /// The model of this database. It takes nothing before [`Model::open`].
    #[must_use]
    pub fn new(db: Db) -> Self {
        let (epoch, next) = (watch::Sender::new(None), watch::Sender::new(0));
        Self(Arc::new(Inner { db, epoch, next, listener: OnceLock::new() }))
    }

    /// Reads everything that the model lacks from the journal.
    ///
    /// # Errors
    /// When the database or the journal fails.
    pub async fn open(&self, log: &dyn Log) -> Result<(), ModelError> {
        let (epoch, end) = (log.epoch(), log.end());
        let open =
            move |tx: &rusqlite::Transaction<'_>| checkpoint::open(tx, epoch, end).map_err(ModelError::from);
        let mut next = self.0.db.write(open).await?;
        while next < log.end() {
            let page = log.read(&all(), Cursor::new(epoch, next), BATCH_MAX).await?;
            self.take(page.records.iter().map(|record| Event::of(record)).collect()).await?;
            if page.next.position <= next {
                break;
            }
            next = page.next.position;
        }
        self.0.next.send_replace(next);
        self.0.epoch.send_replace(Some(epoch));
        Ok(())
    }

    /// Who hears of changes: in the journal's order, after each is in the model and before anybody who waits for it
    /// goes on. To be set once.
    pub fn listen(&self, listener: impl Fn(&[Change]) + Send + Sync + 'static) {
        let _ = self.0.listener.set(Box::new(listener));
    }

    /// Applies events, which come in the journal's order, once the model is open. What is applied already is passed by.
    ///
    /// # Errors
    /// When the database fails; then nothing was applied.
    pub async fn apply(&self, events: Vec<Event>) -> Result<(), ModelError> {
        // The sender lives in self: waiting cannot fail.
        let _ = self.0.epoch.subscribe().wait_for(Option::is_some).await;
        self.take(events).await
    }

    /// Applies everything of the journal up to this position, and what came after it by now, in as few transactions as
    /// may be: while one is on its way to the disk others come together.
    ///
    /// # Errors
    /// When the database or the journal fails.
    pub async fn follow(&self, log: &dyn Log, position: u64) -> Result<(), ModelError> {
        let epoch = match self.0.epoch.subscribe().wait_for(Option::is_some).await.as_deref() {
            Ok(Some(epoch)) => *epoch,
            // The sender lives in self.
            _ => return Ok(()),
        };
        while !self.has(position) {
            let next = *self.0.next.borrow();
            let page = log.read(&all(), Cursor::new(epoch, next), BATCH_MAX).await?;
            if page.records.is_empty() {
                return Ok(());
            }
            self.take(page.records.iter().map(|record| Event::of(record)).collect()).await?;
        }
        Ok(())
    }

    async fn take(&self, events: Vec<Event>) -> Result<(), ModelError> {
        let Some(last) = events.last().map(|event| event.place.position) else { return Ok(()) };
        let changes = self.0.db.write(move |tx| apply_all(tx, &events)).await?;
        if let Some(listener) = self.0.listener.get().filter(|_| !changes.is_empty()) {
            listener(&changes);
        }
        self.0.next.send_if_modified(|next| {
            let is_further = *next <= last;
            *next = (*next).max(last + 1);
            is_further
        });
        Ok(())
    }

    /// Waits until the event at this place is in the model.
    ///
    /// # Errors
    /// [`ModelError::Late`].
    pub async fn applied(&self, place: &Place, within: Duration) -> Result<(), ModelError> {
        let mut next = self.0.next.subscribe();
        let reached = next.wait_for(|next| *next > place.position);
        match tokio::time::timeout(within, reached).await {
            Ok(Ok(_)) => Ok(()),
            _ => Err(ModelError::Late),
        }
    }

    /// Completes when the model has more than it has now.
    pub fn change(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut next = self.0.next.subscribe();
        async move {
            let _ = next.changed().await;
        }
    }

    /// Whether the event at this position is in the model.
    #[must_use]
    pub fn has(&self, position: u64) -> bool {
        *self.0.next.borrow() > position
    }

    /// The database.
    #[must_use]
    pub fn db(&self) -> &Db {
        &self.0.db
    }

    /// The journal's epoch; 0 before the model is open.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.0.epoch.borrow().unwrap_or(Epoch(0))
    }
}

impl Event {
    /// From a record.
    #[must_use]
    pub fn of(record: &Recorded) -> Self {
        Self {
            event_type: record.message.metadata.event_type.to_string(),
            payload: record.message.payload.clone(),
            place: record.place,
        }
    }
}

fn all() -> TopicFilter {
    ">".parse().expect("this is a filter")
}

fn apply_all(tx: &rusqlite::Transaction<'_>, events: &[Event]) -> Result<Vec<Change>, ModelError> {
    let mut changes = Vec::new();
    for event in events {
        if !checkpoint::advance(tx, event.place.epoch, event.place.position)? {
            continue;
        }
        match Fact::decode(&event.event_type, &event.payload) {
            Ok(Some(fact)) => apply::apply(tx, &fact, &event.place, &mut changes)?,
            Ok(None) => {}
            // One event that nobody can read must not stop every room. What the decoder says may quote from it.
            Err(error) => {
                let (position, column) = (event.place.position, error.column());
                tracing::error!(
                    event_type = event.event_type,
                    position,
                    column,
                    "an event is passed by, since it cannot be read"
                );
            }
        }
    }
    Ok(changes)
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Model").field("next", &*self.0.next.borrow()).finish_non_exhaustive()
    }
}
