//! What the RPCs take and answer; `README.md` lists them.

use crate::model::{Coming, Message, PersonView, Room};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

#[derive(Deserialize)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
pub(super) struct Create {
    pub(super) name: String,
    pub(super) is_public: bool,
}

#[derive(Deserialize)]
pub(super) struct ListRooms {
    #[serde(default)]
    pub(super) search: String,
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct InRoom {
    pub(super) room: Uuid,
}

#[derive(Deserialize)]
pub(super) struct Members {
    pub(super) room: Uuid,
    /// The last one of the page before.
    pub(super) after: Option<Uuid>,
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct WithPerson {
    pub(super) room: Uuid,
    pub(super) person: Uuid,
}

#[derive(Deserialize)]
pub(super) struct OpenDirect {
    pub(super) person: Uuid,
}

#[derive(Deserialize)]
pub(super) struct Send {
    pub(super) room: Uuid,
    pub(super) client_id: String,
    pub(super) text: String,
    pub(super) reply_to: Option<Uuid>,
}

#[derive(Serialize)]
pub(super) struct Sent {
    pub(super) message: Uuid,
    pub(super) offset: i64,
    pub(super) at: String,
    pub(super) is_repeat: bool,
}

#[derive(Deserialize)]
pub(super) struct Edit {
    pub(super) room: Uuid,
    pub(super) message: Uuid,
    pub(super) text: String,
}

#[derive(Deserialize)]
pub(super) struct Delete {
    pub(super) room: Uuid,
    pub(super) message: Uuid,
}

#[derive(Deserialize)]
pub(super) struct React {
    pub(super) room: Uuid,
    pub(super) message: Uuid,
    pub(super) emoji: String,
}

#[derive(Serialize)]
pub(super) struct Done {
    pub(super) offset: u64,
}

#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) room: Uuid,
    pub(super) before: Option<i64>,
    pub(super) after: Option<i64>,
    pub(super) around: Option<i64>,
    /// Around this message, wherever it stands.
    pub(super) message: Option<Uuid>,
    pub(super) limit: Option<usize>,
}

#[derive(Serialize)]
pub(super) struct Messages {
    pub(super) messages: Vec<Message>,
    pub(super) comings: Vec<Coming>,
    pub(super) has_more: bool,
    pub(super) offset: i64,
    pub(super) epoch: String,
}

#[derive(Serialize)]
pub(super) struct History {
    pub(super) events: Vec<Value>,
    pub(super) has_more: bool,
    pub(super) offset: u64,
    pub(super) epoch: String,
}

#[derive(Deserialize)]
pub(super) struct Search {
    pub(super) text: String,
    pub(super) room: Option<Uuid>,
    pub(super) before: Option<i64>,
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Read {
    pub(super) room: Uuid,
    pub(super) offset: i64,
}

#[derive(Serialize)]
pub(super) struct Unread {
    pub(super) unread: i64,
    pub(super) mentions: i64,
}

#[derive(Deserialize)]
pub(super) struct FindPeople {
    pub(super) search: Option<String>,
    pub(super) ids: Option<Vec<Uuid>>,
    /// Only members of this room.
    pub(super) in_room: Option<Uuid>,
    /// Only those who are not.
    pub(super) not_in_room: Option<Uuid>,
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Notifications {
    pub(super) before: Option<i64>,
    pub(super) limit: Option<usize>,
}

#[derive(Deserialize)]
pub(super) struct Seen {
    pub(super) up_to: i64,
}

#[derive(Serialize)]
pub(super) struct Sync {
    pub(super) me: Me,
    pub(super) epoch: String,
    pub(super) rooms: Vec<Room>,
    pub(super) invitations: Vec<Room>,
    pub(super) people: Vec<PersonView>,
    pub(super) notifications_unread: i64,
    pub(super) text_max: usize,
}

#[derive(Serialize)]
pub(super) struct Me {
    pub(super) id: Uuid,
    pub(super) name: String,
    pub(super) is_admin: bool,
}
