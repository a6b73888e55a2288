//! One form for all events of a room or conversation, for what reads both: the read model and the view.

use super::{direct, room};
use serde::de::DeserializeOwned;
use uuid::Uuid;

/// Declares the events of talking for one topic.
macro_rules! talk {
    ($topic:literal, $sent:literal, $edited:literal, $deleted:literal, $added:literal, $removed:literal) => {
        /// Somebody said something.
        #[derive(::fanfare::Event, ::serde::Serialize, ::serde::Deserialize, Clone, Debug)]
        #[event(type = $sent, topic = $topic, key = room)]
        pub struct MessageSent {
            /// Where.
            pub room: ::uuid::Uuid,
            /// The message.
            pub message: ::uuid::Uuid,
            /// Who.
            pub by: ::uuid::Uuid,
            /// The sender's own name for it, unique per sender and room.
            pub client_id: String,
            /// What.
            pub text: String,
            /// The message that it answers.
            #[serde(default, skip_serializing_if = "Option::is_none")]
            pub reply_to: Option<::uuid::Uuid>,
        }

        /// A message has another text.
        #[derive(::fanfare::Event, ::serde::Serialize, ::serde::Deserialize, Clone, Debug)]
        #[event(type = $edited, topic = $topic, key = room)]
        pub struct MessageEdited {
            /// Where.
            pub room: ::uuid::Uuid,
            /// Which.
            pub message: ::uuid::Uuid,
            /// Who.
            pub by: ::uuid::Uuid,
            /// The new text.
            pub text: String,
        }

        /// A message is gone.
        #[derive(::fanfare::Event, ::serde::Serialize, ::serde::Deserialize, Clone, Debug)]
        #[event(type = $deleted, topic = $topic, key = room)]
        pub struct MessageDeleted {
            /// Where.
            pub room: ::uuid::Uuid,
            /// Which.
            pub message: ::uuid::Uuid,
            /// Who.
            pub by: ::uuid::Uuid,
        }

        /// Somebody reacted to a message.
        #[derive(::fanfare::Event, ::serde::Serialize, ::serde::Deserialize, Clone, Debug)]
        #[event(type = $added, topic = $topic, key = room)]
        pub struct ReactionAdded {
            /// Where.
            pub room: ::uuid::Uuid,
            /// To which.
            pub message: ::uuid::Uuid,
            /// Who.
            pub by: ::uuid::Uuid,
            /// With what.
            pub emoji: String,
        }

        /// Somebody took a reaction back.
        #[derive(::fanfare::Event, ::serde::Serialize, ::serde::Deserialize, Clone, Debug)]
        #[event(type = $removed, topic = $topic, key = room)]
        pub struct ReactionRemoved {
            /// Where.
            pub room: ::uuid::Uuid,
            /// To which.
            pub message: ::uuid::Uuid,
            /// Who.
            pub by: ::uuid::Uuid,
            /// What.
            pub emoji: String,
        }
    };
}
pub(super) use talk;

/// An event of a room or a conversation.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Fact {
    /// A room came to be.
    Created(room::Created),
    /// A conversation came to be.
    Started(direct::Started),
    /// Somebody became a member.
    Joined(room::Joined),
    /// A member went.
    Left(room::Left),
    /// Somebody was asked in.
    Invited(room::Invited),
    /// Somebody did not want to come.
    Declined(room::Declined),
    /// A member was put out.
    Kicked(room::Kicked),
    /// Something was said, edited, deleted or reacted to.
    Talk(Talk),
}

/// What is said, in rooms and conversations alike.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Talk {
    /// Something was said.
    Sent(room::MessageSent),
    /// A message has another text.
    Edited(room::MessageEdited),
    /// A message is gone.
    Deleted(room::MessageDeleted),
    /// A reaction more.
    ReactionAdded(room::ReactionAdded),
    /// A reaction less.
    ReactionRemoved(room::ReactionRemoved),
}

impl Fact {
    /// Reads an event's payload; `None` for a type that is no fact of a room.
    ///
    /// # Errors
    /// When the payload is not that of its type.
    pub fn decode(event_type: &str, payload: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        fn of<T: DeserializeOwned>(
            payload: &[u8],
            make: fn(T) -> Fact,
        ) -> Result<Option<Fact>, serde_json::Error> {
            serde_json::from_slice(payload).map(|event| Some(make(event)))
        }
        match event_type {
            "chat.room.created" => of(payload, Self::Created),
            "chat.room.joined" => of(payload, Self::Joined),
            "chat.room.left" => of(payload, Self::Left),
            "chat.room.invited" => of(payload, Self::Invited),
            "chat.room.declined" => of(payload, Self::Declined),
            "chat.room.kicked" => of(payload, Self::Kicked),
            "dm.conversation.started" => of(payload, Self::Started),
            "chat.room.message_sent" | "dm.conversation.message_sent" => {
                of(payload, |event| Self::Talk(Talk::Sent(event)))
            }
            "chat.room.message_edited" | "dm.conversation.message_edited" => {
                of(payload, |event| Self::Talk(Talk::Edited(event)))
            }
            "chat.room.message_deleted" | "dm.conversation.message_deleted" => {
                of(payload, |event| Self::Talk(Talk::Deleted(event)))
            }
            "chat.room.reaction_added" | "dm.conversation.reaction_added" => {
                of(payload, |event| Self::Talk(Talk::ReactionAdded(event)))
            }
            "chat.room.reaction_removed" | "dm.conversation.reaction_removed" => {
                of(payload, |event| Self::Talk(Talk::ReactionRemoved(event)))
            }
            _ => Ok(None),
        }
    }

    /// The room or conversation.
    #[must_use]
    pub fn room(&self) -> Uuid {
        match self {
            Self::Created(event) => event.room,
            Self::Started(event) => event.room,
            Self::Joined(event) => event.room,
            Self::Left(event) => event.room,
            Self::Invited(event) => event.room,
            Self::Declined(event) => event.room,
            Self::Kicked(event) => event.room,
            Self::Talk(talk) => talk.room(),
        }
    }
}

impl Talk {
    /// The room or conversation.
    #[must_use]
    pub fn room(&self) -> Uuid {
        match self {
            Self::Sent(event) => event.room,
            Self::Edited(event) => event.room,
            Self::Deleted(event) => event.room,
            Self::ReactionAdded(event) => event.room,
            Self::ReactionRemoved(event) => event.room,
        }
    }

    /// The message.
    #[must_use]
    pub fn message(&self) -> Uuid {
        match self {
            Self::Sent(event) => event.message,
            Self::Edited(event) => event.message,
            Self::Deleted(event) => event.message,
            Self::ReactionAdded(event) => event.message,
            Self::ReactionRemoved(event) => event.message,
        }
    }
}
