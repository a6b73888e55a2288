//! Records as the application shows them, whatever becomes of the application's code.

use crate::policy::{ChannelKey, DynPolicy};
use crate::protocol::{Encoded, Json, Publication};
use fanfare_core::Recorded;
use futures_util::FutureExt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

/// Records as the publications of a channel, each at its own offset.
///
/// A record whose view panics, or is not one publication, comes as `null`: the channel goes on behind it, and nobody
/// waits for an offset that never comes.
pub(crate) async fn encode(
    policy: &dyn DynPolicy,
    channel: &str,
    key: &ChannelKey,
    records: &[Arc<Recorded>],
) -> Vec<Encoded> {
    let views = match view(policy, key, records).await {
        Some(views) => views,
        None => one_by_one(policy, key, records).await,
    };
    let encode = |(view, record): (&Publication, &Arc<Recorded>)| view.encode(channel, record.place.revision);
    views.iter().zip(records).map(encode).collect()
}

async fn one_by_one(policy: &dyn DynPolicy, key: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
    let mut views = Vec::with_capacity(records.len());
    for record in records {
        let view = view(policy, key, std::slice::from_ref(record)).await.and_then(|mut views| views.pop());
        views.push(view.unwrap_or_else(|| {
            let (topic, revision) = (&key.topic, record.place.revision);
            tracing::error!(%topic, key = %key.key, revision, "a record cannot be shown; it comes as null");
            Publication::new(Json::null())
        }));
    }
    views
}

/// One publication for each record, or none when the application's code fails.
async fn view(
    policy: &dyn DynPolicy,
    key: &ChannelKey,
    records: &[Arc<Recorded>],
) -> Option<Vec<Publication>> {
    // Calling it may panic as well as awaiting it.
    let viewed = AssertUnwindSafe(async { policy.view(key, records).await }).catch_unwind().await;
    match viewed {
        Ok(views) if views.len() == records.len() => Some(views),
        Ok(views) => {
            let (answered, given) = (views.len(), records.len());
            tracing::error!(topic = %key.topic, answered, given, "Policy::view answers one publication for each record");
            None
        }
        Err(_) => {
            tracing::error!(topic = %key.topic, records = records.len(), "Policy::view panicked");
            None
        }
    }
}
