//! Subscribing and unsubscribing.

use super::by_server::{Interruptions, tell};
use super::effect::{Effect, Joined, Resume, Turn};
use super::subscription::{Buffer, Joining, Live, Merged, State, Subscription, merge};
use super::{Now, Session};
use crate::auth::{SubscriptionClaims, TokenError};
use crate::hub::Ticket;
use crate::lifecycle::Subscribed;
use crate::policy::{Caller, Subscribe};
use crate::protocol::{
    Disconnect, ErrorReply, Expiry, Json, SubRefreshRequest, SubscribeRequest, SubscribeResult,
};
use std::sync::Arc;

impl Session {
    pub(super) fn subscribe(
        &mut self,
        id: u32,
        caller: Arc<Caller>,
        request: &SubscribeRequest<'_>,
        now: Now,
        turn: &mut Turn,
    ) {
        if request.channel.is_empty() || !matches!(&*request.delta, "" | "fossil") {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        if let Err(error) = self.may_subscribe(request) {
            return turn.replies.error(id, &error);
        }
        let token = match self.subscription_token(&caller, request, now) {
            Ok(token) => token.map(Box::new),
            Err(Refusal::Error(error)) => return turn.replies.error(id, &error),
            Err(Refusal::Close(disconnect)) => return turn.close(disconnect),
        };
        let resume = request
            .recover
            .then(|| Resume { epoch: request.epoch.clone().into_owned(), offset: request.offset });
        let ticket = self.add_joining(request.channel.clone().into_owned(), id, false, resume.clone());
        if let Some(State::Joining(joining)) =
            self.subscription(ticket).map(|subscription| &mut subscription.state)
        {
            joining.refuses_unrecovered = request.refuses_unrecovered();
        }
        let request = Subscribe {
            channel: request.channel.clone().into_owned(),
            data: request.data.map(Json::from_raw),
            has_token: token.is_some(),
            is_by_server: false,
            wants_join_leave: request.join_leave,
        };
        turn.effects.push(Effect::Join { ticket, caller, request, token, resume });
    }

    /// Always succeeds: both official clients take an error for a broken connection.
    pub(super) fn unsubscribe(&mut self, id: u32, channel: &str, turn: &mut Turn) {
        if channel.is_empty() {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        let found = self.subscriptions.iter_mut().find(|subscription| subscription.channel == channel);
        if let Some(State::Joining(joining)) = found.map(|subscription| &mut subscription.state) {
            // Answered when the subscription is, so that the two cannot overtake each other.
            if let Some(earlier) = joining.unsubscribed.replace(id) {
                turn.replies.unsubscribe(earlier);
            }
            return;
        }
        self.subscriptions.retain(|subscription| subscription.channel != channel);
        turn.replies.unsubscribe(id);
    }

    pub(super) fn joined(
        &mut self,
        ticket: Ticket,
        result: Result<Box<Joined>, ErrorReply>,
        now: Now,
        turn: &mut Turn,
    ) {
        let Some(subscription) = self.subscription(ticket) else { return };
        if subscription.is_server_side {
            return self.server_joined(ticket, result, now, turn);
        }
        let State::Joining(joining) = &mut subscription.state else { return };
        let id = joining.id;
        let refuses = joining.refuses_unrecovered && joining.resume.is_some();
        let Interruptions { unsubscribed, taken_away, told } = self.interruptions(ticket);
        let result = match taken_away {
            // Whoever took it away was answered: what was read meanwhile may be newer than that answer.
            Some(reason) => Err(reason.as_refusal()),
            None => result.and_then(|joined| {
                if refuses && joined.recovered.is_none() {
                    Err(ErrorReply::UNRECOVERABLE_POSITION)
                } else {
                    Ok(joined)
                }
            }),
        };
        match result {
            Err(error) => {
                self.subscriptions.retain(|other| other.ticket != ticket);
                turn.replies.error(id, &error);
                tell(told, &Err(error));
            }
            Ok(joined) => match self.go_live(ticket, *joined, now) {
                Some(Ok((_, result))) => {
                    turn.replies.subscribe(id, &result);
                    self.announce(ticket);
                    tell(told, &Ok(()));
                }
                Some(Err(disconnect)) => turn.close(disconnect),
                None => {}
            },
        }
        if let Some(id) = unsubscribed {
            self.subscriptions.retain(|other| other.ticket != ticket);
            turn.replies.unsubscribe(id);
        }
    }

    pub(super) fn sub_refresh(
        &mut self,
        id: u32,
        request: &SubRefreshRequest<'_>,
        now: Now,
        turn: &mut Turn,
    ) {
        if request.channel.is_empty() {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        if request.token.is_empty() {
            return turn.replies.error(id, &ErrorReply::BAD_REQUEST);
        }
        let user = self.caller().map(|caller| caller.user.clone());
        let grace = self.shared.settings.expiry_grace;
        let verified =
            self.shared.verifier.as_ref().map(|verifier| verifier.subscription(&request.token, now.unix));
        let found =
            self.subscriptions.iter_mut().find(|subscription| subscription.channel == request.channel);
        let Some(State::Live(live)) = found.map(|subscription| &mut subscription.state) else {
            return turn.replies.error(id, &ErrorReply::PERMISSION_DENIED);
        };
        match verified {
            Some(Ok(claims)) if Some(&claims.user) == user.as_ref() && claims.channel == request.channel => {
                let expires_at = claims.expires_at();
                live.ends_at = expires_at.map(|at| Self::steady_at(at, now) + grace);
                self.has_expiring |= expires_at.is_some();
                turn.replies.sub_refresh(id, Expiry(expires_at.map(|at| at.saturating_sub(now.unix))));
            }
            // An error would end the subscription for good: it ends now, and its client comes back with a fresh token.
            Some(Err(TokenError::Expired)) => {
                live.ends_at = Some(now.steady);
                self.has_expiring = true;
                turn.replies.sub_refresh(id, Expiry(Some(1)));
                self.expire_subscriptions(now, turn);
            }
            _ => turn.close(Disconnect::INVALID_TOKEN),
        }
    }

    pub(super) fn add_joining(
        &mut self,
        channel: String,
        id: u32,
        is_server_side: bool,
        resume: Option<Resume>,
    ) -> Ticket {
        self.next_ticket += 1;
        let ticket = Ticket(self.next_ticket);
        let state = State::Joining(Joining {
            id,
            resume,
            refuses_unrecovered: false,
            buffer: Buffer::default(),
            unsubscribed: None,
            taken_away: None,
            told: Vec::new(),
        });
        self.subscriptions.push(Subscription { channel, ticket, is_server_side, state });
        ticket
    }

    /// Makes a subscription live: what the log gave and what came meanwhile become one answer.
    pub(super) fn go_live(
        &mut self,
        ticket: Ticket,
        mut joined: Joined,
        now: Now,
    ) -> Option<Result<(String, SubscribeResult), Disconnect>> {
        let grace = self.shared.settings.expiry_grace;
        let lifecycle = self.shared.lifecycle.clone();
        let subscription = self.subscription(ticket)?;
        let State::Joining(joining) = &mut subscription.state else { return None };
        let buffer = std::mem::take(&mut joining.buffer);
        let resume = joining.resume.take();
        let merged = merge(&mut joined, buffer, resume.as_ref());
        let grant = joined.grant;
        let expires_at = grant.expires_at.map(|at| u64::try_from(at.as_second()).unwrap_or(0));
        let mut result = SubscribeResult {
            expiry: Expiry(expires_at.map(|at| at.saturating_sub(now.unix))),
            was_recovering: resume.is_some(),
            data: grant.data.clone(),
            ..SubscribeResult::default()
        };
        let offset = match merged {
            Merged::Gap => return Some(Err(Disconnect::INSUFFICIENT_STATE)),
            Merged::Recovered(offset) => {
                // The client moves forward from where it stood while it delivers what it missed.
                result.offset = resume.map_or(offset, |resume| resume.offset);
                result.recovered = joined.recovered;
                offset
            }
            Merged::Fresh(offset) => {
                result.offset = offset;
                offset
            }
        };
        if grant.is_recoverable {
            result.is_recoverable = true;
            result.epoch.clone_from(&joined.epoch);
        } else {
            (result.offset, result.recovered) = (0, None);
        }
        subscription.state = State::Live(Box::new(Live {
            membership: joined.membership,
            grant,
            has_token: joined.has_token,
            _told: lifecycle
                .map(|lifecycle| Subscribed::new(&lifecycle, &joined.info, &subscription.channel)),
            info: joined.info,
            epoch: joined.epoch,
            offset,
            ends_at: expires_at.map(|at| Self::steady_at(at, now) + grace),
        }));
        let channel = subscription.channel.clone();
        self.has_expiring |= expires_at.is_some();
        Some(Ok((channel, result)))
    }

    pub(super) fn announce_all(&mut self) {
        let tickets: Vec<Ticket> =
            self.subscriptions.iter().map(|subscription| subscription.ticket).collect();
        tickets.into_iter().for_each(|ticket| self.announce(ticket));
    }

    /// Tells the room, after the answer was written.
    pub(super) fn announce(&mut self, ticket: Ticket) {
        if let Some(State::Live(live)) = self.subscription(ticket).map(|subscription| &mut subscription.state)
            && live.grant.has_join_leave
        {
            live.membership.announce(Arc::clone(&live.info));
        }
    }

    fn may_subscribe(&self, request: &SubscribeRequest<'_>) -> Result<(), ErrorReply> {
        let settings = &self.shared.settings;
        if request.channel.len() > settings.channel_name_max || !request.channel.is_ascii() {
            Err(ErrorReply::BAD_REQUEST)
        } else if self.subscriptions.iter().any(|subscription| subscription.channel == request.channel) {
            Err(ErrorReply::ALREADY_SUBSCRIBED)
        } else if self.subscriptions.len() >= settings.channels_max {
            Err(ErrorReply::LIMIT_EXCEEDED)
        } else if request.kind != 0 {
            Err(ErrorReply::NOT_AVAILABLE)
        } else {
            Ok(())
        }
    }

    fn subscription_token(
        &self,
        caller: &Caller,
        request: &SubscribeRequest<'_>,
        now: Now,
    ) -> Result<Option<SubscriptionClaims>, Refusal> {
        if request.token.is_empty() {
            return Ok(None);
        }
        let verifier = self.shared.verifier.as_ref().ok_or(Refusal::Error(ErrorReply::PERMISSION_DENIED))?;
        let claims = verifier.subscription(&request.token, now.unix).map_err(|error| match error {
            TokenError::Expired => Refusal::Error(ErrorReply::TOKEN_EXPIRED),
            TokenError::Invalid(_) => Refusal::Error(ErrorReply::PERMISSION_DENIED),
        })?;
        let is_ours = claims.user == caller.user
            && claims.channel == request.channel
            && (claims.client.is_empty() || claims.client == caller.client);
        if is_ours { Ok(Some(claims)) } else { Err(Refusal::Close(Disconnect::INVALID_TOKEN)) }
    }
}

enum Refusal {
    Error(ErrorReply),
    Close(Disconnect),
}
