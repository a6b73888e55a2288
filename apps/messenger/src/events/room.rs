//! Events of rooms.

use fanfare::Event;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A room came to be; who made it is its first member, and owns it.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "chat.room.created", topic = "chat.room", key = room)]
pub struct Created {
    /// The room.
    pub room: Uuid,
    /// Its name.
    pub name: String,
    /// Whether everybody may join.
    pub is_public: bool,
    /// Who made it.
    pub by: Uuid,
}

macro_rules! membership {
    ($($(#[$doc:meta])* $name:ident $event_type:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Event, Serialize, Deserialize, Clone, Debug)]
        #[event(type = $event_type, topic = "chat.room", key = room)]
        pub struct $name {
            /// The room.
            pub room: Uuid,
            /// Whom it is about.
            pub person: Uuid,
            /// Who did it.
            pub by: Uuid,
        }
    )*};
}

membership! {
    /// Somebody became a member.
    Joined "chat.room.joined";
    /// A member went.
    Left "chat.room.left";
    /// A member asked somebody in.
    Invited "chat.room.invited";
    /// Somebody did not want to come.
    Declined "chat.room.declined";
    /// A member was put out, and does not come back uninvited.
    Kicked "chat.room.kicked";
}

super::fact::talk! {
    "chat.room",
    "chat.room.message_sent",
    "chat.room.message_edited",
    "chat.room.message_deleted",
    "chat.room.reaction_added",
    "chat.room.reaction_removed"
}
