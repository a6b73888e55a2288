//! The process that is measured: a gateway on a durable store.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Context;
use fanfare_benches::system::{SystemClock, SystemRandom};
use fanfare_broker::{Broker, Options};
use fanfare_core::{ByteString, EventId, Message, Metadata, Topic, Transport};
use fanfare_gateway::auth::{TokenIssuer, Verifier};
use fanfare_gateway::{Caller, ChannelKey, ErrorReply, Gateway, Grant, Policy, Publish, Settings, Subscribe};
use tokio::net::TcpSocket;
use uuid::Uuid;

const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
const TOPIC: &str = "bench.room";

/// `room:n` and, with join and leave told, `lobby:n`. Everybody may publish.
struct Rooms(Arc<Broker>);

impl Policy for Rooms {
    async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        let (kind, key) = request.channel.split_once(':').ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
        let grant = Grant::new(ChannelKey::new(Topic::from_static(TOPIC), key));
        Ok(if kind == "lobby" { grant.presence().join_leave() } else { grant })
    }

    async fn publish(&self, _: &Caller, request: Publish) -> Result<(), ErrorReply> {
        let (_, key) = request.channel.split_once(':').ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
        let id = EventId::Uuid(Uuid::now_v7());
        let mut metadata = Metadata::new(id, "bench", "bench.room.said");
        metadata.key = Some(ByteString::from(key));
        let payload = request.data.as_str().to_owned().into();
        let message = Message::new(Topic::from_static(TOPIC), metadata, payload);
        let receipts = self.0.submit(vec![message.into()], false).await.map_err(|_| ErrorReply::INTERNAL)?;
        match receipts.into_iter().next() {
            Some(Ok(_)) => Ok(()),
            _ => Err(ErrorReply::INTERNAL),
        }
    }
}

/// A token that the server accepts.
pub(crate) fn token(user: usize) -> anyhow::Result<String> {
    let until = u64::try_from(jiff::Timestamp::now().as_second())? + 3600;
    Ok(TokenIssuer::hs256(SECRET, "bench")?.connection(
        &format!("user-{user}"),
        &serde_json::json!({}),
        until,
    ))
}

/// Serves until its input ends. The first line that it prints is its address.
pub(crate) fn run(folder: &str) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let options = Options::new(Arc::new(SystemClock::start()), Arc::new(SystemRandom));
        let broker = Arc::new(Broker::open_blocking(folder, options)?);
        let mut settings = Settings::default();
        settings.connections_per_address_max = usize::MAX;
        // One publisher speaks for all of them.
        settings.calls_in_flight_max = 100_000;
        let gateway = Gateway::builder(broker.clone(), Rooms(broker.clone()))
            .tokens(Verifier::hs256(SECRET, "bench")?)
            .settings(settings)
            .build()?;
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let listener = socket.listen(16_384)?;
        println!("{}", listener.local_addr().context("a bound socket has an address")?);
        let app: axum::Router = gateway.router();
        let service = app.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
        std::process::exit(0)
    })
}
