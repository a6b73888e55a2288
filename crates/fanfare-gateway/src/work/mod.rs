//! What a session wants done: asking the application, entering rooms, reading the log, calling handlers.
//!
//! Each effect becomes one future that the connection's own task drives beside its socket. Panics of the application's
//! code end here, as an internal error for the caller.

mod history;
mod join;
mod read;
mod window;

pub(crate) use history::read as read_history;

use crate::gateway::Inner;
use crate::hub::Outbox;
use crate::protocol::{Disconnect, ErrorReply};
use crate::session::{Done, Effect, Present};
use futures_util::FutureExt;
use join::Place;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Carries an effect out. `reads` bounds how many histories and recoveries a connection has in memory.
pub(crate) async fn perform(
    gateway: Arc<Inner>,
    outbox: Arc<Outbox>,
    reads: Arc<Semaphore>,
    effect: Effect,
) -> Done {
    let policy = gateway.hub.policy();
    match effect {
        Effect::Open { caller, data } => {
            let opened = contained("Policy::connect", policy.connect(&caller, data.as_ref())).await;
            Done::Open(opened.unwrap_or(Err(Disconnect::INTERNAL)))
        }
        Effect::Join { ticket, caller, request, token, resume } => {
            let place = Place { outbox, ticket, reads };
            let joined = join::join(&gateway, place, &caller, &request, token, resume.as_ref());
            Done::Join(ticket, answered("Policy::subscribe", joined).await.map(Box::new))
        }
        Effect::History { id, caller, channel, granted, range } => {
            let (by, key) = granted.unzip();
            let history = history::history(&gateway, reads, &caller, &channel, key, &range);
            Done::History(id, by, answered("Policy::history", history).await)
        }
        Effect::Presence { id, caller, channel, is_stats } => {
            let present = async {
                let key = policy.presence(&caller, &channel).await?;
                Ok(Present { clients: gateway.hub.present(&channel, &key), is_stats })
            };
            Done::Presence(id, answered("Policy::presence", present).await)
        }
        Effect::Publish { id, caller, request } => {
            Done::Publish(id, answered("Policy::publish", policy.publish(&caller, request)).await)
        }
        Effect::Rpc { id, caller, method, data } => {
            Done::Rpc(id, answered("an RPC handler", gateway.rpc.call(&caller, &method, &data)).await)
        }
        Effect::Send { caller, data } => {
            if let Some(handler) = &gateway.on_send {
                contained("the send handler", handler(caller, data)).await;
            }
            Done::Send
        }
    }
}

async fn answered<T>(
    what: &'static str,
    work: impl Future<Output = Result<T, ErrorReply>>,
) -> Result<T, ErrorReply> {
    contained(what, work).await.unwrap_or(Err(ErrorReply::INTERNAL))
}

async fn contained<T>(what: &'static str, work: impl Future<Output = T>) -> Option<T> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(done) => Some(done),
        Err(_) => {
            tracing::error!("{what} panicked; the caller was told of an internal error");
            None
        }
    }
}
