//! What every part of the chat shares.

use super::gates::Gates;
use super::presence::Online;
use super::space::Places;
use super::turns::Turns;
use super::{Outside, publish::Journal};
use crate::limits::Bucket;
use crate::model::{Change, Model};
use fanfare_core::Log;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use uuid::Uuid;

/// The chat. Cloning gives another handle.
#[derive(Clone, Debug)]
pub struct Chat(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) model: Model,
    pub(super) journal: Journal,
    pub(super) outside: Outside,
    pub(super) gates: Gates,
    pub(super) online: Online,
    pub(super) places: Places,
    /// Who sends where.
    pub(super) sending: Turns<(Uuid, Uuid)>,
    /// Who searches.
    pub(super) searching: Turns<Uuid>,
    /// Messages that are given another reaction.
    pub(super) reacting: Turns<Uuid>,
    pub(super) limits: Limits,
}

#[derive(Debug)]
pub(super) struct Limits {
    pub(super) messages: Bucket<Uuid>,
    pub(super) writes: Bucket<Uuid>,
    pub(super) reads: Bucket<Uuid>,
    pub(super) typing: Bucket<Uuid>,
}

/// The longest message, in characters.
pub(super) const TEXT_MAX: usize = 4_000;
/// How long an RPC waits until its event is in the read model.
pub(super) const APPLIED_WITHIN: Duration = Duration::from_secs(5);
/// Changes whose pushes wait; beyond that they are left to the next `sync`.
const CHANGES_MAX: usize = 1024;

impl Chat {
    /// The chat over a model and a journal, with the task that tells people of changes; it ends with the chat.
    #[must_use]
    pub fn new(model: Model, journal: Journal, outside: Outside) -> Self {
        let (changes, changed) = mpsc::channel(CHANGES_MAX);
        let chat = Self(Arc::new(Inner {
            model,
            journal,
            outside: outside.clone(),
            gates: Gates::default(),
            online: Online::default(),
            places: Places::default(),
            sending: Turns::default(),
            searching: Turns::default(),
            reacting: Turns::default(),
            limits: Limits {
                messages: Bucket::new(10, Duration::from_millis(200)),
                writes: Bucket::new(30, Duration::from_millis(100)),
                reads: Bucket::new(60, Duration::from_millis(50)),
                typing: Bucket::new(1, Duration::from_secs(2)),
            },
        }));
        chat.0.model.listen(move |found| {
            for change in found {
                if let Change::Removed { room, person, .. } = change {
                    outside.unsubscribe(*person, &format!("room:{room}"));
                }
                let _ = changes.try_send(change.clone());
            }
        });
        tokio::spawn(tell(Arc::downgrade(&chat.0), changed));
        chat
    }

    /// The read model.
    #[must_use]
    pub fn model(&self) -> &Model {
        &self.0.model
    }

    /// The journal, once the application runs.
    pub(crate) fn journal(&self) -> Option<&dyn Log> {
        self.0.journal.log().ok()
    }

    /// The connections.
    #[must_use]
    pub fn outside(&self) -> &Outside {
        &self.0.outside
    }

    /// The journal's epoch as it is stored.
    pub(super) fn epoch(&self) -> i64 {
        self.0.model.epoch().0.cast_signed()
    }
}

/// Pushes what changed to whom it concerns, on all their devices.
async fn tell(chat: std::sync::Weak<Inner>, mut changed: mpsc::Receiver<Change>) {
    while let Some(change) = changed.recv().await {
        let Some(chat) = chat.upgrade().map(Chat) else { return };
        match change {
            Change::Added { room, person } => chat.tell_of_room(room, person).await,
            Change::Removed { room, person, why } => {
                let push = serde_json::json!({ "kind": "room_gone", "room": room, "why": why });
                chat.0.outside.push([person], &push);
            }
        }
    }
}
