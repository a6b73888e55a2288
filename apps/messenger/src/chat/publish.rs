//! Handing events to the journal.

use super::refusal::Refusal;
use crate::events::{Talk, direct};
use crate::model::Kind;
use fanfare::{Portable, Publisher};
use fanfare_core::{ErrorKind, Log, Place, Receipt, Transport};
use std::sync::{Arc, OnceLock};

/// The journal: where events go, and where they are read. Closed until the application runs, whose handlers need the
/// chat before.
#[derive(Clone, Default)]
pub struct Journal(Arc<OnceLock<Open>>);

struct Open {
    publisher: Publisher,
    transport: Arc<dyn Transport>,
}

impl Journal {
    /// The application runs. To be called once.
    pub fn opens(&self, publisher: Publisher, transport: Arc<dyn Transport>) {
        let _ = self.0.set(Open { publisher, transport });
    }

    pub(super) fn log(&self) -> Result<&dyn Log, Refusal> {
        let log = self.0.get().and_then(|open| open.transport.log());
        log.ok_or_else(|| Refusal::internal(&"the journal is not open, or keeps no log"))
    }

    /// Publishes; the event is durable when this returns, and here is where.
    pub(super) async fn publish(
        &self,
        event: impl Portable,
        once: Option<String>,
    ) -> Result<Published, Refusal> {
        let open = self.0.get().ok_or_else(|| Refusal::internal(&"the journal is not open"))?;
        let publish = open.publisher.publish(event);
        let receipt = match once {
            Some(key) => publish.idempotency_key(key).await,
            None => publish.await,
        };
        let receipt: Receipt = receipt.map_err(|error| match error.kind() {
            ErrorKind::Conflict => Refusal::conflict("another message has this client id already"),
            ErrorKind::Unknown | ErrorKind::Timeout => Refusal::late(),
            _ => Refusal::internal(&error),
        })?;
        let place = receipt.place.ok_or_else(|| Refusal::internal(&"a receipt has no place"))?;
        Ok(Published { place, is_repeat: receipt.is_repeat })
    }

    /// Publishes what is said, on the topic of the room's kind.
    pub(super) async fn say(
        &self,
        kind: Kind,
        talk: Talk,
        once: Option<String>,
    ) -> Result<Published, Refusal> {
        if kind != Kind::Direct {
            return match talk {
                Talk::Sent(event) => self.publish(event, once).await,
                Talk::Edited(event) => self.publish(event, once).await,
                Talk::Deleted(event) => self.publish(event, once).await,
                Talk::ReactionAdded(event) => self.publish(event, once).await,
                Talk::ReactionRemoved(event) => self.publish(event, once).await,
            };
        }
        match talk {
            Talk::Sent(it) => {
                let (room, message, by, client_id, text, reply_to) =
                    (it.room, it.message, it.by, it.client_id, it.text, it.reply_to);
                self.publish(direct::MessageSent { room, message, by, client_id, text, reply_to }, once).await
            }
            Talk::Edited(it) => {
                let (room, message, by, text) = (it.room, it.message, it.by, it.text);
                self.publish(direct::MessageEdited { room, message, by, text }, once).await
            }
            Talk::Deleted(it) => {
                let (room, message, by) = (it.room, it.message, it.by);
                self.publish(direct::MessageDeleted { room, message, by }, once).await
            }
            Talk::ReactionAdded(it) => {
                let (room, message, by, emoji) = (it.room, it.message, it.by, it.emoji);
                self.publish(direct::ReactionAdded { room, message, by, emoji }, once).await
            }
            Talk::ReactionRemoved(it) => {
                let (room, message, by, emoji) = (it.room, it.message, it.by, it.emoji);
                self.publish(direct::ReactionRemoved { room, message, by, emoji }, once).await
            }
        }
    }
}

/// An event that is durable.
#[derive(Clone, Copy, Debug)]
pub(super) struct Published {
    pub(super) place: Place,
    pub(super) is_repeat: bool,
}

impl std::fmt::Debug for Journal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Journal").finish_non_exhaustive()
    }
}
