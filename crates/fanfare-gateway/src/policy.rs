//! What the application decides: who may do what, which records a channel shows, and how they look.

use crate::protocol::{Disconnect, ErrorReply, Json, Publication};
use fanfare_core::{BoxFuture, ByteString, Recorded, Timestamp, Topic};
use std::future::{Future, ready};
use std::sync::Arc;
use std::time::Duration;

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
    /// Whether a valid token of the application names this user and channel: a subscription token that came along, or the
    /// connection's own.
    pub has_token: bool,
    /// Whether the server subscribes the connection, rather than the client itself.
    pub is_by_server: bool,
    /// Whether the client asks to be told who comes and goes.
    pub wants_join_leave: bool,
}

/// A wish to publish.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Publish {
    /// The channel's name, as the client spells it.
    pub channel: String,
    /// The payload.
    pub data: Json,
    /// Whether the connection is subscribed to the channel now.
    pub is_subscribed: bool,
    /// Whether it is subscribed by a token of the application.
    pub has_token: bool,
}

/// How much of a channel's past is served, by recovery and history alike. What lies outside is kept all the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Window {
    /// The newest publications, so many at most.
    pub count_max: u64,
    /// Publications of this age at most.
    pub age_max: Option<Duration>,
}

impl Default for Window {
    /// Everything that is kept.
    fn default() -> Self {
        Self { count_max: u64::MAX, age_max: None }
    }
}

/// A yes to a subscription, and what it includes.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Grant {
    /// What the channel is.
    pub key: ChannelKey,
    /// Whether a client that was away gets what it missed. On by default.
    pub is_recoverable: bool,
    /// Whether of several publications that wait for a slow subscriber only the newest counts. Off by default.
    pub is_conflated: bool,
    /// Whether the subscriber may read the channel's history. Off by default.
    pub has_history: bool,
    /// Whether the subscriber counts as present. Off by default.
    pub has_presence: bool,
    /// Whether the subscriber may ask who is present. Off by default.
    pub reads_presence: bool,
    /// Whether others are told that the subscriber comes and goes. Off by default.
    pub has_join_leave: bool,
    /// Whether the subscriber is told who comes and goes, itself too. Off by default.
    pub hears_join_leave: bool,
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
            is_conflated: false,
            has_history: false,
            has_presence: false,
            reads_presence: false,
            has_join_leave: false,
            hears_join_leave: false,
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
        Self { has_presence: true, reads_presence: true, ..self }
    }

    /// The subscriber is told who comes and goes, and others of it.
    #[must_use]
    pub fn join_leave(self) -> Self {
        Self { has_join_leave: true, hears_join_leave: true, ..self }
    }

    /// The newest value wins, as for a ticker: who reads slowly gets the newest publication in place of all that waited,
    /// and is not closed for it. What is missed stays missed.
    #[must_use]
    pub fn conflated(self) -> Self {
        Self { is_recoverable: false, is_conflated: true, ..self }
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

    /// Whether a caller whose subscription does not include it may ask who is present in a channel. Denied by default.
    fn presence(
        &self,
        caller: &Caller,
        channel: &str,
    ) -> impl Future<Output = Result<ChannelKey, ErrorReply>> + Send {
        let _ = (caller, channel);
        ready(Err(ErrorReply::PERMISSION_DENIED))
    }

    /// How much of a channel's past is served. Everything that is kept by default.
    fn window(&self, key: &ChannelKey) -> Window {
        let _ = key;
        Window::default()
    }

    /// Publishes what a client sent into a channel; it is answered when this returns. Denied by default.
    fn publish(
        &self,
        caller: &Caller,
        request: Publish,
    ) -> impl Future<Output = Result<(), ErrorReply>> + Send {
        let _ = (caller, request);
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
    fn presence<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
    ) -> BoxFuture<'a, Result<ChannelKey, ErrorReply>>;
    fn window(&self, key: &ChannelKey) -> Window;
    fn publish<'a>(&'a self, caller: &'a Caller, request: Publish) -> BoxFuture<'a, Result<(), ErrorReply>>;
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

    fn presence<'a>(
        &'a self,
        caller: &'a Caller,
        channel: &'a str,
    ) -> BoxFuture<'a, Result<ChannelKey, ErrorReply>> {
        Box::pin(Policy::presence(self, caller, channel))
    }

    fn window(&self, key: &ChannelKey) -> Window {
        Policy::window(self, key)
    }

    fn publish<'a>(&'a self, caller: &'a Caller, request: Publish) -> BoxFuture<'a, Result<(), ErrorReply>> {
        Box::pin(Policy::publish(self, caller, request))
    }

    fn view<'a>(
        &'a self,
        key: &'a ChannelKey,
        records: &'a [Arc<Recorded>],
    ) -> BoxFuture<'a, Vec<Publication>> {
        Box::pin(Policy::view(self, key, records))
    }
}
