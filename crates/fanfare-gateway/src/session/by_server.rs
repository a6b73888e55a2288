//! Subscriptions that the server makes while a connection lives.

use super::effect::{Effect, Joined, Resume, Turn};
use super::subscription::State;
use super::{Now, Phase, Session};
use crate::auth::SubscriptionClaims;
use crate::hub::Ticket;
use crate::policy::Subscribe;
use crate::protocol::{ErrorReply, Unsubscribe};
use std::sync::Arc;
use tokio::sync::mpsc;

/// A channel that the server gives to a connection.
#[derive(Clone, Debug)]
pub(crate) struct Given {
    pub(crate) channel: String,
    /// What the server says of the subscriber, as a token would.
    pub(crate) claims: Box<SubscriptionClaims>,
    pub(crate) resume: Option<Resume>,
    /// Hears of each connection how it ended; of one that goes meanwhile, nothing.
    pub(crate) told: Option<Told>,
}

/// Who waits for subscriptions that were given. It hears once for each connection, which bounds it.
pub(crate) type Told = mpsc::UnboundedSender<Result<(), ErrorReply>>;

/// Says how a subscription that was given ended.
pub(super) fn tell(told: Vec<Told>, ended: &Result<(), ErrorReply>) {
    for told in told {
        // Whoever waited may have stopped to.
        let _ = told.send(ended.clone());
    }
}

impl Session {
    /// Begins a subscription of the server's, unless there is one: then the client is told of it again.
    pub(super) fn give(&mut self, given: Given, turn: &mut Turn) {
        let caller = match &mut self.phase {
            Phase::Connected(caller) => Arc::clone(caller),
            Phase::Connecting(connecting) => Arc::clone(&connecting.caller),
            Phase::Fresh | Phase::Failed => return,
        };
        let found = self.subscriptions.iter_mut().find(|subscription| subscription.channel == given.channel);
        match found.map(|subscription| &mut subscription.state) {
            Some(State::Live(live)) => {
                turn.replies.push_subscribe(&given.channel, &live.as_answered());
                return tell(given.told.into_iter().collect(), &Ok(()));
            }
            // Who gave it waits for the one that is being made.
            Some(State::Joining(joining)) => return joining.told.extend(given.told),
            None => {}
        }
        if self.subscriptions.len() >= self.shared.settings.channels_max {
            tracing::warn!(client = self.client, channel = given.channel, "over its limit of channels");
            return tell(given.told.into_iter().collect(), &Err(ErrorReply::LIMIT_EXCEEDED));
        }
        let Given { channel, claims, resume, told } = given;
        let ticket = self.add_joining(channel.clone(), 0, true, resume.clone());
        if let Some(State::Joining(joining)) =
            self.subscription(ticket).map(|subscription| &mut subscription.state)
        {
            joining.told.extend(told);
        }
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
        let Interruptions { unsubscribed, taken_away, told } = self.interruptions(ticket);
        if let Some(reason) = taken_away {
            tell(told, &Err(reason.as_refusal()));
            // The client has not been told of it yet, and is not now.
            self.subscriptions.retain(|other| other.ticket != ticket);
            return unsubscribed.into_iter().for_each(|id| turn.replies.unsubscribe(id));
        }
        let joined = match result {
            Ok(joined) => joined,
            Err(error) => {
                tracing::warn!(client = self.client, %error, "the server's subscription was refused");
                self.subscriptions.retain(|other| other.ticket != ticket);
                tell(told, &Err(error));
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
                tell(told, &Ok(()));
            }
            Some(Err(disconnect)) => turn.close(disconnect),
            None => {}
        }
        if let Some(id) = unsubscribed {
            self.subscriptions.retain(|other| other.ticket != ticket);
            turn.replies.unsubscribe(id);
        }
    }

    /// What came in while a subscription was being made.
    pub(super) fn interruptions(&mut self, ticket: Ticket) -> Interruptions {
        match self.subscription(ticket).map(|subscription| &mut subscription.state) {
            Some(State::Joining(joining)) => Interruptions {
                unsubscribed: joining.unsubscribed.take(),
                taken_away: joining.taken_away.take(),
                told: std::mem::take(&mut joining.told),
            },
            _ => Interruptions::default(),
        }
    }
}

/// What a subscription that is being made is asked meanwhile.
#[derive(Debug, Default)]
pub(super) struct Interruptions {
    /// An unsubscribe command to answer.
    pub(super) unsubscribed: Option<u32>,
    /// That it is taken away, and why.
    pub(super) taken_away: Option<Unsubscribe>,
    /// Who waits for it.
    pub(super) told: Vec<Told>,
}
