//! Connecting: the token, the application's word, the server's own subscriptions; and staying connected.

use super::by_server::{Interruptions, tell};
use super::effect::{Effect, Joined, Resume, Turn};
use super::{Connecting, Now, Phase, Session};
use crate::auth::{SubscriptionClaims, TokenError};
use crate::hub::Ticket;
use crate::lifecycle::Connected;
use crate::policy::{Caller, Subscribe, Welcome};
use crate::protocol::{ConnectRequest, ConnectResult, Disconnect, ErrorReply, Expiry, Json, SubscribeResult};
use std::sync::Arc;

impl Session {
    pub(super) fn connect(&mut self, id: u32, request: &ConnectRequest<'_>, now: Now, turn: &mut Turn) {
        let (caller, given) = match self.authenticate(&request.token, now) {
            Ok((caller, given)) => (Arc::new(caller), given),
            Err(Refusal::Close(disconnect)) => return turn.close(disconnect),
            Err(Refusal::Error(error)) => return self.fail(id, &error, now, turn),
        };
        tracing::debug!(
            client = self.client, user = caller.user, sdk = %request.name, version = %request.version, "connecting"
        );
        let resumes = request.subs.iter().filter(|(_, sub)| sub.recover);
        let resumes = resumes.map(|(channel, sub)| {
            (channel.to_string(), Resume { epoch: sub.epoch.to_string(), offset: sub.offset })
        });
        self.phase = Phase::Connecting(Box::new(Connecting {
            id,
            caller: Arc::clone(&caller),
            data: None,
            given,
            resumes: resumes.collect(),
            waiting: 0,
            joined: Vec::new(),
            recovered_bytes: 0,
        }));
        turn.effects.push(Effect::Open { caller, data: request.data.map(Json::from_raw) });
    }

    pub(super) fn opened(&mut self, result: Result<Welcome, Disconnect>, now: Now, turn: &mut Turn) {
        let welcome = match result {
            Ok(welcome) => welcome,
            Err(disconnect) => return turn.close(disconnect),
        };
        let Phase::Connecting(mut connecting) = std::mem::replace(&mut self.phase, Phase::Fresh) else {
            return;
        };
        connecting.data = welcome.data;
        let mut channels: Vec<_> =
            connecting.given.drain(..).map(|(channel, claims)| (channel, Some(claims))).collect();
        for channel in welcome.channels {
            if channels.iter().all(|(other, _)| *other != channel) {
                channels.push((channel, None));
            }
        }
        if channels.len() > self.shared.settings.channels_max {
            return turn.close(Disconnect::CHANNEL_LIMIT);
        }
        for (channel, token) in channels {
            let resume = connecting.resumes.iter().find(|(resumed, _)| *resumed == channel);
            let resume = resume.map(|(_, resume)| resume.clone());
            let ticket = self.add_joining(channel.clone(), 0, true, resume.clone());
            connecting.waiting += 1;
            let request = Subscribe {
                channel,
                data: None,
                has_token: token.is_some(),
                is_by_server: true,
                wants_join_leave: false,
            };
            let caller = Arc::clone(&connecting.caller);
            turn.effects.push(Effect::Join { ticket, caller, request, token, resume });
        }
        self.phase = Phase::Connecting(connecting);
        self.finish_connecting(now, turn);
    }

    /// One of the server's own subscriptions is answered.
    pub(super) fn server_joined(
        &mut self,
        ticket: Ticket,
        result: Result<Box<Joined>, ErrorReply>,
        now: Now,
        turn: &mut Turn,
    ) {
        let Phase::Connecting(connecting) = &mut self.phase else {
            return self.given(ticket, result, now, turn);
        };
        match result {
            Ok(mut joined) => {
                connecting.waiting -= 1;
                // All of them wait for one answer: together they may have what one recovery may have.
                joined.reading = None;
                let recovered = joined.recovered.iter().flatten();
                connecting.recovered_bytes +=
                    recovered.map(|publication| publication.body().len()).sum::<usize>();
                if connecting.recovered_bytes > self.shared.settings.publications_bytes_max {
                    joined.recovered = None;
                }
                connecting.joined.push((ticket, *joined));
                self.finish_connecting(now, turn);
            }
            Err(error) => {
                let id = connecting.id;
                self.fail(id, &error, now, turn);
            }
        }
    }

    fn finish_connecting(&mut self, now: Now, turn: &mut Turn) {
        let connecting = match std::mem::replace(&mut self.phase, Phase::Fresh) {
            Phase::Connecting(connecting) if connecting.waiting == 0 => connecting,
            other => return self.phase = other,
        };
        self.connected =
            self.shared.lifecycle.as_ref().map(|lifecycle| Connected::new(lifecycle, &connecting.caller));
        let mut subs: Vec<(String, SubscribeResult)> = Vec::with_capacity(connecting.joined.len());
        for (ticket, joined) in connecting.joined {
            // A channel that was taken away meanwhile is left out, and what was read of it is dropped.
            let Interruptions { taken_away, told, .. } = self.interruptions(ticket);
            if let Some(reason) = taken_away {
                tell(told, &Err(reason.as_refusal()));
                self.subscriptions.retain(|other| other.ticket != ticket);
                continue;
            }
            match self.go_live(ticket, joined, now) {
                Some(Ok(sub)) => {
                    tell(told, &Ok(()));
                    subs.push(sub);
                }
                Some(Err(disconnect)) => return turn.close(disconnect),
                None => {}
            }
        }
        self.timers.connected(now.steady, &self.shared.settings);
        let expiry = self.set_expiry(self.expires_at, now);
        turn.replies.connect(
            connecting.id,
            &ConnectResult {
                client: &self.client,
                version: concat!("fanfare ", env!("CARGO_PKG_VERSION")),
                data: connecting.data.as_ref(),
                expiry,
                ping_seconds: self.shared.settings.ping_interval.as_secs(),
                subs: &subs,
            },
        );
        self.phase = Phase::Connected(connecting.caller);
        self.announce_all();
    }

    pub(super) fn refresh(&mut self, id: u32, token: &str, now: Now, turn: &mut Turn) {
        let Some(verifier) = self.shared.verifier.as_ref().filter(|_| !token.is_empty()) else {
            return turn.close(Disconnect::BAD_REQUEST);
        };
        match verifier.verify(token, now.unix) {
            Ok(claims) if self.caller().is_some_and(|caller| caller.user == claims.user) => {
                if claims.given().iter().map(|(channel, _)| channel).ne(&self.token_channels) {
                    // It comes back with the new token, and so with the new channels.
                    return turn.close(Disconnect::INSUFFICIENT_STATE);
                }
                self.expires_at = claims.expires_at();
                let expiry = self.set_expiry(self.expires_at, now);
                turn.replies.refresh(id, expiry);
            }
            Err(TokenError::Expired) => turn.close(Disconnect::EXPIRED),
            Ok(_) | Err(TokenError::Invalid(_)) => turn.close(Disconnect::INVALID_TOKEN),
        }
    }

    fn authenticate(&mut self, token: &str, now: Now) -> Result<(Caller, Given), Refusal> {
        let client = self.client.clone();
        if token.is_empty() {
            if !self.shared.allows_anonymous {
                return Err(Refusal::Close(Disconnect::BAD_REQUEST));
            }
            return Ok((Caller { user: String::new(), client, info: None, meta: None }, Given::new()));
        }
        let Some(verifier) = &self.shared.verifier else {
            return Err(Refusal::Close(Disconnect::INVALID_TOKEN));
        };
        let claims = verifier.verify(token, now.unix).map_err(|error| {
            tracing::info!(client, %error, "connect refused");
            match error {
                TokenError::Expired => Refusal::Error(ErrorReply::TOKEN_EXPIRED),
                TokenError::Invalid(_) => Refusal::Close(Disconnect::INVALID_TOKEN),
            }
        })?;
        self.expires_at = claims.expires_at();
        if self.expires_at.is_some_and(|at| at <= now.unix) {
            return Err(Refusal::Error(ErrorReply::EXPIRED));
        }
        let given = claims.given();
        self.token_channels = given.iter().map(|(channel, _)| channel.clone()).collect();
        Ok((Caller { user: claims.user, client, info: claims.info, meta: claims.meta }, given))
    }

    /// Answers a connect with an error. The connection is of no use afterwards; its client closes it.
    fn fail(&mut self, id: u32, error: &ErrorReply, now: Now, turn: &mut Turn) {
        turn.replies.error(id, error);
        self.phase = Phase::Failed;
        self.subscriptions.clear();
        self.timers.failed(now.steady);
    }

    fn set_expiry(&mut self, expires_at: Option<u64>, now: Now) -> Expiry {
        let grace = self.shared.settings.expiry_grace;
        self.timers.expire_at(expires_at.map(|at| Self::steady_at(at, now) + grace));
        Expiry(expires_at.map(|at| at.saturating_sub(now.unix)))
    }
}

/// Channels that a token gives, and what it says of the subscriber.
type Given = Vec<(String, Box<SubscriptionClaims>)>;

/// A connect command can be refused in two ways.
enum Refusal {
    Error(ErrorReply),
    Close(Disconnect),
}
