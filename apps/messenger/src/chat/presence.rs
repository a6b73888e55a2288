//! Who is here.

use super::service::{Chat, Inner};
use crate::{model, time};
use parking_lot::Mutex;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::Instant;
use uuid::Uuid;

/// People with at least one connection, or that had one a moment ago.
#[derive(Debug, Default)]
pub(super) struct Online {
    here: Mutex<HashSet<Uuid>>,
    /// Who came and went and was not told of yet: at most everybody, each as they were last.
    news: Mutex<HashMap<Uuid, Moved>>,
    has_news: Arc<Notify>,
}

#[derive(Clone, Copy, Debug)]
struct Moved {
    is_online: bool,
    at: i64,
}

/// How often it is looked who went: a reload is no coming and going.
const LOOKED_EVERY: Duration = Duration::from_secs(5);
/// How long news are gathered, so that a room full of people who come at once is told of them at once.
const GATHERED: Duration = Duration::from_millis(200);

impl Online {
    pub(super) fn has(&self, person: Uuid) -> bool {
        self.here.lock().contains(&person)
    }

    fn moved(&self, person: Uuid, is_online: bool) {
        self.news.lock().insert(person, Moved { is_online, at: time::now() });
        self.has_news.notify_one();
    }
}

impl Chat {
    /// Somebody connects. It is told, and kept, a moment later: a connection waits for neither.
    pub(super) fn came(&self, person: Uuid) {
        if self.0.online.here.lock().insert(person) {
            self.0.online.moved(person, true);
        }
    }

    /// Tells who came and looks who went, until the chat ends. To be spawned once, by whoever owns the chat.
    pub fn watch_presence(&self) -> impl Future<Output = ()> + Send + use<> {
        let chat: Weak<Inner> = Arc::downgrade(&self.0);
        let has_news = Arc::clone(&self.0.online.has_news);
        async move {
            let mut suspects: HashSet<Uuid> = HashSet::new();
            let mut look_at = Instant::now() + LOOKED_EVERY;
            loop {
                tokio::select! {
                    () = has_news.notified() => tokio::time::sleep(GATHERED).await,
                    () = tokio::time::sleep_until(look_at) => {}
                }
                let Some(chat) = chat.upgrade().map(Chat) else { return };
                if Instant::now() >= look_at {
                    suspects = chat.look(&suspects);
                    look_at = Instant::now() + LOOKED_EVERY;
                }
                chat.tell_presence().await;
            }
        }
    }

    /// Who had no connection at two looks in a row is gone. Answers who had none at this one.
    fn look(&self, suspects: &HashSet<Uuid>) -> HashSet<Uuid> {
        let online: Vec<Uuid> = self.0.online.here.lock().iter().copied().collect();
        let away = online.into_iter().filter(|person| !self.0.outside.is_connected(*person));
        let away: HashSet<Uuid> = away.collect();
        for person in away.intersection(suspects) {
            self.0.online.here.lock().remove(person);
            self.0.online.moved(*person, false);
        }
        away
    }

    /// Remembers all that is new in one transaction, and tells those who share a room.
    async fn tell_presence(&self) {
        let news: Vec<(Uuid, Moved)> = self.0.online.news.lock().drain().collect();
        if news.is_empty() {
            return;
        }
        let (people, times): (Vec<Uuid>, Vec<i64>) =
            news.iter().map(|(person, moved)| (*person, moved.at)).unzip();
        let work = move |tx: &rusqlite::Transaction<'_>| {
            for (person, at) in people.iter().zip(times) {
                tx.prepare_cached("UPDATE person SET last_seen = ? WHERE id = ?")?
                    .execute(rusqlite::params![at, person])?;
            }
            Ok::<_, crate::model::ModelError>(model::neighbours(tx, &people)?)
        };
        match self.0.model.db().write(work).await {
            Ok(mut neighbours) => {
                neighbours.retain(|person, _| self.0.online.has(*person));
                for (places, to) in alike(neighbours, &news) {
                    let people = places.iter().filter_map(|place| news.get(*place)).map(|(person, moved)| {
                        json!({ "id": person, "is_online": moved.is_online, "last_seen": time::text(moved.at) })
                    });
                    let push = json!({ "kind": "presence", "people": people.collect::<Vec<_>>() });
                    self.0.outside.push(to, &push);
                }
            }
            Err(error) => tracing::error!(%error, "presence could not be told"),
        }
    }
}

/// Who is told the same: what is told, by place in the news, with those to whom. Nobody is told of themselves alone.
fn alike(neighbours: HashMap<Uuid, Vec<usize>>, news: &[(Uuid, Moved)]) -> HashMap<Vec<usize>, Vec<Uuid>> {
    let mut alike: HashMap<Vec<usize>, Vec<Uuid>> = HashMap::new();
    for (person, places) in neighbours {
        let is_new = places.iter().filter_map(|place| news.get(*place)).any(|(other, _)| *other != person);
        if is_new {
            alike.entry(places).or_default().push(person);
        }
    }
    alike
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thousand_who_come_to_one_room_at_once_are_told_by_one_push() {
        let news: Vec<(Uuid, Moved)> =
            (0..1000).map(|number| (Uuid::from_u128(number), Moved { is_online: true, at: 0 })).collect();
        let all: Vec<usize> = (0..1000).collect();
        let mut neighbours: HashMap<Uuid, Vec<usize>> =
            news.iter().map(|(person, _)| (*person, all.clone())).collect();
        let (alone, beside) = (Uuid::from_u128(0), Uuid::from_u128(5000));
        neighbours.insert(alone, vec![0]);
        neighbours.insert(beside, vec![0]);
        let told = alike(neighbours, &news);
        assert_eq!(told.len(), 2);
        assert_eq!(told[&all].len(), 999);
        assert_eq!(told[&vec![0]], [beside], "who is alone is not told of themselves");
    }
}
