//! Serving, until somebody ends it.

use crate::cli::Options;
use anyhow::{Context, Result};
use fanfare_gateway::door::{self, Door};
use messenger::messenger::{Config, Messenger};
use messenger::web::{Reach, own_origins, page};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// How long requests that are open at the end may take: a body that never comes must not keep the program.
const REQUESTS: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options) -> Result<()> {
    let mut signals = Signals::new()?;
    let serve = &options.serve;
    let tls = match (&serve.tls_cert, &serve.tls_key) {
        (Some(certificate), Some(key)) => Some(door::tls(certificate, key)?),
        _ => None,
    };
    let listener = TcpListener::bind(serve.listen)
        .await
        .with_context(|| format!("failed to listen on {}; is another messenger running?", serve.listen))?;
    let address = listener.local_addr()?;
    let mut config = Config::new(&options.data, reach(options, address));
    config.sign_up = serve.sign_up;
    config.admin.clone_from(&serve.admin);
    config.metrics_listen = serve.metrics_listen;
    let mut messenger = Messenger::start(config).await?;
    if serve.demo {
        messenger.demonstrate().await?;
    }
    announce(&messenger, options, address);

    let mut door = Door::new(listener, tls)?;
    if serve.behind_proxy {
        door = door.per_address_max(usize::MAX);
    }
    let (stop, stopped) = oneshot::channel::<()>();
    let mut serving = tokio::spawn(door.serve(messenger.router(page()), async move {
        let _ = stopped.await;
    }));
    tokio::select! {
        served = &mut serving => served?,
        () = messenger.failed() => tracing::error!("the journal failed: ending, since nothing can be kept any more"),
        () = signals.next() => {
            let leaving = leave(&messenger, stop, &mut serving);
            tokio::select! {
                () = leaving => {}
                () = signals.next() => return Err(at_once()),
            }
        }
    }
    serving.abort();
    tokio::select! {
        ended = messenger.end() => ended?,
        () = signals.next() => return Err(at_once()),
    }
    tracing::info!("ended");
    Ok(())
}

/// Says goodbye to every connection, then lets the requests that are open end. New ones are answered until the
/// connections are gone, so that `/ready` can say so.
async fn leave(messenger: &Messenger, stop: oneshot::Sender<()>, serving: &mut JoinHandle<()>) {
    tracing::info!("ending: telling everybody to come back later");
    let left = messenger.drain().await;
    if left > 0 {
        tracing::warn!(left, "some connections did not say goodbye in time");
    }
    let _ = stop.send(());
    if tokio::time::timeout(REQUESTS, serving).await.is_err() {
        tracing::warn!("some requests did not end in time");
    }
}

/// What was answered is durable, so there is nothing to lose.
fn at_once() -> anyhow::Error {
    anyhow::anyhow!("ended at once, as asked a second time")
}

fn reach(options: &Options, address: SocketAddr) -> Reach {
    let serve = &options.serve;
    let is_tls = serve.tls_cert.is_some();
    let mut origins: Vec<String> = serve.public_url.iter().cloned().collect();
    if address.ip().is_loopback() {
        origins.extend(own_origins(if is_tls { "https" } else { "http" }, address));
    }
    let is_secure = serve.public_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    // Cookies do not know ports: two messengers of one machine need two names.
    let cookie = if is_secure { "__Host-session".into() } else { format!("messenger-{}", address.port()) };
    Reach { origins, is_secure, is_behind_proxy: serve.behind_proxy, cookie }
}

fn announce(messenger: &Messenger, options: &Options, address: SocketAddr) {
    let local = || format!("http://{address}");
    let url = options.serve.public_url.clone().unwrap_or_else(local);
    println!("The messenger is at {url}/  (its data: {})", options.data.display());
    if options.serve.public_url.is_some() {
        println!("It listens on {address}.");
    }
    if let Some(password) = messenger.first_password() {
        println!("Sign in as {} with the one-time password {password}", options.serve.admin);
        println!("and choose one of your own. It is not shown again.");
    }
    if options.serve.demo {
        let password = messenger::chat::DEMO_PASSWORD;
        println!(
            "The people of the demonstration (ada, grace, linus, margaret) have the password {password}"
        );
    }
    println!("Open it in two windows, and end it with Ctrl-C.");
}

/// SIGTERM and SIGINT, one after the other.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
