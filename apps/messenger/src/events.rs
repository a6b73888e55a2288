//! What happens in a messenger.

use fanfare::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Somebody said something in a room. All events of a room share a topic and the room as key, so that the room's
/// channel has no gaps.
#[derive(Clone, Debug, Event, Serialize, Deserialize)]
#[event(type = "chat.room.message_sent", version = 1, key = room)]
pub(crate) struct MessageSent {
    pub(crate) room: String,
    pub(crate) message: Uuid,
    /// The person, and the name that they had then.
    pub(crate) by: String,
    pub(crate) name: String,
    /// Chosen by the sender's page, which repeats a message under the same id until it is answered.
    pub(crate) client_id: String,
    pub(crate) text: String,
}

/// A message names somebody with an `@`.
#[derive(Clone, Debug, PartialEq, Eq, Event, Serialize, Deserialize)]
#[event(type = "chat.mention.found", version = 1, key = name)]
pub(crate) struct MentionFound {
    pub(crate) name: String,
    pub(crate) room: String,
    pub(crate) message: Uuid,
}
