//! Serving, until somebody ends it.

use crate::cli::Options;
use anyhow::{Context, Result};
use fanfare_gateway::door::{self, Door, Peer};
use messenger::messenger::{Config, Messenger};
use messenger::web::{Reach, own_origins, page};
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) async fn run(options: &Options) -> Result<()> {
    let ended = until_ended()?;
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

    let service = messenger.router(page()).into_make_service_with_connect_info::<Peer>();
    let (drain, failed) = (messenger.drain(), messenger.failed());
    let serving = axum::serve(Door::new(listener, tls)?, service).with_graceful_shutdown(async move {
        ended.await;
        tracing::info!("ending: telling everybody to come back later");
        let left = drain.await;
        if left > 0 {
            tracing::warn!(left, "some connections did not say goodbye in time");
        }
    });
    tokio::select! {
        served = serving => served?,
        () = failed => tracing::error!("the journal failed: ending, since nothing can be kept any more"),
    }
    messenger.end().await?;
    tracing::info!("ended");
    Ok(())
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
