//! The feed of what concerns a person.

use super::access::take;
use super::refusal::Refusal;
use super::requests::{Notifications, Seen};
use super::service::Chat;
use crate::{model, time};
use rusqlite::{OptionalExtension, Row, Transaction, params};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// A notification. Its text is looked up when it is read, by what the person may read then.
#[derive(Clone, Debug, Serialize)]
struct Notification {
    id: i64,
    kind: String,
    room: Uuid,
    room_name: String,
    by: Uuid,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Uuid>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    at: String,
    is_read: bool,
}

/// What is to be notified of.
#[derive(Clone, Debug)]
pub(crate) struct Notify {
    pub(crate) person: Uuid,
    pub(crate) kind: &'static str,
    pub(crate) room: Uuid,
    pub(crate) by: Uuid,
    pub(crate) message: Option<Uuid>,
    pub(crate) at: i64,
    /// The event's id: the same event notifies once.
    pub(crate) event: String,
}

const PAGE: usize = 50;
const PAGE_MAX: usize = 100;
/// Notifications that are kept of a person.
const KEPT_MAX: i64 = 1_000;

const FIELDS: &str = "SELECT n.id, n.kind, n.room, coalesce(r.name, ''), n.by, n.message,
        (SELECT m.text FROM message m JOIN member b ON b.room = m.room AND b.person = n.person WHERE m.id = n.message),
        n.at, n.is_read
     FROM notification n LEFT JOIN room r ON r.id = n.room
     WHERE (EXISTS (SELECT 1 FROM member b WHERE b.room = n.room AND b.person = n.person)
         OR EXISTS (SELECT 1 FROM invited i WHERE i.room = n.room AND i.person = n.person))";

impl Chat {
    pub(super) async fn notifications(&self, who: Uuid, page: Notifications) -> Result<Value, Refusal> {
        take(&self.0.limits.reads, who)?;
        let _open = self.0.gates.open(who).await;
        let (before, limit) =
            (page.before.unwrap_or(i64::MAX), page.limit.unwrap_or(PAGE).clamp(1, PAGE_MAX));
        self.read(move |tx| {
            let mut rows = tx.prepare_cached(&format!(
                "{FIELDS} AND n.person = ? AND n.id < ? ORDER BY n.id DESC LIMIT ?"
            ))?;
            let found = rows.query_map(params![who, before, limit + 1], notification)?;
            let mut found = found.collect::<Result<Vec<_>, _>>()?;
            let has_more = found.len() > limit;
            found.truncate(limit);
            Ok(json!({ "notifications": found, "unread": unread(tx, who)?, "has_more": has_more }))
        })
        .await
    }

    pub(super) async fn notifications_read(&self, who: Uuid, seen: Seen) -> Result<Value, Refusal> {
        take(&self.0.limits.writes, who)?;
        let work = move |tx: &Transaction<'_>| {
            tx.execute(
                "UPDATE notification SET is_read = 1 WHERE person = ? AND id <= ?",
                params![who, seen.up_to],
            )?;
            Ok::<_, Refusal>(unread(tx, who)?)
        };
        let unread = self.0.model.db().write(work).await?;
        let push = json!({ "kind": "notifications_read", "up_to": seen.up_to, "unread": unread });
        self.0.outside.push([who], &push);
        Ok(json!({ "unread": unread }))
    }

    /// Keeps a notification and pushes it, when the person may know of the room and did not have it before.
    pub(crate) async fn notify(&self, notify: Notify) -> Result<(), crate::model::ModelError> {
        let person = notify.person;
        let work = move |tx: &Transaction<'_>| {
            let Notify { person, kind, room, by, message, at, event } = notify;
            let may = model::standing(tx, room, person)?
                .is_some_and(|found| found.role.is_some() || found.is_invited);
            if !may || person == by {
                return Ok(None);
            }
            let is_new = tx.execute(
                "INSERT OR IGNORE INTO notification (person, kind, room, by, message, at, event) VALUES (?, ?, ?, ?, ?, ?, ?)",
                params![person, kind, room, by, message, at, event],
            )?;
            if is_new == 0 {
                return Ok(None);
            }
            let id = tx.last_insert_rowid();
            tx.execute(
                "DELETE FROM notification WHERE person = ?1 AND id <=
                     (SELECT id FROM notification WHERE person = ?1 ORDER BY id DESC LIMIT 1 OFFSET ?2)",
                params![person, KEPT_MAX],
            )?;
            let found = tx
                .prepare_cached(&format!("{FIELDS} AND n.id = ?"))?
                .query_row([id], notification)
                .optional()?;
            Ok::<_, crate::model::ModelError>(Some((found, unread(tx, person)?)))
        };
        if let Some((Some(found), unread)) = self.0.model.db().write(work).await? {
            let push = json!({ "kind": "notification", "notification": found, "unread": unread });
            self.0.outside.push([person], &push);
        }
        Ok(())
    }
}

pub(super) fn unread(tx: &Transaction<'_>, person: Uuid) -> Result<i64, rusqlite::Error> {
    tx.prepare_cached("SELECT count(*) FROM notification WHERE person = ? AND NOT is_read")?
        .query_row([person], |row| row.get(0))
}

fn notification(row: &Row<'_>) -> Result<Notification, rusqlite::Error> {
    Ok(Notification {
        id: row.get(0)?,
        kind: row.get(1)?,
        room: row.get(2)?,
        room_name: row.get(3)?,
        by: row.get(4)?,
        message: row.get(5)?,
        text: row.get(6)?,
        at: time::text(row.get(7)?),
        is_read: row.get(8)?,
    })
}
