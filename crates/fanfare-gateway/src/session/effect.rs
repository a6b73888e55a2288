//! What a session wants done, and what it is told when it is done.

use crate::auth::SubscriptionClaims;
use crate::hub::{Membership, Ticket};
use crate::policy::{Caller, ChannelKey, Grant, Publish, Subscribe, Welcome};
use crate::protocol::{ClientInfo, Disconnect, Encoded, ErrorReply, Json, Replies};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;

/// What came out of one step: replies to write, work to start, and perhaps the end.
#[derive(Debug, Default)]
pub(crate) struct Turn {
    pub(crate) replies: Replies,
    pub(crate) effects: Vec<Effect>,
    /// Close with this code, after the replies.
    pub(crate) close: Option<Disconnect>,
    /// End without a close frame.
    pub(crate) is_cut: bool,
}

impl Turn {
    /// Whether there is more in it than replies to be written.
    pub(crate) fn is_to_act_upon(&self) -> bool {
        !self.effects.is_empty() || self.close.is_some() || self.is_cut
    }

    /// The first reason counts.
    pub(super) fn close(&mut self, disconnect: Disconnect) {
        self.close.get_or_insert(disconnect);
    }
}

/// From where a subscription goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Resume {
    pub(crate) epoch: String,
    pub(crate) offset: u64,
}

/// Work for the driver. Each effect is answered by the [`Done`] of the same name.
#[derive(Debug)]
pub(crate) enum Effect {
    /// Ask the application whether the connection may be.
    Open {
        caller: Arc<Caller>,
        data: Option<Json>,
    },
    /// Ask the application, enter the room, then read the head and what was missed.
    Join {
        ticket: Ticket,
        caller: Arc<Caller>,
        request: Subscribe,
        token: Option<Box<SubscriptionClaims>>,
        resume: Option<Resume>,
    },
    /// Read a channel's history; unless a subscription allows it, ask the application first.
    History {
        id: u32,
        caller: Arc<Caller>,
        channel: String,
        /// The subscription that allows it, and its key.
        granted: Option<(Ticket, ChannelKey)>,
        range: HistoryRange,
    },
    /// Ask the application, then look who is present.
    Presence {
        id: u32,
        caller: Arc<Caller>,
        channel: String,
        /// Only how many.
        is_stats: bool,
    },
    Publish {
        id: u32,
        caller: Arc<Caller>,
        request: Publish,
    },
    Rpc {
        id: u32,
        caller: Arc<Caller>,
        method: String,
        data: Json,
    },
    Send {
        caller: Arc<Caller>,
        data: Json,
    },
}

/// Finished work.
#[derive(Debug)]
pub(crate) enum Done {
    Open(Result<Welcome, Disconnect>),
    Join(Ticket, Result<Box<Joined>, ErrorReply>),
    History(u32, Option<Ticket>, Result<History, ErrorReply>),
    Presence(u32, Result<Present, ErrorReply>),
    Publish(u32, Result<(), ErrorReply>),
    Rpc(u32, Result<Json, ErrorReply>),
    Send,
}

/// Who is in a channel.
#[derive(Debug)]
pub(crate) struct Present {
    pub(crate) clients: Vec<Arc<ClientInfo>>,
    pub(crate) is_stats: bool,
}

/// A place in a room, and what the log said after it was taken.
#[derive(Debug)]
pub(crate) struct Joined {
    pub(crate) membership: Membership,
    pub(crate) grant: Grant,
    /// Whether a token of the application made it.
    pub(crate) has_token: bool,
    pub(crate) info: Arc<ClientInfo>,
    pub(crate) epoch: String,
    /// The newest offset.
    pub(crate) top: u64,
    /// What was missed since the position that the client gave, complete; `None` when that cannot be told.
    pub(crate) recovered: Option<Vec<Encoded>>,
    /// Held while `recovered` is in memory.
    pub(crate) reading: Option<OwnedSemaphorePermit>,
}

/// Which part of a history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HistoryRange {
    /// 0: only the position.
    pub(crate) max: usize,
    /// Strictly after this offset; strictly before, in reverse.
    pub(crate) since: Option<Resume>,
    pub(crate) is_reverse: bool,
}

#[derive(Debug)]
pub(crate) struct History {
    pub(crate) publications: Vec<Encoded>,
    pub(crate) offset: u64,
    pub(crate) epoch: String,
    /// Held while `publications` are in memory.
    #[allow(dead_code, reason = "its drop lets the next one be read")]
    pub(crate) reading: Option<OwnedSemaphorePermit>,
}
