//! The numbers by which a server says no: error replies, disconnects and unsubscribes.

use std::borrow::Cow;

/// An error as the answer to one command.
///
/// Codes 100 to 113 belong to the protocol; an application uses 400 to 1999.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message} ({code})")]
#[non_exhaustive]
pub struct ErrorReply {
    /// The number that the client's program branches on.
    pub code: u32,
    /// Words for a log or a person. Never empty: one of the official clients fails without it.
    pub message: Cow<'static, str>,
    /// Whether asking again later may succeed. The official clients repeat connect and subscribe by themselves then.
    pub temporary: bool,
}

impl ErrorReply {
    /// A bug or a failing store behind the gateway; asking again may succeed.
    pub const INTERNAL: Self = Self::passing(100, "internal server error");
    /// No such channel.
    pub const UNKNOWN_CHANNEL: Self = Self::fixed(102, "unknown channel");
    /// The application's hook did not allow it.
    pub const PERMISSION_DENIED: Self = Self::fixed(103, "permission denied");
    /// No handler of that name.
    pub const METHOD_NOT_FOUND: Self = Self::fixed(104, "method not found");
    /// This connection already has that channel.
    pub const ALREADY_SUBSCRIBED: Self = Self::fixed(105, "already subscribed");
    /// Too many channels on one connection.
    pub const LIMIT_EXCEEDED: Self = Self::fixed(106, "limit exceeded");
    /// A channel name, payload or option that makes no sense.
    pub const BAD_REQUEST: Self = Self::fixed(107, "bad request");
    /// The feature is off here.
    pub const NOT_AVAILABLE: Self = Self::fixed(108, "not available");
    /// The client should fetch a new token and come again.
    pub const TOKEN_EXPIRED: Self = Self::fixed(109, "token expired");
    /// The token would allow it, but the time until which it gives access is over.
    pub const EXPIRED: Self = Self::fixed(110, "expired");
    /// A limit on rate or work in flight.
    pub const TOO_MANY_REQUESTS: Self = Self::passing(111, "too many requests");
    /// The position belongs to another epoch, or is not kept any more.
    pub const UNRECOVERABLE_POSITION: Self = Self::fixed(112, "unrecoverable position");

    /// An application's own error, for the caller of one RPC. Asking again does not help.
    ///
    /// Codes below 400 belong to the protocol and become 400; an empty message becomes "error".
    #[must_use]
    pub fn new(code: u32, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let message = if message.is_empty() { Cow::Borrowed("error") } else { message };
        Self { code: code.max(400), message, temporary: false }
    }

    /// The same, and asking again later may succeed.
    #[must_use]
    pub fn temporary(self) -> Self {
        Self { temporary: true, ..self }
    }

    /// The same code with other words.
    #[allow(dead_code, reason = "only the stand-alone gateway, a feature, says more")]
    pub(crate) fn because(self, message: impl Into<Cow<'static, str>>) -> Self {
        Self { message: message.into(), ..self }
    }

    const fn passing(code: u32, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), temporary: true }
    }

    const fn fixed(code: u32, message: &'static str) -> Self {
        Self { code, message: Cow::Borrowed(message), temporary: false }
    }
}

/// Why the server ends a connection: the WebSocket close code and its reason.
///
/// Clients come back by themselves after 3000 to 3499 and 4000 to 4499, and never after 3500 to 3999 and 4500 to 4999.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Disconnect {
    /// The close code.
    pub code: u16,
    /// Plain words, never empty: the official JavaScript client ignores a terminal code without a reason.
    pub reason: Cow<'static, str>,
}

macro_rules! disconnects {
    ($($(#[$doc:meta])* $name:ident = $code:literal $reason:literal;)*) => {
        impl Disconnect {
            $($(#[$doc])* pub const $name: Self = Self { code: $code, reason: Cow::Borrowed($reason) };)*
        }
    };
}

disconnects! {
    /// The peer went away; never sent.
    CONNECTION_CLOSED = 3000 "connection closed";
    /// This process ends; come back.
    SHUTDOWN = 3001 "shutdown";
    /// A bug or a failing store behind the gateway.
    INTERNAL = 3004 "internal server error";
    /// The connection's token ran out and was not refreshed in time.
    EXPIRED = 3005 "connection expired";
    /// A server-side subscription's time ran out.
    SUBSCRIPTION_EXPIRED = 3006 "subscription expired";
    /// The peer reads slower than its channels speak.
    SLOW = 3008 "slow";
    /// The peer took no bytes for too long.
    WRITE_ERROR = 3009 "write error";
    /// Publications were missed; the client reconnects and recovers them.
    INSUFFICIENT_STATE = 3010 "insufficient state";
    /// Asked to come back, perhaps elsewhere.
    FORCE_RECONNECT = 3011 "force reconnect";
    /// A ping was not answered.
    NO_PONG = 3012 "no pong";
    /// A limit on rate or connections that time heals.
    TOO_MANY_REQUESTS = 3013 "too many requests";
    /// A token that no later try will make valid.
    INVALID_TOKEN = 3500 "invalid token";
    /// What was sent is not the protocol.
    BAD_REQUEST = 3501 "bad request";
    /// No connect command in time.
    STALE = 3502 "stale";
    /// Sent away by the application.
    FORCE_DISCONNECT = 3503 "force disconnect";
    /// Too many connections.
    CONNECTION_LIMIT = 3504 "connection limit";
    /// Too many server-side channels.
    CHANNEL_LIMIT = 3505 "channel limit";
    /// The application's hook refuses this connection.
    PERMISSION_DENIED = 3507 "permission denied";
    /// A `send` where nothing handles it.
    NOT_AVAILABLE = 3508 "not available";
    /// Bytes that are no WebSocket frames: the WebSocket protocol's own code.
    PROTOCOL_ERROR = 1002 "protocol error";
    /// A message over the size limit: the WebSocket protocol's own code.
    MESSAGE_TOO_BIG = 1009 "message too big";
}

impl Disconnect {
    /// An application's own reason. Codes are 4000 to 4999: up to 4499 clients come back, from 4500 they do not.
    ///
    /// A code outside becomes 4000. The reason is cut to what a close frame holds (123 bytes); when it is empty, or would
    /// read as JSON (which the JavaScript client takes for advice), it becomes "disconnect".
    #[must_use]
    pub fn new(code: u16, reason: impl Into<Cow<'static, str>>) -> Self {
        let code = if (4000..5000).contains(&code) { code } else { 4000 };
        let mut reason = reason.into();
        if reason.len() > REASON_MAX {
            let cut = reason.floor_char_boundary(REASON_MAX);
            reason.to_mut().truncate(cut);
        }
        if reason.trim().is_empty() || serde_json::from_str::<serde::de::IgnoredAny>(&reason).is_ok() {
            reason = Cow::Borrowed("disconnect");
        }
        Self { code, reason }
    }
}

/// The longest reason that fits into a close frame, in bytes (RFC 6455, section 5.5).
const REASON_MAX: usize = 123;

/// Why the server ends one subscription: below 2500 the client leaves it at that, from 2500 it subscribes again.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Unsubscribe {
    /// The code.
    pub code: u32,
    /// Plain words, never empty.
    pub reason: Cow<'static, str>,
}

impl Unsubscribe {
    /// Taken out by the application.
    pub const SERVER: Self = Self { code: 2000, reason: Cow::Borrowed("server unsubscribe") };
    /// Publications were missed; the client subscribes again and recovers them.
    pub const INSUFFICIENT_STATE: Self = Self { code: 2500, reason: Cow::Borrowed("insufficient state") };
    /// The subscription's time ran out; the client subscribes again with a new token.
    pub const EXPIRED: Self = Self { code: 2501, reason: Cow::Borrowed("subscription expired") };

    /// The same as the answer to a subscribe command: who would subscribe again does so.
    pub(crate) fn as_refusal(&self) -> ErrorReply {
        ErrorReply { temporary: self.code >= 2500, ..ErrorReply::PERMISSION_DENIED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_plain_words_that_fit_a_close_frame() {
        for (given, expected) in [("", "disconnect"), ("123", "disconnect"), ("banned", "banned")] {
            assert_eq!(Disconnect::new(4501, given).reason, expected);
        }
        assert_eq!(Disconnect::new(4501, "ä".repeat(100)).reason.len(), 122);
        assert_eq!(Disconnect::new(100, "x").code, 4000);
    }

    #[test]
    fn application_errors_stay_outside_the_protocols_codes() {
        assert_eq!(ErrorReply::new(109, "").code, 400);
        assert_eq!(ErrorReply::new(1000, "").message, "error");
    }
}
