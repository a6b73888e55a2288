//! Everything put together, until somebody ends it.

use crate::cli::Options;
use crate::data::Folder;
use crate::people::People;
use crate::rooms::{self, Rooms};
use crate::web::{Web, own_origins};
use crate::workers;
use anyhow::{Context, Result};
use fanfare::{App, HandlerExt};
use fanfare_gateway::{Caller, Gateway};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

/// How long open connections may take to say goodbye.
const DRAIN: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options) -> Result<()> {
    let folder = Folder::open(&options.data)?;
    let ended = until_ended()?;
    let app = App::new("messenger")
        .role("workers")
        .transport(format!("file:{}", folder.journal().display()))
        .on(workers::log_event.types("chat.>"))
        .on(workers::find_mentions);
    let running = app.start().await.context("failed to start")?;
    let people = Arc::new(People::new(&folder.secret()?)?);

    let listener = TcpListener::bind(options.listen)
        .await
        .with_context(|| format!("failed to listen on {}; is another messenger running?", options.listen))?;
    let address = listener.local_addr()?;
    let publisher = running.publisher().clone();
    let gateway = own_origins(address)
        .into_iter()
        .fold(Gateway::builder(Arc::clone(running.transport()), Rooms), |builder, origin| {
            builder.allow_origin(origin)
        })
        .tokens(people.connection_check())
        .rpc("message.send", move |caller: Caller, request| rooms::send(publisher.clone(), caller, request))
        .build()?;
    let router = Web::new(people, address).router(gateway.router());

    announce(address, options);
    let draining = gateway.clone();
    axum::serve(listener, router)
        .with_graceful_shutdown(async move {
            ended.await;
            tracing::info!("ending: telling everybody to come back later");
            let left = draining.drain(DRAIN).await;
            if left > 0 {
                tracing::warn!(left, "some connections did not say goodbye in time");
            }
        })
        .await?;
    running.shutdown().await.context("failed to end cleanly")?;
    tracing::info!("ended");
    Ok(())
}

fn announce(address: SocketAddr, options: &Options) {
    println!("The messenger is at http://{address}/  (its data: {})", options.data.display());
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
