//! What a client may ask.

use super::code::Disconnect;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;

/// One command: its id (0 for a pong and for `send`) and at most one request.
#[derive(Debug)]
pub(crate) struct Command<'a> {
    pub(crate) id: u32,
    pub(crate) request: Option<Request<'a>>,
}

/// The request of a command, in the order in which the protocol looks for its members.
#[derive(Debug)]
pub(crate) enum Request<'a> {
    Connect(Box<ConnectRequest<'a>>),
    Subscribe(Box<SubscribeRequest<'a>>),
    Unsubscribe(ChannelRequest<'a>),
    Publish(PublishRequest<'a>),
    Presence(ChannelRequest<'a>),
    PresenceStats(ChannelRequest<'a>),
    History(HistoryRequest<'a>),
    Ping,
    Rpc(RpcRequest<'a>),
    Send(Option<&'a RawValue>),
    Refresh(RefreshRequest<'a>),
    SubRefresh(SubRefreshRequest<'a>),
}

impl<'a> Command<'a> {
    /// Reads one line of a frame.
    ///
    /// # Errors
    /// [`Disconnect::BAD_REQUEST`] when it is not JSON of the expected types. Unknown members are ignored.
    pub(crate) fn parse(line: &'a str) -> Result<Self, Disconnect> {
        // A derived reader would take an array for an object.
        if !line.trim_ascii_start().starts_with('{') {
            return Err(Disconnect::BAD_REQUEST);
        }
        let wire: Wire<'a> = serde_json::from_str(line).map_err(|_| Disconnect::BAD_REQUEST)?;
        let request = None
            .or_else(|| wire.connect.map(Request::Connect))
            .or_else(|| wire.subscribe.map(Request::Subscribe))
            .or_else(|| wire.unsubscribe.map(Request::Unsubscribe))
            .or_else(|| wire.publish.map(Request::Publish))
            .or_else(|| wire.presence.map(Request::Presence))
            .or_else(|| wire.presence_stats.map(Request::PresenceStats))
            .or_else(|| wire.history.map(Request::History))
            .or_else(|| wire.rpc.map(Request::Rpc))
            .or_else(|| wire.send.map(|send| Request::Send(send.data)))
            .or_else(|| wire.refresh.map(Request::Refresh))
            .or_else(|| wire.sub_refresh.map(Request::SubRefresh))
            .or_else(|| wire.ping.map(|_| Request::Ping));
        Ok(Self { id: wire.id, request })
    }
}

#[derive(Deserialize)]
#[serde(expecting = "a command object")]
struct Wire<'a> {
    #[serde(default)]
    id: u32,
    #[serde(borrow, default)]
    connect: Option<Box<ConnectRequest<'a>>>,
    #[serde(borrow, default)]
    subscribe: Option<Box<SubscribeRequest<'a>>>,
    #[serde(borrow, default)]
    unsubscribe: Option<ChannelRequest<'a>>,
    #[serde(borrow, default)]
    publish: Option<PublishRequest<'a>>,
    #[serde(borrow, default)]
    presence: Option<ChannelRequest<'a>>,
    #[serde(borrow, default)]
    presence_stats: Option<ChannelRequest<'a>>,
    #[serde(borrow, default)]
    history: Option<HistoryRequest<'a>>,
    #[serde(borrow, default)]
    rpc: Option<RpcRequest<'a>>,
    #[serde(borrow, default)]
    send: Option<SendRequest<'a>>,
    #[serde(borrow, default)]
    refresh: Option<RefreshRequest<'a>>,
    #[serde(borrow, default)]
    sub_refresh: Option<SubRefreshRequest<'a>>,
    #[serde(default)]
    ping: Option<PingRequest>,
}

#[derive(Deserialize)]
struct PingRequest {}

#[derive(Deserialize)]
struct SendRequest<'a> {
    #[serde(borrow, default, deserialize_with = "raw")]
    data: Option<&'a RawValue>,
}

#[derive(Debug, Default, Deserialize)]
pub(crate) struct ConnectRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) token: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "raw")]
    pub(crate) data: Option<&'a RawValue>,
    /// Positions of the server-side subscriptions that the client had before.
    #[serde(borrow, default)]
    pub(crate) subs: HashMap<Cow<'a, str>, Resume<'a>>,
    #[serde(borrow, default)]
    pub(crate) name: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) version: Cow<'a, str>,
}

/// From where a subscription wants to go on.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Resume<'a> {
    #[serde(default)]
    pub(crate) recover: bool,
    #[serde(borrow, default)]
    pub(crate) epoch: Cow<'a, str>,
    #[serde(default)]
    pub(crate) offset: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SubscribeRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) token: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "raw")]
    pub(crate) data: Option<&'a RawValue>,
    #[serde(default)]
    pub(crate) recover: bool,
    #[serde(borrow, default)]
    pub(crate) epoch: Cow<'a, str>,
    #[serde(default)]
    pub(crate) offset: u64,
    #[serde(borrow, default)]
    pub(crate) delta: Cow<'a, str>,
    #[serde(default)]
    pub(crate) join_leave: bool,
    #[serde(default)]
    pub(crate) flag: u64,
    #[serde(default, rename = "type")]
    pub(crate) kind: i32,
}

impl SubscribeRequest<'_> {
    /// The client wants error 112 rather than a subscription that is not recovered.
    pub(crate) fn refuses_unrecovered(&self) -> bool {
        self.flag & 2 != 0
    }
}

#[derive(Debug, Deserialize)]
pub(crate) struct ChannelRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct PublishRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "raw")]
    pub(crate) data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct HistoryRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
    #[serde(default)]
    pub(crate) limit: i32,
    #[serde(borrow, default)]
    pub(crate) since: Option<StreamPosition<'a>>,
    #[serde(default)]
    pub(crate) reverse: bool,
}

#[derive(Debug, Deserialize)]
pub(crate) struct StreamPosition<'a> {
    #[serde(default)]
    pub(crate) offset: u64,
    #[serde(borrow, default)]
    pub(crate) epoch: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RpcRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) method: Cow<'a, str>,
    #[serde(borrow, default, deserialize_with = "raw")]
    pub(crate) data: Option<&'a RawValue>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct RefreshRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) token: Cow<'a, str>,
}

#[derive(Debug, Deserialize)]
pub(crate) struct SubRefreshRequest<'a> {
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) token: Cow<'a, str>,
}

/// Absent and `null` differ: `null` is a payload.
fn raw<'de: 'a, 'a, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'a RawValue>, D::Error> {
    <&'a RawValue>::deserialize(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_is_a_payload_and_absent_is_none() {
        let data = |line| match Command::parse(line).unwrap().request {
            Some(Request::Rpc(rpc)) => rpc.data.map(|raw| raw.get().to_owned()),
            other => panic!("{other:?}"),
        };
        assert_eq!(data(r#"{"id":1,"rpc":{"data":null}}"#).as_deref(), Some("null"));
        assert_eq!(data(r#"{"id":1,"rpc":{"data": { "a" : 1.0 } }}"#).as_deref(), Some(r#"{ "a" : 1.0 }"#));
        assert_eq!(data(r#"{"id":1,"rpc":{}}"#), None);
    }

    #[test]
    fn the_first_member_in_the_protocols_order_is_the_request() {
        let command = Command::parse(r#"{"id":1,"send":{},"rpc":{"method":"m"}}"#).unwrap();
        assert!(matches!(command.request, Some(Request::Rpc(_))));
    }

    #[test]
    fn unknown_members_and_escaped_names_are_read() {
        let command =
            Command::parse(r#"{"id":7,"x":[1],"subscribe":{"channel":"room:\u0031","flag":3,"tf":{}}}"#)
                .unwrap();
        let Some(Request::Subscribe(subscribe)) = command.request else { panic!() };
        assert_eq!(subscribe.channel, "room:1");
        assert!(subscribe.refuses_unrecovered());
    }
}
