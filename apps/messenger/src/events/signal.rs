//! What the analysis worker finds in rooms (never in direct conversations).

use fanfare::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A message names a member of its room.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event(type = "chat.mention.found", key = person)]
pub struct MentionFound {
    /// Who is named.
    pub person: Uuid,
    /// Who wrote it.
    pub by: Uuid,
    /// Where.
    pub room: Uuid,
    /// In which message.
    pub message: Uuid,
}

/// A message has a link.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event(type = "chat.link.found", key = room)]
pub struct LinkFound {
    /// Where.
    pub room: Uuid,
    /// In which message.
    pub message: Uuid,
    /// Who wrote it.
    pub by: Uuid,
    /// The link.
    pub url: String,
}

/// Somebody writes faster than people do.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event(type = "chat.flood.suspected", key = person)]
pub struct FloodSuspected {
    /// Who.
    pub person: Uuid,
    /// Where the last of the messages was.
    pub room: Uuid,
    /// How many messages.
    pub messages: u32,
    /// In how long.
    pub seconds: u32,
}
