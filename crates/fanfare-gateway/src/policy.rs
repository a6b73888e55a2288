//! What the application decides: who may do what, which records a channel shows, and how they look.

use crate::protocol::{Disconnect, ErrorReply, Json, Publication};
use fanfare_core::{BoxFuture, ByteString, Recorded, Timestamp, Topic};
use std::future::{Future, ready};
use std::sync::Arc;

/// Who asks: one connection of one user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Caller {
    /// The user, from the token's `sub`; empty when anonymous.
    pub user: String,
    /// The connection's own id.
    pub client: String,
    /// What the token lets others see of the user.
    pub info: Option<Json>,
    /// What the token tells the application alone.
    pub meta: Option<Json>,
}

/// What a channel is: one key of one topic. Its records are exactly its publications, the revision is the offset.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ChannelKey {
    /// The topic.
    pub topic: Topic,
    /// The partition key.
    pub key: ByteString,
}

impl ChannelKey {
    /// One key of one topic.
    pub fn new(topic: Topic, key: impl Into<ByteString>) -> Self {
        Self { topic, key: key.into() }
    }
}

/// A wish to subscribe.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Subscribe {
    /// The channel's name, as the client spells it.
    pub channel: String,
    /// What the client sent along.
    pub data: Option<Json>,
    /// Whether a valid subscription token for this user and channel came along.
    pub has_token: bool,
}

/// A yes to a subscription, and what it includes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// What the channel is.
    pub key: ChannelKey,
    /// Whether a client that was away gets what it missed. On by default.
    pub is_recoverable: bool,
    /// Whether the subscriber may read the channel's history. Off by default.
    pub has_history: bool,
    /// Whether the subscriber counts as present, and may ask who is. Off by default.
    pub has_presence: bool,
    /// Whether the subscriber is told who comes and goes, and others of it. Off by default.
    pub has_join_leave: bool,
    /// Sent along with the answer.
    pub data: Option<Json>,
    /// What others see of the subscriber in this channel.
    pub info: Option<Json>,
    /// Until when it lasts unless it is refreshed. For ever by default.
    pub expires_at: Option<Timestamp>,
}

impl Grant {
    /// A recoverable subscription, without the right to read history or presence.
    #[must_use]
    pub fn new(key: ChannelKey) -> Self {
        Self {
            key,
            is_recoverable: true,
            has_history: false,
            has_presence: false,
            has_join_leave: false,
            data: None,
            info: None,
            expires_at: None,
        }
    }

    /// The subscriber may read the channel's history.
    #[must_use]
    pub fn history(self) -> Self {
        Self { has_history: true, ..self }
    }

    /// The subscriber counts as present, and may ask who is.
    #[must_use]
    pub fn presence(self) -> Self {
        Self { has_presence: true, ..self }
    }

    /// The subscriber is told who comes and goes, and others of it.
    #[must_use]
    pub fn join_leave(self) -> Self {
        Self { has_join_leave: true, ..self }
    }

    /// Live only: what is missed while away stays missed.
    #[must_use]
    pub fn live_only(self) -> Self {
        Self { is_recoverable: false, ..self }
    }
}

/// A yes to a connection.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Welcome {
    /// Sent along with the answer.
    pub data: Option<Json>,
    /// Channels that the server subscribes the connection to; each goes through [`Policy::subscribe`].
    pub channels: Vec<String>,
}

/// What the application decides. Everything that is not overridden is denied, but for connecting with a valid token.
///
/// ```
/// use fanfare_core::Topic;
/// use fanfare_gateway::{Caller, ChannelKey, ErrorReply, Grant, Policy, Subscribe};
///
/// struct Rooms;
///
/// impl Policy for Rooms {
///     async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
///         let room = request.channel.strip_prefix("room:").ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
///         Ok(Grant::new(ChannelKey::new(Topic::from_static("chat.room"), room)).history())
///     }
/// }
/// ```
pub trait Policy: Send + Sync + 'static {
    /// Whether the connection may be, once its token was found valid.
    fn connect(
        &self,
        caller: &Caller,
        data: Option<&Json>,
    ) -> impl Future<Output = Result<Welcome, Disconnect>> + Send {
        let _ = (caller, data);
        ready(Ok(Welcome::default()))
    }

    /// Whether the caller may subscribe, and what the channel is. Denied by default.
    fn subscribe(
        &self,
        caller: &Caller,
        request: &Subscribe,
    ) -> impl Future<Output = Result<Grant, ErrorReply>> + Send {
        let _ = (caller, request);
        ready(Err(ErrorReply::PERMISSION_DENIED))
    }

    /// Whether a caller that is not subscribed may read a channel's history. Denied by default.
    fn history(
        &self,
        caller: &Caller,
        channel: &str,
    ) -> impl Future<Output = Result<ChannelKey, ErrorReply>> + Send {
        let _ = (caller, channel);
        ready(Err(ErrorReply::PERMISSION_DENIED))
    }

    /// Publishes what a client sent into a channel; it is answered when this returns. Denied by default.
    fn publish(
        &self,
        caller: &Caller,
        channel: &str,
        data: Json,
    ) -> impl Future<Output = Result<(), ErrorReply>> + Send {
        let _ = (caller, channel, data);
        ready(Err(ErrorReply::PERMISSION_DENIED))
    }

    /// How records look in a channel: one publication for each record, in their order. It is asked for live pushes,
    /// recovery and history alike, once for everybody in the channel, so that it cannot depend on who looks.
    ///
    /// By default a publication's data is the record's payload, with its type and id as tags.
    fn view(
        &self,
        key: &ChannelKey,
        records: &[Arc<Recorded>],
    ) -> impl Future<Output = Vec<Publication>> + Send {
        let _ = key;
        ready(records.iter().map(|record| as_recorded(record)).collect())
    }
}

/// The payload as it is, with type and id as tags. What is not JSON shows as `null`.
fn as_recorded(record: &Recorded) -> Publication {
    let metadata = &record.message.metadata;
    let data = Json::parse(record.message.payload.clone()).unwrap_or_else(|_| Json::null());
    Publication::new(data).tag("type", metadata.event_type.to_string()).tag("id", metadata.id.to_string())
}

/// [`Policy`] behind a pointer, so that the gateway's own types need no parameter.
pub(crate) trait DynPolicy: Send + Sync + 'static {
    fn connect<'a>(
        &'a self,
        caller: &'a Caller,
        data: Option<&'a Json>,
    ) -> BoxFuture<'a, Result<Welcome, Disconnect>>;
    fn subscribe<'a>(
        &'a self,
        caller: &'a Caller,
        request: &'a Subscribe,
    ) -> BoxFuture<'a, Result<Grant, ErrorReply>>;
    fn history<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
    ) -> BoxFuture<'a, Result<ChannelKey, ErrorReply>>;
    fn publish<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
        data: Json,
    ) -> BoxFuture<'a, Result<(), ErrorReply>>;
    fn view<'a>(
        &'a self,
        key: &'a ChannelKey,
        records: &'a [Arc<Recorded>],
    ) -> BoxFuture<'a, Vec<Publication>>;
}

impl<P: Policy> DynPolicy for P {
    fn connect<'a>(
        &'a self,
        caller: &'a Caller,
        data: Option<&'a Json>,
    ) -> BoxFuture<'a, Result<Welcome, Disconnect>> {
        Box::pin(Policy::connect(self, caller, data))
    }

    fn subscribe<'a>(
        &'a self,
        caller: &'a Caller,
        request: &'a Subscribe,
    ) -> BoxFuture<'a, Result<Grant, ErrorReply>> {
        Box::pin(Policy::subscribe(self, caller, request))
    }

    fn history<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
    ) -> BoxFuture<'a, Result<ChannelKey, ErrorReply>> {
        Box::pin(Policy::history(self, caller, channel))
    }

    fn publish<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
        data: Json,
    ) -> BoxFuture<'a, Result<(), ErrorReply>> {
        Box::pin(Policy::publish(self, caller, channel, data))
    }

    fn view<'a>(
        &'a self,
        key: &'a ChannelKey,
        records: &'a [Arc<Recorded>],
    ) -> BoxFuture<'a, Vec<Publication>> {
        Box::pin(Policy::view(self, key, records))
    }
}
