//! Serving, until somebody ends it.

use super::api::{self, Key};
use super::channels::{Channels, Namespaces};
use super::config::Config;
use super::metrics::{self, Counts};
use super::{data, peer};
use crate::Gateway;
use crate::door::{self, Door};
use anyhow::{Context, Result};
use axum::routing::get;
use axum::{Router, middleware};
use fanfare::clock::SystemClock;
use fanfare::{App, Running};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// What routes share.
#[derive(Debug)]
pub(super) struct Parts {
    pub(super) running: Running,
    pub(super) gateway: Gateway,
    pub(super) channels: Channels,
    pub(super) counts: Arc<Counts>,
    /// Names this process.
    pub(super) uid: String,
    pub(super) started: Instant,
}

/// Serves what the file says.
///
/// # Errors
/// When an address or the data folder cannot be used, or the journal fails.
pub(super) async fn run(config: Config) -> Result<()> {
    let ended = until_ended()?;
    let listener = bind(config.address).await?;
    let api_listener = match config.api_address.filter(|_| config.api_key.is_some()) {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let metrics_listener = match config.metrics_address {
        Some(address) => Some(bind(address).await?),
        None => None,
    };
    let parts = start(&config).await?;
    let api = match &config.api_key {
        Some(secret) => api::router(Arc::clone(&parts), Key::new(secret)?, config.api_body_bytes_max),
        None => Router::new(),
    };
    let mut public = Router::new().merge(parts.gateway.health_router()).merge(parts.gateway.router());
    let mut servers = Servers::default();
    let tls = config.tls.as_ref().map(|files| door::tls(&files.certificate, &files.key)).transpose()?;
    let secure = if tls.is_some() { "s" } else { "" };
    println!("clients: ws{secure}://{}/connection/websocket", listener.local_addr()?);
    match api_listener {
        Some(listener) => {
            println!("API: http{secure}://{}/api/", listener.local_addr()?);
            // Back ends come from few addresses.
            let door = Door::new(listener, tls.clone())?.per_address_max(usize::MAX);
            servers.serve(door.body_timeout(config.api_body_timeout), api);
        }
        None => {
            if config.api_key.is_some() {
                println!("API: http{secure}://{}/api/", listener.local_addr()?);
            }
            public = public.merge(api);
        }
    }
    public = if config.is_behind_proxy {
        public.layer(middleware::from_fn(peer::behind_proxy))
    } else {
        public.layer(middleware::from_fn(peer::direct))
    };
    let mut door = Door::new(listener, tls)?.body_timeout(config.api_body_timeout);
    if config.is_behind_proxy {
        door = door.per_address_max(usize::MAX);
    }
    servers.serve(door, public);
    if let Some(listener) = metrics_listener {
        println!("metrics: http://{}/metrics", listener.local_addr()?);
        let parts = Arc::clone(&parts);
        let render = async move || metrics::render(&parts).await;
        servers.serve(Door::new(listener, None)?, Router::new().route("/metrics", get(render)));
    }
    let has_failed = tokio::select! {
        () = ended => false,
        () = parts.running.failed() => true,
    };
    end(parts, servers, &config, has_failed).await
}

async fn start(config: &Config) -> Result<Arc<Parts>> {
    data::prepare(&config.broker)?;
    let clock = Arc::new(SystemClock::new());
    let app = App::new("fanfare-gateway").transport(config.broker.clone()).clock(clock.clone());
    let running = app.start().await.context("failed to start")?;
    let counts = Arc::new(Counts::default());
    let namespaces = Namespaces::new(config);
    let channels =
        Channels::new(namespaces, Arc::clone(running.transport()), clock.clone(), Arc::clone(&counts));
    let mut builder = Gateway::builder(Arc::clone(running.transport()), channels.clone())
        .settings(config.settings.clone())
        .clock(clock);
    if let Some(verifier) = &config.verifier {
        builder = builder.tokens(verifier.clone());
    }
    if config.allows_anonymous {
        builder = builder.allow_anonymous();
    }
    for origin in &config.origins {
        builder = builder.allow_origin(origin);
    }
    let gateway = builder.build()?;
    channels.stands(gateway.clone());
    let uid = uuid::Uuid::new_v4().to_string();
    Ok(Arc::new(Parts { running, gateway, channels, counts, uid, started: Instant::now() }))
}

async fn end(parts: Arc<Parts>, servers: Servers, config: &Config, has_failed: bool) -> Result<()> {
    if has_failed {
        tracing::error!("the journal failed: ending, since nothing can be kept any more");
    } else {
        tracing::info!("ending: telling everybody to come back later");
    }
    let left = parts.gateway.drain(config.drain).await;
    if left > 0 {
        tracing::warn!(left, "some connections did not say goodbye in time");
    }
    servers.end(config.drain).await;
    // Requests that ended too late may still hold it; the journal is closed all the same.
    match Arc::try_unwrap(parts) {
        Ok(parts) => parts.running.shutdown().await.context("failed to end cleanly")?,
        Err(parts) => parts.running.transport().drain(config.drain).await.context("failed to end cleanly")?,
    }
    tracing::info!("ended");
    if has_failed { Err(anyhow::anyhow!("the journal failed; the log says why")) } else { Ok(()) }
}

/// The HTTP servers, each a task that ends when it is told to.
#[derive(Debug)]
struct Servers {
    tasks: JoinSet<()>,
    is_ending: watch::Sender<bool>,
}

impl Default for Servers {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), is_ending: watch::Sender::new(false) }
    }
}

impl Servers {
    fn serve(&mut self, door: Door, router: Router) {
        let mut is_ending = self.is_ending.subscribe();
        let until = async move {
            let _ = is_ending.wait_for(|is_ending| *is_ending).await;
        };
        self.tasks.spawn(door.serve(router, until));
    }

    async fn end(mut self, within: std::time::Duration) {
        self.is_ending.send_replace(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(within, all).await.is_err() {
            tracing::warn!("some requests did not end in time");
            self.tasks.shutdown().await;
        }
    }
}

async fn bind(address: SocketAddr) -> Result<TcpListener> {
    TcpListener::bind(address)
        .await
        .with_context(|| format!("failed to listen on {address}; is another gateway running?"))
}

/// Completes at the first SIGTERM or SIGINT.
fn until_ended() -> Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
