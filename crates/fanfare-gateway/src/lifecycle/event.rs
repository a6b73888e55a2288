//! The events.

use fanfare_core::{__private, ByteString, DecodeError, EncodeError, Event, Portable, RawEvent};
use serde::{Deserialize, Serialize};

/// That an event can leave the process, in an `impl Event`.
macro_rules! portable {
    () => {
        const PORTABLE: bool = true;

        fn clone_event(&self) -> Option<Self> {
            Some(self.clone())
        }

        fn from_raw(raw: &RawEvent) -> Option<Result<Self, DecodeError>> {
            Some(__private::decode(raw))
        }

        fn encode_payload(&self) -> Option<Result<bytes::Bytes, EncodeError>> {
            Some(__private::encode(self))
        }
    };
}

/// A gateway has started, and every connection that another start of it had is gone, whether or not its end was told: a process
/// that is killed tells no ends.
///
/// Gateways that publish to one transport are told apart by the event's `source` alone, which `GatewayBuilder::lifecycle` is
/// given: a start says nothing of the others' connections.
///
/// It has no order with the events of a user: go by [`start`](Self::start), which each of them carries.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct GatewayStarted {
    /// Names this start. Those of later starts are greater as texts, as far as the machine's clock does not go back.
    pub start: String,
}

impl Event for GatewayStarted {
    const TYPE: &'static str = "gateway.started";
    const TOPIC: &'static str = ClientConnected::TOPIC;

    portable!();
}

impl Portable for GatewayStarted {}

macro_rules! events {
    ($($(#[$doc:meta])* $name:ident = $type:literal { $($(#[$field_doc:meta])* $field:ident: $field_type:ty,)* })*) => {$(
        $(#[$doc])*
        ///
        /// All events of one user have one order, across their connections; those without a user that of their connection.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub struct $name {
            /// The connection's own id.
            pub client: String,
            /// The user; empty when anonymous.
            pub user: String,
            /// The start of the gateway that it connected to: [`GatewayStarted::start`].
            #[serde(default)]
            pub start: String,
            $($(#[$field_doc])* pub $field: $field_type,)*
        }

        impl Event for $name {
            const TYPE: &'static str = $type;

            fn key(&self) -> Option<ByteString> {
                let key = if self.user.is_empty() { &self.client } else { &self.user };
                Some(key.as_str().into())
            }

            portable!();
        }

        impl Portable for $name {}
    )*};
}

events! {
    /// A client has connected, and was told so.
    ClientConnected = "gateway.client.connected" {}
    /// A client has subscribed to a channel, or was subscribed by the server.
    ClientSubscribed = "gateway.client.subscribed" {
        /// The channel's name.
        channel: String,
    }
    /// A subscription has ended: the client left, was taken out, or its connection ended.
    ClientLeft = "gateway.client.left" {
        /// The channel's name.
        channel: String,
    }
    /// A connection has ended. What it was subscribed to it has left before.
    ClientDisconnected = "gateway.client.disconnected" {
        /// The close code: 3000 when the client went by itself.
        code: u16,
        /// The reason in words.
        reason: String,
    }
}
