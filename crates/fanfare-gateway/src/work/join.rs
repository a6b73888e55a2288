//! Subscribing without a gap: first into the room, then to the log.

use super::read::{fitting, read_within};
use super::window::first_served;
use crate::auth::SubscriptionClaims;
use crate::gateway::Inner;
use crate::hub::{Member, Outbox, Ticket, encode};
use crate::policy::{Caller, ChannelKey, Subscribe};
use crate::protocol::{ClientInfo, Encoded, ErrorReply};
use crate::session::{Joined, Resume};
use fanfare_core::{Error, KeyRange, Log, Timestamp};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Whose subscription it is.
pub(super) struct Place {
    pub(super) outbox: Arc<Outbox>,
    pub(super) ticket: Ticket,
    /// How many histories and recoveries the connection may have in memory.
    pub(super) reads: Arc<Semaphore>,
}

pub(super) async fn join(
    gateway: &Inner,
    Place { outbox, ticket, reads }: Place,
    caller: &Caller,
    request: &Subscribe,
    token: Option<Box<SubscriptionClaims>>,
    resume: Option<&Resume>,
) -> Result<Joined, ErrorReply> {
    let mut grant = gateway.hub.policy().subscribe(caller, request).await?;
    let has_token = token.is_some();
    if let Some(token) = token {
        let ends = token.expires_at().map(|at| i64::try_from(at).unwrap_or(i64::MAX));
        let ends = ends.map(|at| Timestamp::from_second(at).unwrap_or(Timestamp::MAX));
        grant.expires_at = [grant.expires_at, ends].into_iter().flatten().min();
        grant.info = token.info.or(grant.info);
        grant.data = token.data.or(grant.data);
    }
    let info = Arc::new(ClientInfo {
        user: caller.user.clone(),
        client: caller.client.clone(),
        connection: caller.info.clone(),
        channel: grant.info.clone(),
    });
    let resume = resume.filter(|_| grant.is_recoverable);
    // Before the room is entered, so that what comes live is not kept meanwhile.
    let reading = match resume {
        Some(_) => reads.acquire_owned().await.ok(),
        None => None,
    };
    let member = Member {
        outbox,
        ticket,
        presence: grant.has_presence.then(|| Arc::clone(&info)),
        has_join_leave: grant.hears_join_leave,
        is_conflated: grant.is_conflated,
    };
    let read = async {
        let membership = gateway.hub.join(&request.channel, &grant.key, member).await?;
        let log = gateway.hub.log();
        let epoch = log.epoch().to_string();
        // What became readable before this head comes from the log, what comes after it through the room.
        let top = log.head(&grant.key.topic, &grant.key.key);
        let recovered = match resume {
            Some(resume) if is_same_epoch(resume, &epoch) => {
                missed(gateway, log, &request.channel, &grant.key, resume.offset, top).await?
            }
            _ => None,
        };
        Ok((membership, epoch, top, recovered))
    };
    let (membership, epoch, top, recovered) = read.await.map_err(|error: Error| {
        tracing::error!(channel = request.channel, %error, "a subscription failed");
        ErrorReply::INTERNAL
    })?;
    Ok(Joined { membership, grant, has_token, info, epoch, top, recovered, reading })
}

/// Everything after an offset up to the top, or nothing at all: too much, no longer kept, or from a future that this
/// store does not know.
async fn missed(
    gateway: &Inner,
    log: &dyn Log,
    channel: &str,
    key: &ChannelKey,
    after: u64,
    top: u64,
) -> Result<Option<Vec<Encoded>>, Error> {
    let Some(count) = top.checked_sub(after) else { return Ok(None) };
    let Ok(count) = usize::try_from(count) else { return Ok(None) };
    if count == 0 {
        return Ok(Some(Vec::new()));
    }
    if count > gateway.settings().publications_max {
        return Ok(None);
    }
    let window = gateway.hub.policy().window(key);
    if first_served(log, key, top, window, gateway.clock.now()).await? > after + 1 {
        return Ok(None);
    }
    let bytes_max = gateway.settings().publications_bytes_max;
    let records = read_within(log, key, KeyRange::from(after + 1, count), bytes_max).await?;
    let is_complete = records.len() == count
        && records.iter().zip(after + 1..).all(|(record, revision)| record.place.revision == revision);
    if !is_complete {
        return Ok(None);
    }
    let publications = encode(gateway.hub.policy(), channel, key, &records).await;
    Ok((fitting(&publications, bytes_max) == count).then_some(publications))
}

/// An empty epoch stands for any.
pub(super) fn is_same_epoch(resume: &Resume, epoch: &str) -> bool {
    resume.epoch.is_empty() || resume.epoch == epoch
}
