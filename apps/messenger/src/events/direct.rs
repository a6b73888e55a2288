//! Events of direct conversations. They live on a topic of their own, which only the two people may read.

use fanfare::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Two people have a conversation.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "dm.conversation.started", topic = "dm.conversation", key = room)]
pub struct Started {
    /// The conversation.
    pub room: Uuid,
    /// The two, the smaller id first.
    pub people: [Uuid; 2],
    /// Who began.
    pub by: Uuid,
}

super::fact::talk! {
    "dm.conversation",
    "dm.conversation.message_sent",
    "dm.conversation.message_edited",
    "dm.conversation.message_deleted",
    "dm.conversation.reaction_added",
    "dm.conversation.reaction_removed"
}
