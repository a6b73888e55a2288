//! One connection as a state machine.
//!
//! Commands, finished work, queued items and the passing of time go in; replies, work to start and a reason to close
//! come out in a [`Turn`]. Nothing here waits, reads a clock or touches a socket, so that a connection's whole life can
//! be tested as data. The one side effect is that a dropped [`crate::hub::Membership`] leaves its room.
//!
//! ```text
//!          connect                     every channel answered
//! Fresh ------------> Connecting ------------------------------> Connected
//!   | connect timeout     | refused by an error                     |
//!   v                     v                                         v
//! close 3502            Failed (nothing is answered, 5 s, cut)     close with a code
//! ```

mod by_server;
mod commands;
mod connect;
mod effect;
mod rate;
mod subscribe;
mod subscription;
#[cfg(test)]
mod tests;
mod timers;

pub(crate) use by_server::Given;
pub(crate) use effect::{Done, Effect, History, HistoryRange, Joined, Present, Resume, Turn};

use crate::auth::{SubscriptionClaims, Verifier};
use crate::hub::{Item, Ticket};
use crate::lifecycle::{Connected, Lifecycle};
use crate::policy::Caller;
use crate::protocol::{Disconnect, Json, Unsubscribe};
use crate::settings::Settings;
use rate::Buckets;
use std::sync::Arc;
use std::time::Duration;
use subscription::{Live, State, Subscription};
use timers::Timers;

/// What every session of a gateway shares.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) settings: Settings,
    pub(crate) verifier: Option<Verifier>,
    pub(crate) allows_anonymous: bool,
    /// Whether there is any RPC handler: without one the answer is "not available" rather than "method not found".
    pub(crate) has_rpc: bool,
    pub(crate) handles_send: bool,
    /// Where beginnings and ends are told, when anybody wants to know.
    pub(crate) lifecycle: Option<Arc<Lifecycle>>,
}

/// The time: steady for what lasts, and of the calendar (seconds since 1970) for tokens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Now {
    pub(crate) steady: Duration,
    pub(crate) unix: u64,
}

/// One connection.
#[derive(Debug)]
pub(crate) struct Session {
    shared: Arc<Shared>,
    client: String,
    phase: Phase,
    subscriptions: Vec<Subscription>,
    next_ticket: u64,
    calls_in_flight: usize,
    /// Sends that are being worked on.
    sends_in_flight: usize,
    timers: Timers,
    buckets: Buckets,
    /// Whether any subscription has had an end: most connections need not look for one at every turn.
    has_expiring: bool,
    /// When the connection's token runs out, in seconds since 1970.
    expires_at: Option<u64>,
    /// The channels that the connection's token gives it, in order.
    token_channels: Vec<String>,
    /// Tells of the end when it is dropped; the last field, so that subscriptions end before.
    connected: Option<Connected>,
}

#[derive(Debug)]
enum Phase {
    Fresh,
    Connecting(Box<Connecting>),
    Connected(Arc<Caller>),
    Failed,
}

/// A connect command that is not answered yet.
#[derive(Debug)]
struct Connecting {
    id: u32,
    caller: Arc<Caller>,
    data: Option<Json>,
    /// Channels that the connection's token gives it.
    given: Vec<(String, Box<SubscriptionClaims>)>,
    resumes: Vec<(String, Resume)>,
    /// Server-side subscriptions whose answer is still to come.
    waiting: usize,
    joined: Vec<(Ticket, Joined)>,
    /// What the joined ones recovered, in bytes.
    recovered_bytes: usize,
}

impl Session {
    /// `jitter` (0 to 1) spreads the first pings of connections that came together.
    pub(crate) fn new(shared: Arc<Shared>, client: String, jitter: f64, now: Now) -> Self {
        let timers = Timers::new(now.steady, shared.settings.connect_timeout, jitter);
        let buckets = Buckets::new(&shared.settings.rates, now.steady);
        Self {
            shared,
            client,
            phase: Phase::Fresh,
            subscriptions: Vec::new(),
            next_ticket: 0,
            calls_in_flight: 0,
            sends_in_flight: 0,
            timers,
            buckets,
            has_expiring: false,
            expires_at: None,
            token_channels: Vec::new(),
            connected: None,
        }
    }

    /// Why it ends. To be called at most once, before it is dropped.
    pub(crate) fn ends(&mut self, reason: &Disconnect) {
        if let Some(connected) = &mut self.connected {
            connected.because(reason);
        }
    }

    /// Whether commands must wait: a connect is being worked on, or as many sends as may be.
    pub(crate) fn is_waiting(&self) -> bool {
        matches!(self.phase, Phase::Connecting(_)) || self.is_full()
    }

    fn is_full(&self) -> bool {
        self.sends_in_flight >= self.shared.settings.calls_in_flight_max
    }

    /// Whether anything may still be answered.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.phase, Phase::Failed)
    }

    /// Who it is, once connected.
    pub(crate) fn caller(&self) -> Option<&Arc<Caller>> {
        match &self.phase {
            Phase::Connected(caller) => Some(caller),
            Phase::Connecting(connecting) => Some(&connecting.caller),
            Phase::Fresh | Phase::Failed => None,
        }
    }

    /// When [`Session::tick`] wants to be called next.
    pub(crate) fn deadline(&self) -> Duration {
        if !self.has_expiring {
            return self.timers.deadline();
        }
        let expiries = self.subscriptions.iter().filter_map(|subscription| subscription.deadline());
        expiries.fold(self.timers.deadline(), Duration::min)
    }

    /// Looks at what is due.
    pub(crate) fn tick(&mut self, now: Now, turn: &mut Turn) {
        // The pong of a peer that is not listened to may be among what it sent.
        let fired = self.timers.fire(now.steady, &self.shared.settings, !self.is_full());
        match fired {
            timers::Fired::Nothing => {}
            timers::Fired::Ping => turn.replies.ping(),
            timers::Fired::Close(disconnect) => turn.close(disconnect),
            timers::Fired::Cut => turn.is_cut = true,
        }
        self.expire_subscriptions(now, turn);
    }

    /// Takes what the hub has queued.
    pub(crate) fn item(&mut self, item: Item, turn: &mut Turn) {
        match item {
            Item::Publications(ticket, batch) => {
                let Some(subscription) = self.subscription(ticket) else { return };
                match subscription.publications(&batch) {
                    subscription::Verdict::All => turn.replies.frame(&batch.frame),
                    subscription::Verdict::Skip(skipped) => {
                        for publication in batch.publications.iter().skip(skipped) {
                            turn.replies.frame(&publication.frame);
                        }
                    }
                    subscription::Verdict::Gap => self.insufficient(ticket, turn),
                }
            }
            Item::Told(ticket, frame) => {
                if self.is_live(ticket) {
                    turn.replies.frame(&frame);
                }
            }
            Item::Lost(ticket) => self.insufficient(ticket, turn),
            Item::Message(data) => turn.replies.push_message(&data),
            Item::Unsubscribe(channel, reason) => self.take_away(&channel, &reason, turn),
            Item::Subscribe(given) => self.give(*given, turn),
        }
    }

    /// A subscription that cannot know any more that it is complete. A client subscribes again by itself and recovers; of
    /// a server-side subscription it would not, so that the whole connection comes back.
    fn insufficient(&mut self, ticket: Ticket, turn: &mut Turn) {
        let Some(subscription) = self.subscription(ticket) else { return };
        match &mut subscription.state {
            State::Joining(joining) => joining.buffer.lose(),
            State::Live(_) if subscription.is_server_side => turn.close(Disconnect::INSUFFICIENT_STATE),
            State::Live(_) => {
                turn.replies.push_unsubscribe(&subscription.channel, &Unsubscribe::INSUFFICIENT_STATE);
                self.subscriptions.retain(|other| other.ticket != ticket);
            }
        }
    }

    fn take_away(&mut self, channel: &str, reason: &Unsubscribe, turn: &mut Turn) {
        let Some(subscription) = self.subscriptions.iter_mut().find(|other| other.channel == channel) else {
            return;
        };
        match &mut subscription.state {
            State::Joining(joining) => {
                joining.taken_away = Some(reason.clone());
                // Nothing of it will be told.
                joining.buffer.lose();
            }
            State::Live(_) => {
                turn.replies.push_unsubscribe(channel, reason);
                self.subscriptions.retain(|other| other.channel != channel);
            }
        }
    }

    fn expire_subscriptions(&mut self, now: Now, turn: &mut Turn) {
        let mut index = 0;
        while let Some(subscription) = self.subscriptions.get(index) {
            if subscription.deadline().is_none_or(|deadline| deadline > now.steady) {
                index += 1;
            } else if subscription.is_server_side {
                return turn.close(Disconnect::SUBSCRIPTION_EXPIRED);
            } else {
                turn.replies.push_unsubscribe(&subscription.channel, &Unsubscribe::EXPIRED);
                self.subscriptions.remove(index);
            }
        }
    }

    fn subscription(&mut self, ticket: Ticket) -> Option<&mut Subscription> {
        // Tickets only grow, and subscriptions stand in the order in which they were made.
        let at = self.subscriptions.binary_search_by_key(&ticket, |subscription| subscription.ticket).ok()?;
        self.subscriptions.get_mut(at)
    }

    fn is_live(&mut self, ticket: Ticket) -> bool {
        self.subscription(ticket).is_some_and(|subscription| matches!(subscription.state, State::Live(_)))
    }

    fn live(&self, channel: &str) -> Option<&Live> {
        self.live_ticket(channel).map(|(_, live)| live)
    }

    fn live_ticket(&self, channel: &str) -> Option<(Ticket, &Live)> {
        let found = self.subscriptions.iter().find(|subscription| subscription.channel == channel)?;
        match &found.state {
            State::Live(live) => Some((found.ticket, live)),
            State::Joining(_) => None,
        }
    }

    /// How far in the future a time of the calendar lies on the steady clock.
    fn steady_at(unix: u64, now: Now) -> Duration {
        now.steady + Duration::from_secs(unix.saturating_sub(now.unix))
    }
}
