//! A gateway on a free port, and a client that speaks raw frames.

mod client;
mod transport;

pub(crate) use client::{Client, upgraded};
pub(crate) use transport::{Store, open, publish};

use axum::Router;
use fanfare_core::{Timestamp, Topic};
use fanfare_gateway::auth::{TokenIssuer, Verifier};
use fanfare_gateway::{
    Caller, ChannelKey, Disconnect, ErrorReply, Gateway, GatewayBuilder, Grant, Json, Policy, Publish,
    Subscribe, Welcome,
};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub(crate) const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
/// `room:<key>` may be read by everybody, `secret:` by nobody; what a client publishes goes into the store.
pub(crate) struct Rooms(pub(crate) Store);

impl Policy for Rooms {
    async fn connect(&self, caller: &Caller, _: Option<&Json>) -> Result<Welcome, Disconnect> {
        match &*caller.user {
            "banned" => Err(Disconnect::new(4501, "banned")),
            // Somebody whom the server subscribes by itself.
            "guest" => {
                let mut welcome = Welcome::default();
                welcome.channels.push("room:1".into());
                Ok(welcome)
            }
            _ => Ok(Welcome::default()),
        }
    }

    async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        let (kind, key) = request.channel.split_once(':').ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
        let grant = Grant::new(ChannelKey::new(Topic::from_static("chat.room"), key));
        match kind {
            "room" => Ok(grant.history().presence()),
            "lobby" => Ok(grant.history().presence().join_leave()),
            "live" => Ok(grant.live_only()),
            "ticker" => Ok(grant.conflated()),
            "token" if request.has_token => Ok(grant),
            _ => Err(ErrorReply::PERMISSION_DENIED),
        }
    }

    async fn publish(&self, caller: &Caller, request: Publish) -> Result<(), ErrorReply> {
        let key = request.channel.strip_prefix("room:").ok_or(ErrorReply::PERMISSION_DENIED)?;
        let data = request.data.as_str();
        publish(&self.0, key, &format!("{{\"by\":{:?},\"data\":{data}}}", caller.user)).await;
        Ok(())
    }
}

/// A gateway that serves.
pub(crate) struct Server {
    pub(crate) gateway: Gateway,
    pub(crate) store: Store,
    pub(crate) address: SocketAddr,
    pub(crate) serving: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(transport::open(), |builder| builder).await
    }

    pub(crate) async fn with(store: Store, options: impl FnOnce(GatewayBuilder) -> GatewayBuilder) -> Self {
        let builder = Gateway::builder(store.transport(), Rooms(store.clone()))
            .tokens(Verifier::hs256(SECRET, "test").unwrap())
            .rpc("echo", async |_: Caller, data: serde_json::Value| Ok::<_, ErrorReply>(data))
            .rpc("fail", async |_: Caller, (): ()| Err::<(), _>(ErrorReply::new(1001, "no luck").temporary()))
            .rpc("panic", panics);
        let gateway = options(builder).build().unwrap();
        let (address, serving) = serving(gateway.router().merge(gateway.health_router())).await;
        Self { gateway, store, address, serving }
    }

    /// A client with its own user that has connected.
    pub(crate) async fn connected(&self, user: &str) -> Client {
        let mut client = self.client().await;
        let reply = client.call(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token(user))).await;
        assert!(reply["connect"]["client"].is_string(), "{reply}");
        client
    }

    /// The part of a subscribe that recovers from an offset of this store.
    pub(crate) fn at(&self, offset: u64) -> String {
        format!(r#","recover":true,"epoch":"{}","offset":{offset}"#, self.store.epoch())
    }

    pub(crate) async fn client(&self) -> Client {
        Client::open(self.address, None).await.unwrap()
    }

    pub(crate) async fn publish(&self, key: &str, numbers: impl IntoIterator<Item = u64>) {
        for number in numbers {
            publish(&self.store, key, &number.to_string()).await;
        }
    }
}

/// Serves on a free port for as long as the test runs.
pub(crate) async fn serve(app: Router) -> SocketAddr {
    serving(app).await.0
}

async fn serving(app: Router) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let service = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = tokio::spawn(async move { axum::serve(listener, service).await.unwrap() });
    (address, serving)
}

async fn panics(_: Caller, (): ()) -> Result<(), ErrorReply> {
    panic!("on purpose")
}

/// A connection token that lasts an hour.
pub(crate) fn token(user: &str) -> String {
    token_until(user, unix_now() + 3600)
}

pub(crate) fn token_until(user: &str, exp: u64) -> String {
    issuer().connection(user, &serde_json::json!({ "name": user.to_uppercase() }), exp)
}

pub(crate) fn issuer() -> TokenIssuer {
    TokenIssuer::hs256(SECRET, "test").unwrap()
}

#[allow(clippy::disallowed_methods, reason = "tokens are of the calendar's time")]
pub(crate) fn unix_now() -> u64 {
    Timestamp::now().as_second().try_into().unwrap()
}

/// Waits for a fact, and fails when it does not come true in time.
pub(crate) async fn eventually(what: &str, mut fact: impl FnMut() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(10), async {
        while !fact() {
            tokio::task::yield_now().await;
        }
    });
    assert!(waited.await.is_ok(), "{what} did not come true");
}
