//! The rooms: who may read them, what is said in them, how it looks.

use crate::events::MessageSent;
use crate::people::Person;
use fanfare::{Event, Publisher};
use fanfare_core::{ErrorKind, Recorded, Timestamp, Topic};
use fanfare_gateway::{Caller, ChannelKey, ErrorReply, Grant, Json, Policy, Publication, Subscribe};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use uuid::Uuid;

/// The one room there is.
const ROOM: &str = "general";

/// The longest message, in characters.
const TEXT_LEN_MAX: usize = 4_000;

const CLIENT_ID_LEN_MAX: usize = 64;

/// Everybody who is signed in may read the room.
#[derive(Debug)]
pub(crate) struct Rooms;

impl Policy for Rooms {
    async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        match request.channel.strip_prefix("room:") {
            Some(ROOM) => {
                let key = ChannelKey::new(Topic::from_static("chat.room"), ROOM);
                Ok(Grant::new(key).history().presence().join_leave())
            }
            _ => Err(ErrorReply::UNKNOWN_CHANNEL),
        }
    }

    async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
        records.iter().map(|record| Publication::new(view(record))).collect()
    }
}

/// A call of the page to say something.
#[derive(Debug, Deserialize)]
pub(crate) struct Send {
    room: String,
    client_id: String,
    text: String,
}

/// Said, and on the disk.
#[derive(Debug, Serialize)]
pub(crate) struct Sent {
    message: Uuid,
    offset: u64,
    at: Timestamp,
    is_repeat: bool,
}

/// Publishes a message and answers when it is durable. A repeat under the same client id is answered like the first one.
pub(crate) async fn send(publisher: Publisher, caller: Caller, send: Send) -> Result<Sent, ErrorReply> {
    let Person { user: by, name } = Person::of(&caller).ok_or(ErrorReply::PERMISSION_DENIED)?;
    let Send { room, client_id, text } = send;
    if room != ROOM {
        return Err(ErrorReply::new(404, "there is no such room"));
    }
    let text = text.trim();
    if text.is_empty() || client_id.is_empty() || client_id.len() > CLIENT_ID_LEN_MAX {
        return Err(ErrorReply::new(400, "a message has a text, and a client id of 1 to 64 characters"));
    }
    if text.chars().count() > TEXT_LEN_MAX {
        return Err(ErrorReply::new(413, format!("a message has at most {TEXT_LEN_MAX} characters")));
    }
    let once = format!("{by}/{client_id}");
    // Made from what a repeat repeats, so that both are the same message.
    let message = Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{room}/{once}").as_bytes());
    let event = MessageSent { room, message, by, name, client_id, text: text.to_owned() };
    let receipt =
        publisher.publish(event).idempotency_key(once).await.map_err(|error| match error.kind() {
            ErrorKind::Conflict => ErrorReply::new(409, "another message has this client id already"),
            kind => {
                tracing::error!(?kind, %error, "a message could not be published");
                ErrorReply::INTERNAL
            }
        })?;
    let place = receipt.place.ok_or(ErrorReply::INTERNAL)?;
    Ok(Sent { message, offset: place.revision, at: place.recorded_at, is_repeat: receipt.is_repeat })
}

/// What a page is shown of a record of the room.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum View {
    MessageSent {
        id: String,
        at: Timestamp,
        by: String,
        name: String,
        message: Uuid,
        client_id: String,
        text: String,
    },
    /// Something that this build does not know how to show.
    Unknown,
}

fn view(record: &Recorded) -> Json {
    let metadata = &record.message.metadata;
    let sent = match &*metadata.event_type {
        MessageSent::TYPE => serde_json::from_slice::<MessageSent>(&record.message.payload).ok(),
        _ => None,
    };
    let (id, at) = (metadata.id.to_string(), record.place.recorded_at);
    let view = sent.map_or(View::Unknown, |MessageSent { message, by, name, client_id, text, .. }| {
        View::MessageSent { id, at, by, name, message, client_id, text }
    });
    Json::of(&view).unwrap_or_else(|_| Json::null())
}
