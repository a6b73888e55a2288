//! subscribe, unsubscribe, disconnect, refresh: what aims at a user's connections.

use super::answer;
use super::call::{Answer, Failure};
use super::request::{Person, Subscribe};
use crate::Target;
use crate::auth::SubscriptionClaims;
use crate::protocol::{Disconnect, ErrorReply, Unsubscribe};
use crate::session::{Given, Resume};
use crate::standalone::run::Parts;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// How long a subscribe waits for connections whose peers take nothing.
const SUBSCRIBED_WITHIN: Duration = Duration::from_secs(5);

/// Answers when every connection of the user is subscribed, or one of them cannot be.
pub(super) async fn subscribe(parts: &Arc<Parts>, request: Subscribe) -> Answer {
    let whom = target(request.user.as_deref(), &request.client, &request.session, &[])?;
    parts.channels.resolve(&request.channel)?;
    if !request.b64info.is_empty() || !request.b64data.is_empty() {
        let words =
            "b64info and b64data are for binary payloads, and this gateway speaks JSON: give info and data";
        return Err(ErrorReply::BAD_REQUEST.because(words).into());
    }
    if request.overrides.is_some() {
        let words = "override is not available here: the namespace says what a subscription includes";
        return Err(ErrorReply::NOT_AVAILABLE.because(words).into());
    }
    let claims = SubscriptionClaims {
        info: request.info.clone(),
        data: request.data.clone(),
        expire_at: Some(request.expire_at).filter(|at| *at != 0),
        ..SubscriptionClaims::default()
    };
    let resume = request.recover_since.map(|since| Resume { epoch: since.epoch, offset: since.offset });
    let (told, mut heard) = mpsc::unbounded_channel();
    let (channel, claims) = (request.channel.clone(), Box::new(claims));
    parts.gateway.give(whom, &Given { channel, claims, resume, told: Some(told) });
    let all = async {
        while let Some(ended) = heard.recv().await {
            ended?;
        }
        Ok(answer::empty())
    };
    tokio::time::timeout(SUBSCRIBED_WITHIN, all).await.unwrap_or_else(|_| {
        let words = "not every connection of the user is subscribed yet: one of them takes nothing";
        Err(ErrorReply::INTERNAL.because(words).into())
    })
}

pub(super) fn unsubscribe(parts: &Arc<Parts>, request: &Person) -> Answer {
    let whom = target(request.user.as_deref(), &request.client, &request.session, &[])?;
    parts.channels.resolve(&request.channel)?;
    parts.gateway.unsubscribe(whom, &request.channel, &Unsubscribe::SERVER);
    Ok(answer::empty())
}

pub(super) fn disconnect(parts: &Arc<Parts>, request: &Person) -> Answer {
    let whom = target(request.user.as_deref(), &request.client, &request.session, &request.whitelist)?;
    let reason = match &request.disconnect {
        None => Disconnect::FORCE_DISCONNECT,
        Some(given) => {
            let code = u16::try_from(given.code).ok().filter(|code| (3000..5000).contains(code));
            let plain = Disconnect::new(4000, given.reason.clone());
            match code {
                Some(code) if plain.reason == given.reason => Disconnect { code, reason: plain.reason },
                _ => {
                    let words = "disconnect has a code from 3000 to 4999, and a reason of plain words of at most 123 bytes";
                    return Err(ErrorReply::BAD_REQUEST.because(words).into());
                }
            }
        }
    };
    parts.gateway.disconnect(whom, &reason);
    Ok(answer::empty())
}

/// Ends connections as if their token had expired, so that their clients come back with a new one.
pub(super) fn refresh(parts: &Arc<Parts>, request: &Person) -> Answer {
    let whom = target(request.user.as_deref(), &request.client, &request.session, &[])?;
    if !request.expired {
        let words = "clients refresh their tokens themselves; only `expired` is available here";
        return Err(ErrorReply::NOT_AVAILABLE.because(words).into());
    }
    parts.gateway.disconnect(whom, &Disconnect::EXPIRED);
    Ok(answer::empty())
}

fn target<'a>(
    user: Option<&'a str>,
    client: &'a str,
    session: &str,
    except: &'a [String],
) -> Result<Target<'a>, Failure> {
    let Some(user) = user else {
        return Err(ErrorReply::BAD_REQUEST
            .because("there is no user (an empty one means those without a name)")
            .into());
    };
    if !session.is_empty() {
        let words = "connections over WebSocket have no session: aim with client";
        return Err(ErrorReply::BAD_REQUEST.because(words).into());
    }
    let whom = Target::new(user).except(except);
    Ok(if client.is_empty() { whom } else { whom.only(client) })
}
