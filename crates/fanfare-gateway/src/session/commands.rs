//! Dispatch of commands, and those that need no state of their own.

use super::effect::{Effect, HistoryRange, Present, Resume, Turn};
use super::rate::Operation;
use super::{Now, Phase, Session};
use crate::policy::{Caller, Publish};
use crate::protocol::{
    Command, Disconnect, ErrorReply, HistoryRequest, Json, PublishRequest, Replies, Request, RpcRequest,
};
use crate::session::Done;
use serde_json::value::RawValue;
use std::collections::HashSet;
use std::sync::Arc;

impl Session {
    /// Takes one command. Nothing may follow a turn that closes, nor come while [`Session::is_waiting`].
    pub(crate) fn command(&mut self, command: Command<'_>, now: Now, turn: &mut Turn) {
        if self.has_failed() {
            return;
        }
        let Command { id, request } = command;
        let Some(caller) = self.connected() else {
            return match request {
                Some(Request::Connect(request)) if id != 0 => self.connect(id, &request, now, turn),
                _ => turn.close(Disconnect::BAD_REQUEST),
            };
        };
        if let Some(operation) = request.as_ref().and_then(counted)
            && !self.buckets.take(operation, now.steady)
        {
            return match operation {
                Operation::Send => turn.close(Disconnect::TOO_MANY_REQUESTS),
                _ => turn.replies.error(id, &ErrorReply::TOO_MANY_REQUESTS),
            };
        }
        match request {
            Some(Request::Send(data)) => self.send(caller, data, turn),
            // An empty command is the answer to a ping. Unasked it is an offence, since it could keep a dead link alive.
            _ if id == 0 => {
                if !self.timers.pong() {
                    turn.close(Disconnect::BAD_REQUEST);
                }
            }
            None | Some(Request::Connect(_)) => turn.close(Disconnect::BAD_REQUEST),
            Some(Request::Subscribe(request)) => self.subscribe(id, caller, &request, now, turn),
            Some(Request::Unsubscribe(request)) => self.unsubscribe(id, &request.channel, turn),
            Some(Request::Publish(request)) => self.publish(id, caller, &request, turn),
            Some(Request::Presence(request)) => self.presence(id, caller, &request.channel, false, turn),
            Some(Request::PresenceStats(request)) => self.presence(id, caller, &request.channel, true, turn),
            Some(Request::History(request)) => self.history(id, caller, &request, turn),
            Some(Request::Ping) => turn.replies.pong(id),
            Some(Request::Rpc(request)) => self.rpc(id, caller, &request, turn),
            Some(Request::Refresh(request)) => self.refresh(id, &request.token, now, turn),
            Some(Request::SubRefresh(request)) => self.sub_refresh(id, &request, now, turn),
        }
    }

    /// Takes finished work.
    pub(crate) fn done(&mut self, done: Done, now: Now, turn: &mut Turn) {
        match done {
            Done::Open(result) => self.opened(result, now, turn),
            Done::Join(ticket, result) => self.joined(ticket, result, now, turn),
            // What a subscription allowed it allows no longer once it has ended.
            Done::History(id, Some(by), _) if !self.is_live(by) => {
                self.called(id, Err(ErrorReply::PERMISSION_DENIED), turn, |_, ()| ());
            }
            Done::History(id, _, result) => self.called(id, result, turn, |replies, history| {
                replies.history(id, &history.publications, history.offset, &history.epoch);
            }),
            Done::Presence(id, result) => self.called(id, result, turn, |replies, present| {
                replies_present(replies, id, &present);
            }),
            Done::Publish(id, result) => self.called(id, result, turn, |replies, ()| replies.publish(id)),
            Done::Rpc(id, result) => {
                self.called(id, result, turn, |replies, data| replies.rpc(id, Some(&data)))
            }
            Done::Send => self.sends_in_flight = self.sends_in_flight.saturating_sub(1),
        }
    }

    fn connected(&self) -> Option<Arc<Caller>> {
        match &self.phase {
            Phase::Connected(caller) => Some(Arc::clone(caller)),
            Phase::Fresh | Phase::Connecting(_) | Phase::Failed => None,
        }
    }

    fn rpc(&mut self, id: u32, caller: Arc<Caller>, request: &RpcRequest<'_>, turn: &mut Turn) {
        if !self.shared.has_rpc {
            return turn.replies.error(id, &ErrorReply::NOT_AVAILABLE);
        }
        let data = request.data.map_or_else(Json::null, Json::from_raw);
        self.call(id, turn, Effect::Rpc { id, caller, method: request.method.clone().into_owned(), data });
    }

    fn send(&mut self, caller: Arc<Caller>, data: Option<&RawValue>, turn: &mut Turn) {
        if self.shared.handles_send {
            self.sends_in_flight += 1;
            turn.effects.push(Effect::Send { caller, data: data.map_or_else(Json::null, Json::from_raw) });
        } else {
            turn.close(Disconnect::NOT_AVAILABLE);
        }
    }

    fn publish(&mut self, id: u32, caller: Arc<Caller>, request: &PublishRequest<'_>, turn: &mut Turn) {
        if request.channel.is_empty() {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        let Some(data) = request.data.map(Json::from_raw) else {
            return turn.replies.error(id, &ErrorReply::BAD_REQUEST);
        };
        let live = self.live(&request.channel);
        let request = Publish {
            is_subscribed: live.is_some(),
            has_token: live.is_some_and(|live| live.has_token),
            channel: request.channel.clone().into_owned(),
            data,
        };
        self.call(id, turn, Effect::Publish { id, caller, request });
    }

    fn history(&mut self, id: u32, caller: Arc<Caller>, request: &HistoryRequest<'_>, turn: &mut Turn) {
        if request.channel.is_empty() {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        let since = request
            .since
            .as_ref()
            .map(|since| Resume { epoch: since.epoch.to_string(), offset: since.offset });
        if request.reverse && since.as_ref().is_some_and(|since| since.offset == 0) {
            return turn.replies.error(id, &ErrorReply::BAD_REQUEST);
        }
        let max = self.shared.settings.publications_max;
        let max = usize::try_from(request.limit).map_or(max, |limit| limit.min(max));
        let range = HistoryRange { max, since, is_reverse: request.reverse };
        let granted = self.live_ticket(&request.channel).filter(|(_, live)| live.grant.has_history);
        let granted = granted.map(|(ticket, live)| (ticket, live.grant.key.clone()));
        let channel = request.channel.clone().into_owned();
        self.call(id, turn, Effect::History { id, caller, channel, granted, range });
    }

    fn presence(&mut self, id: u32, caller: Arc<Caller>, channel: &str, is_stats: bool, turn: &mut Turn) {
        if channel.is_empty() {
            return turn.close(Disconnect::BAD_REQUEST);
        }
        if let Some(live) = self.live(channel).filter(|live| live.grant.reads_presence) {
            let present = Present { clients: live.membership.present(), is_stats };
            return replies_present(&mut turn.replies, id, &present);
        }
        self.call(id, turn, Effect::Presence { id, caller, channel: channel.to_owned(), is_stats });
    }

    /// Starts a call, unless too many are being worked on.
    fn call(&mut self, id: u32, turn: &mut Turn, effect: Effect) {
        if self.calls_in_flight >= self.shared.settings.calls_in_flight_max {
            return turn.replies.error(id, &ErrorReply::TOO_MANY_REQUESTS);
        }
        self.calls_in_flight += 1;
        turn.effects.push(effect);
    }

    fn called<T>(
        &mut self,
        id: u32,
        result: Result<T, ErrorReply>,
        turn: &mut Turn,
        answer: impl FnOnce(&mut Replies, T),
    ) {
        self.calls_in_flight = self.calls_in_flight.saturating_sub(1);
        match result {
            Ok(value) => answer(&mut turn.replies, value),
            Err(error) => turn.replies.error(id, &error),
        }
    }
}

fn replies_present(replies: &mut Replies, id: u32, present: &Present) {
    let clients = present.clients.iter().map(|info| &**info);
    if present.is_stats {
        let users: HashSet<&str> = clients.map(|info| info.user.as_str()).collect();
        replies.presence_stats(id, present.clients.len() as u64, users.len() as u64);
    } else {
        replies.presence(id, clients);
    }
}

/// What has a rate. Unsubscribing and refreshing have none: a client that may not do these breaks.
fn counted(request: &Request<'_>) -> Option<Operation> {
    match request {
        Request::Subscribe(_) => Some(Operation::Subscribe),
        Request::Publish(_) => Some(Operation::Publish),
        Request::Rpc(_) => Some(Operation::Rpc),
        Request::Send(_) => Some(Operation::Send),
        Request::History(_) => Some(Operation::History),
        Request::Presence(_) | Request::PresenceStats(_) => Some(Operation::Presence),
        _ => None,
    }
}
