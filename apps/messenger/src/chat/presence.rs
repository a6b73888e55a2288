//! Who is here.

use super::service::{Chat, Inner};
use crate::{model, time};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::HashSet;
use std::sync::Weak;
use std::time::Duration;
use uuid::Uuid;

/// People with at least one connection, or that had one a moment ago.
#[derive(Debug, Default)]
pub(super) struct Online(Mutex<HashSet<Uuid>>);

/// How often it is looked who went: a reload is no coming and going.
const LOOKED_EVERY: Duration = Duration::from_secs(5);

impl Online {
    pub(super) fn has(&self, person: Uuid) -> bool {
        self.0.lock().contains(&person)
    }
}

impl Chat {
    /// Somebody connects.
    pub(super) async fn came(&self, person: Uuid) {
        if self.0.online.0.lock().insert(person) {
            self.tell_presence(person, true).await;
        }
    }

    /// Looks who went, until the chat ends. To be spawned once, by whoever owns the chat.
    pub fn watch_presence(&self) -> impl Future<Output = ()> + Send + use<> {
        let chat: Weak<Inner> = std::sync::Arc::downgrade(&self.0);
        async move {
            let mut suspects: HashSet<Uuid> = HashSet::new();
            loop {
                tokio::time::sleep(LOOKED_EVERY).await;
                let Some(chat) = chat.upgrade().map(Chat) else { return };
                suspects = chat.look(&suspects).await;
            }
        }
    }

    /// Who had no connection at two looks in a row is gone. Answers who had none at this one.
    async fn look(&self, suspects: &HashSet<Uuid>) -> HashSet<Uuid> {
        let online: Vec<Uuid> = self.0.online.0.lock().iter().copied().collect();
        let away = online.into_iter().filter(|person| !self.0.outside.is_connected(*person));
        let away: HashSet<Uuid> = away.collect();
        for person in away.intersection(suspects) {
            self.0.online.0.lock().remove(person);
            self.tell_presence(*person, false).await;
        }
        away
    }

    /// Remembers when, and tells those who share a room.
    async fn tell_presence(&self, person: Uuid, is_online: bool) {
        let now = time::now();
        let work = move |tx: &rusqlite::Transaction<'_>| {
            tx.execute("UPDATE person SET last_seen = ? WHERE id = ?", rusqlite::params![now, person])?;
            Ok::<_, crate::model::ModelError>(model::neighbours(tx, person)?)
        };
        match self.0.model.db().write(work).await {
            Ok(neighbours) => {
                let push = json!({ "kind": "presence", "person": person, "is_online": is_online, "last_seen": time::text(now) });
                let others =
                    neighbours.into_iter().filter(|other| *other != person && self.0.online.has(*other));
                self.0.outside.push(others, &push);
            }
            Err(error) => tracing::error!(%error, "presence could not be told"),
        }
    }
}
