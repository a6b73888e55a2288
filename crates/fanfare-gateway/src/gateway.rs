//! The gateway as its program sees it: built, mounted, drained.

use crate::auth::Verifier;
use crate::clock::SystemClock;
use crate::connections::{Connections, Target};
use crate::hub::{Hub, Item, Outbox, Telling};
use crate::lifecycle::Lifecycle;
use crate::origin::Origins;
use crate::policy::{Caller, ChannelKey, Policy};
use crate::protocol::{ClientInfo, Disconnect, ErrorReply, Json, Publication, Unsubscribe};
use crate::rpc::Methods;
use crate::session::{Given, History, HistoryRange, Now, Shared};
use crate::settings::Settings;
use crate::socket;
use crate::work;
use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use fanfare_core::{BoxFuture, Clock, Transport};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A door for outside clients. Cloning gives another handle to the same one.
#[derive(Clone, Debug)]
pub struct Gateway(Arc<Inner>);

type SendHandler = Box<dyn Fn(Arc<Caller>, Json) -> BoxFuture<'static, ()> + Send + Sync>;

/// What every connection of a gateway shares.
pub(crate) struct Inner {
    pub(crate) shared: Arc<Shared>,
    pub(crate) hub: Arc<Hub>,
    pub(crate) rpc: Methods,
    pub(crate) on_send: Option<SendHandler>,
    pub(crate) origins: Origins,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) connections: Arc<Connections>,
}

impl Inner {
    pub(crate) fn settings(&self) -> &Settings {
        &self.shared.settings
    }

    pub(crate) fn now(&self) -> Now {
        let unix = u64::try_from(self.clock.now().as_second()).unwrap_or(0);
        Now { steady: self.clock.monotonic(), unix }
    }
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gateway").field("connections", &self.connections.len()).finish_non_exhaustive()
    }
}

/// A gateway that cannot be built.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// Channels are read by key and revision, which this transport does not offer.
    #[error(
        "the transport keeps no log by key, so that channels could not be recovered; use the embedded broker or Postgres"
    )]
    NoLog,
    /// Nobody could connect.
    #[error("nobody could connect: give it `.tokens(verifier)`, or `.allow_anonymous()`")]
    NobodyMayConnect,
    /// Two handlers have one name.
    #[error("two RPC handlers are named `{0}`")]
    DuplicateMethod(String),
    /// Not an origin.
    #[error("`{0}` is not an origin; one looks like `https://chat.example.org`, without a path")]
    InvalidOrigin(String),
    /// A limit that makes no sense.
    #[error("{0}")]
    InvalidSettings(&'static str),
}

/// Options of a gateway.
#[must_use = "a builder does nothing until `build`"]
pub struct GatewayBuilder {
    transport: Arc<dyn Transport>,
    hub_policy: Arc<dyn crate::policy::DynPolicy>,
    settings: Settings,
    verifier: Option<Verifier>,
    allows_anonymous: bool,
    origins: Vec<String>,
    rpc: Methods,
    duplicate: Option<String>,
    on_send: Option<SendHandler>,
    /// Who publishes beginnings and ends, and which types of them somebody claims.
    lifecycle: Option<(String, Vec<&'static str>)>,
    clock: Option<Arc<dyn Clock>>,
}

impl Gateway {
    /// A gateway onto this transport, with the application's decisions.
    pub fn builder(transport: Arc<dyn Transport>, policy: impl Policy) -> GatewayBuilder {
        GatewayBuilder {
            transport,
            hub_policy: Arc::new(policy),
            settings: Settings::default(),
            verifier: None,
            allows_anonymous: false,
            origins: Vec::new(),
            rpc: Methods::default(),
            duplicate: None,
            on_send: None,
            lifecycle: None,
            clock: None,
        }
    }

    /// The gateway's routes, to be merged into a program's own: `GET /connection/websocket`.
    pub fn router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        Router::new().route("/connection/websocket", get(socket::upgrade)).with_state(Arc::clone(&self.0))
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.connections.len()
    }

    /// How many users have connections; those who brought no token count as one.
    #[must_use]
    pub fn users(&self) -> usize {
        self.0.connections.users()
    }

    /// How many connections a user has.
    #[must_use]
    pub fn connections_of(&self, user: &str) -> usize {
        self.0.connections.of_user(user.into(), |_| {})
    }

    /// Closes connections of a user; how many there were.
    pub fn disconnect<'a>(&self, whom: impl Into<Target<'a>>, reason: &Disconnect) -> usize {
        self.0.connections.of_user(whom.into(), |outbox| outbox.close(reason.clone()))
    }

    /// Subscribes connections of a user to a channel, through [`Policy::subscribe`]; how many there are. Those that have it
    /// already are told of it again.
    pub fn subscribe<'a>(&self, whom: impl Into<Target<'a>>, channel: &str) -> usize {
        let given = Given { channel: channel.to_owned(), claims: Box::default(), resume: None, told: None };
        self.give(whom.into(), &given)
    }

    pub(crate) fn give(&self, whom: Target<'_>, given: &Given) -> usize {
        self.0.connections.of_user(whom, |outbox| outbox.push(Item::Subscribe(Box::new(given.clone()))))
    }

    /// Ends a user's subscriptions to a channel; on how many connections it was looked for.
    pub fn unsubscribe<'a>(&self, whom: impl Into<Target<'a>>, channel: &str, reason: &Unsubscribe) -> usize {
        self.0
            .connections
            .of_user(whom.into(), |outbox| outbox.push(Item::Unsubscribe(channel.to_owned(), reason.clone())))
    }

    /// Sends a message to connections of a user. It is kept nowhere.
    pub fn send<'a>(&self, whom: impl Into<Target<'a>>, data: &Json) -> usize {
        self.0.connections.of_user(whom.into(), |outbox| outbox.push(Item::Message(data.clone())))
    }

    /// Pushes a publication to those who are subscribed to a channel now. It has no offset and is kept nowhere: who is away
    /// misses it.
    pub fn push(&self, channel: &str, key: &ChannelKey, publication: &Publication) {
        self.0.hub.push(channel, key, publication.encode(channel, 0));
    }

    /// Who is present in a channel.
    #[must_use]
    pub fn present(&self, channel: &str, key: &ChannelKey) -> Vec<Arc<ClientInfo>> {
        self.0.hub.present(channel, key)
    }

    /// The channels that somebody is subscribed to, and how many subscriptions each has.
    #[must_use]
    pub fn channels(&self) -> Vec<(String, usize)> {
        self.0.hub.channels()
    }

    /// What a channel's window shows of its past.
    #[allow(dead_code, reason = "only the stand-alone gateway, a feature, asks")]
    pub(crate) async fn history(
        &self,
        channel: &str,
        key: &ChannelKey,
        range: &HistoryRange,
    ) -> Result<History, ErrorReply> {
        work::read_history(&self.0, channel, key, range).await
    }

    /// Refuses new connections, closes the open ones with 3001 (their clients come back, and recover) and waits until they
    /// are gone, or `within` has passed. A WebSocket outlives the server's own graceful shutdown: call this beside it.
    ///
    /// They are closed at a pace ([`Settings::drain_per_second`]), so that they do not all come back at once; faster when
    /// three quarters of `within` would not do. Returns how many connections were left.
    pub async fn drain(&self, within: Duration) -> usize {
        let open = self.0.connections.refuse_all(&Disconnect::SHUTDOWN);
        let closed = async {
            self.close_at_a_pace(&open, within.mul_f64(0.75)).await;
            self.0.connections.wait_until_empty().await;
            if let Some(lifecycle) = &self.0.shared.lifecycle {
                lifecycle.flush().await;
            }
        };
        let timeout = self.0.clock.sleep(within);
        tokio::select! {
            () = closed => {}
            () = timeout => {}
        }
        self.0.hub.end();
        self.0.connections.len()
    }

    async fn close_at_a_pace(&self, open: &[Arc<Outbox>], within: Duration) {
        const STEP: Duration = Duration::from_millis(20);
        let steps_max = (within.as_secs_f64() / STEP.as_secs_f64()).max(1.0);
        let at_the_pace = f64::from(self.0.settings().drain_per_second) * STEP.as_secs_f64();
        let at_once = at_the_pace.max(open.len() as f64 / steps_max).ceil().max(1.0) as usize;
        for (number, some) in open.chunks(at_once).enumerate() {
            if number > 0 {
                self.0.clock.sleep(STEP).await;
            }
            some.iter().for_each(|outbox| outbox.close(Disconnect::SHUTDOWN));
        }
    }

    /// Whether it takes connections: not any more once it drains.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        !self.0.connections.is_closing()
    }

    /// `GET /live` (200 while the process answers) and `GET /ready` (200, and 503 once it drains), for programs that have
    /// none of their own.
    pub fn health_router<S: Clone + Send + Sync + 'static>(&self) -> Router<S> {
        let gateway = self.clone();
        let ready = move || {
            let is_ready = gateway.is_ready();
            async move {
                if is_ready {
                    (StatusCode::OK, "ready\n")
                } else {
                    (StatusCode::SERVICE_UNAVAILABLE, "draining\n")
                }
            }
        };
        Router::new().route("/live", get(async || "alive\n")).route("/ready", get(ready))
    }
}

impl GatewayBuilder {
    /// Who may connect: tokens that this verifier accepts.
    pub fn tokens(mut self, verifier: Verifier) -> Self {
        self.verifier = Some(verifier);
        self
    }

    /// Lets connections in that bring no token. Their user is the empty string.
    pub fn allow_anonymous(mut self) -> Self {
        self.allows_anonymous = true;
        self
    }

    /// Lets pages of this origin connect (`https://chat.example.org`). Without any, no browser can; programs that send
    /// no `Origin` header are not stopped by this.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Limits and times.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Answers the clients' calls of this method.
    ///
    /// The handler takes who asks and the call's data, and returns the answer or an error. Calls of one connection run
    /// side by side; each is started in the order in which it came.
    pub fn rpc<F, Q, R, E, Fut>(mut self, method: &str, handler: F) -> Self
    where
        F: Fn(Caller, Q) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<R, E>> + Send + 'static,
        Q: DeserializeOwned,
        R: Serialize,
        E: Into<ErrorReply>,
    {
        if !self.rpc.add(method, handler) {
            self.duplicate = Some(method.to_owned());
        }
        self
    }

    /// Takes what clients send without waiting for an answer. Without a handler a `send` closes its connection. Of one
    /// connection as many run side by side as calls may ([`Settings::calls_in_flight_max`]); then no more is read from it.
    pub fn on_send<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Arc<Caller>, Json) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_send = Some(Box::new(move |caller, data| Box::pin(handler(caller, data))));
        self
    }

    /// Publishes connections and subscriptions that begin and end as events: [`crate::ClientConnected`],
    /// [`crate::ClientSubscribed`], [`crate::ClientLeft`] and [`crate::ClientDisconnected`], all on the topic `gateway.client`; and
    /// before all of them [`crate::GatewayStarted`], since a process that is killed tells no ends, nor what it had not written yet.
    ///
    /// `source` is who publishes, as in the application's name; `claims` says whether anybody handles a type, and what nobody
    /// does is not published: `|event_type| running.handles(event_type)` of a `fanfare::Running`. Connections never wait for
    /// it: when 65,536 events wait for a transport that takes none, more are lost and logged.
    pub fn lifecycle(mut self, source: impl Into<String>, claims: impl Fn(&str) -> bool) -> Self {
        let claimed = Lifecycle::TYPES.into_iter().filter(|event_type| claims(event_type)).collect();
        self.lifecycle = Some((source.into(), claimed));
        self
    }

    /// Another clock than the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Builds it. Nothing runs until somebody connects.
    ///
    /// # Errors
    /// What is missing or contradicts itself.
    pub fn build(self) -> Result<Gateway, BuildError> {
        if self.transport.log().is_none() {
            return Err(BuildError::NoLog);
        }
        if self.verifier.is_none() && !self.allows_anonymous {
            return Err(BuildError::NobodyMayConnect);
        }
        if let Some(method) = self.duplicate {
            return Err(BuildError::DuplicateMethod(method));
        }
        let settings = self.settings;
        if !settings.ping_interval.is_zero() && settings.ping_interval <= settings.pong_timeout {
            return Err(BuildError::InvalidSettings(
                "the ping interval must be longer than the pong timeout",
            ));
        }
        let clock = self.clock.unwrap_or_else(|| Arc::new(SystemClock::new()));
        let lifecycle = self.lifecycle.filter(|(_, claimed)| !claimed.is_empty());
        let lifecycle = lifecycle
            .map(|(source, claimed)| Arc::new(Lifecycle::new(&source, claimed, &self.transport, &clock)));
        let shared = Shared {
            lifecycle,
            verifier: self.verifier,
            allows_anonymous: self.allows_anonymous,
            has_rpc: !self.rpc.is_empty(),
            handles_send: self.on_send.is_some(),
            settings,
        };
        let telling = Telling {
            every: shared.settings.join_leave_every,
            leave_grace: shared.settings.leave_grace,
            members_max: shared.settings.join_leave_members_max,
        };
        Ok(Gateway(Arc::new(Inner {
            shared: Arc::new(shared),
            hub: Hub::new(self.transport, self.hub_policy, telling, Arc::clone(&clock)),
            rpc: self.rpc,
            on_send: self.on_send,
            origins: Origins::new(self.origins)?,
            clock,
            connections: Arc::default(),
        })))
    }
}

impl std::fmt::Debug for GatewayBuilder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("GatewayBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
