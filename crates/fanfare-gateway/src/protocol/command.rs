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
        let wire: Wire<'a> = object(line)?;
        let request = match wire {
            Wire { connect: Some(raw), .. } => Some(Request::Connect(object(raw.get())?)),
            Wire { subscribe: Some(raw), .. } => Some(Request::Subscribe(object(raw.get())?)),
            Wire { unsubscribe: Some(raw), .. } => Some(Request::Unsubscribe(object(raw.get())?)),
            Wire { publish: Some(raw), .. } => Some(Request::Publish(object(raw.get())?)),
            Wire { presence: Some(raw), .. } => Some(Request::Presence(object(raw.get())?)),
            Wire { presence_stats: Some(raw), .. } => Some(Request::PresenceStats(object(raw.get())?)),
            Wire { history: Some(raw), .. } => Some(Request::History(object(raw.get())?)),
            Wire { rpc: Some(raw), .. } => Some(Request::Rpc(object(raw.get())?)),
            Wire { send: Some(raw), .. } => Some(Request::Send(object::<SendRequest<'a>>(raw.get())?.data)),
            Wire { refresh: Some(raw), .. } => Some(Request::Refresh(object(raw.get())?)),
            Wire { sub_refresh: Some(raw), .. } => Some(Request::SubRefresh(object(raw.get())?)),
            Wire { ping: Some(_), .. } => Some(Request::Ping),
            _ => None,
        };
        Ok(Self { id: wire.id, request })
    }
}

/// Reads an object. A derived reader alone would take an array for one.
fn object<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Disconnect> {
    if !text.trim_ascii_start().starts_with('{') {
        return Err(Disconnect::BAD_REQUEST);
    }
    serde_json::from_str(text).map_err(|_| Disconnect::BAD_REQUEST)
}

#[derive(Clone, Copy, Deserialize)]
#[serde(expecting = "a command object")]
struct Wire<'a> {
    #[serde(default)]
    id: u32,
    #[serde(borrow, default)]
    connect: Option<&'a RawValue>,
    #[serde(borrow, default)]
    subscribe: Option<&'a RawValue>,
    #[serde(borrow, default)]
    unsubscribe: Option<&'a RawValue>,
    #[serde(borrow, default)]
    publish: Option<&'a RawValue>,
    #[serde(borrow, default)]
    presence: Option<&'a RawValue>,
    #[serde(borrow, default)]
    presence_stats: Option<&'a RawValue>,
    #[serde(borrow, default)]
    history: Option<&'a RawValue>,
    #[serde(borrow, default)]
    rpc: Option<&'a RawValue>,
    #[serde(borrow, default)]
    send: Option<&'a RawValue>,
    #[serde(borrow, default)]
    refresh: Option<&'a RawValue>,
    #[serde(borrow, default)]
    sub_refresh: Option<&'a RawValue>,
    #[serde(borrow, default)]
    ping: Option<&'a RawValue>,
}

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
    fn an_array_is_no_object() {
        for bad in
            [r#"["id"]"#, r#"{"id":1,"rpc":[]}"#, r#"{"id":1,"rpc":["m"]}"#, r#"{"id":1,"connect":["t"]}"#]
        {
            assert_eq!(Command::parse(bad).err().map(|disconnect| disconnect.code), Some(3501), "{bad}");
        }
        assert!(Command::parse(r#"{"id":1,"rpc":null}"#).unwrap().request.is_none());
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
