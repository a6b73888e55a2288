//! Subscriptions that the server makes while a connection lives.

use super::effect::{Effect, Joined, Resume, Turn};
use super::subscription::State;
use super::{Now, Phase, Session};
use crate::auth::SubscriptionClaims;
use crate::hub::Ticket;
use crate::policy::Subscribe;
use crate::protocol::{ErrorReply, Unsubscribe};
use std::sync::Arc;

/// A channel that the server gives to a connection.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) channel: String,
    /// What the server says of the subscriber, as a token would.
    pub(crate) claims: Box<SubscriptionClaims>,
    pub(crate) resume: Option<Resume>,
}

impl Session {
    /// Begins a subscription of the server's, unless there is one: then the client is told of it again.
    pub(super) fn give(&mut self, given: Given, turn: &mut Turn) {
        let caller = match &mut self.phase {
            Phase::Connected(caller) => Arc::clone(caller),
            Phase::Connecting(connecting) => Arc::clone(&connecting.caller),
            Phase::Fresh | Phase::Failed => return,
        };
        if self.subscriptions.iter().any(|subscription| subscription.channel == given.channel) {
            if let Some(live) = self.live(&given.channel) {
                turn.replies.push_subscribe(&given.channel, &live.as_answered());
            }
            return;
        }
        if self.subscriptions.len() >= self.shared.settings.channels_max {
            tracing::warn!(client = self.client, channel = given.channel, "over its limit of channels");
            return;
        }
        let Given { channel, claims, resume } = given;
        let ticket = self.add_joining(channel.clone(), 0, true, resume.clone());
        if let Phase::Connecting(connecting) = &mut self.phase {
            connecting.waiting += 1;
        }
        let request =
            Subscribe { channel, data: None, has_token: true, is_by_server: true, wants_join_leave: false };
        turn.effects.push(Effect::Join { ticket, caller, request, token: Some(claims), resume });
    }

    /// A subscription that the server gave to a living connection is answered.
    pub(super) fn given(
        &mut self,
        ticket: Ticket,
        result: Result<Box<Joined>, ErrorReply>,
        now: Now,
        turn: &mut Turn,
    ) {
        let (unsubscribed, taken_away) = self.interruptions(ticket);
        if taken_away.is_some() {
            // The client has not been told of it yet, and is not now.
            self.subscriptions.retain(|other| other.ticket != ticket);
            return unsubscribed.into_iter().for_each(|id| turn.replies.unsubscribe(id));
        }
        let joined = match result {
            Ok(joined) => joined,
            Err(error) => {
                tracing::warn!(client = self.client, %error, "the server's subscription was refused");
                self.subscriptions.retain(|other| other.ticket != ticket);
                return unsubscribed.into_iter().for_each(|id| turn.replies.unsubscribe(id));
            }
        };
        match self.go_live(ticket, *joined, now) {
            Some(Ok((channel, mut result))) => {
                // Clients take no publications from such a push: what was missed comes behind it, as if it were live.
                let missed = result.recovered.take().unwrap_or_default();
                turn.replies.push_subscribe(&channel, &result);
                missed.iter().for_each(|publication| turn.replies.frame(&publication.frame));
                self.announce(ticket);
            }
            Some(Err(disconnect)) => turn.close(disconnect),
            None => {}
        }
        if let Some(id) = unsubscribed {
            self.subscriptions.retain(|other| other.ticket != ticket);
            turn.replies.unsubscribe(id);
        }
    }

    /// What came in while a subscription was being made: an unsubscribe command to answer, or that it is taken away.
    pub(super) fn interruptions(&mut self, ticket: Ticket) -> (Option<u32>, Option<Unsubscribe>) {
        match self.subscription(ticket).map(|subscription| &mut subscription.state) {
            Some(State::Joining(joining)) => (joining.unsubscribed.take(), joining.taken_away.take()),
            _ => (None, None),
        }
    }
}
