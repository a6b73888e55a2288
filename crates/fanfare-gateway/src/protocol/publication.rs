//! What subscribers receive, and who it is from.

use super::json::Json;
use super::write::{Object, object};
use bytes::Bytes;
use std::collections::BTreeMap;

/// How one record of the journal looks in a channel, or a push that is kept nowhere.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Publication {
    /// The payload.
    pub data: Json,
    /// The connection that published it, if a client did.
    pub info: Option<ClientInfo>,
    /// Small texts beside the payload.
    pub tags: BTreeMap<String, String>,
}

impl Publication {
    /// A publication of this payload, with nothing beside it.
    #[must_use]
    pub fn new(data: Json) -> Self {
        Self { data, info: None, tags: BTreeMap::new() }
    }

    /// With a small text beside the payload.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.insert(name.into(), value.into());
        self
    }

    /// Encodes it once for everybody in the channel. Offset 0 means that it is kept nowhere.
    pub(crate) fn encode(&self, channel: &str, offset: u64) -> Encoded {
        let mut push = Vec::with_capacity(64 + channel.len() + self.data.as_str().len());
        let (mut start, mut end) = (0, 0);
        object(&mut push, |reply| {
            reply.object("push", |push| {
                push.text_always("channel", channel);
                (start, end) = push.object_at("pub", |publication| self.write(offset, publication));
            });
        });
        let push = Bytes::from(push);
        Encoded { offset, body: push.slice(start..end), push }
    }

    fn write(&self, offset: u64, publication: &mut Object<'_>) {
        publication.json("data", Some(&self.data));
        publication.number("offset", offset);
        if let Some(info) = &self.info {
            publication.object("info", |object| info.write(object));
        }
        if !self.tags.is_empty() {
            publication.object("tags", |tags| {
                for (name, value) in &self.tags {
                    tags.text_always(name, value);
                }
            });
        }
    }
}

/// A publication as bytes: the push for those who are there, and the object alone for recovery and history. Both
/// share one allocation.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) offset: u64,
    pub(crate) body: Bytes,
    pub(crate) push: Bytes,
}

/// Who a connection is, as others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClientInfo {
    /// The user, empty when anonymous.
    pub user: String,
    /// The connection.
    pub client: String,
    /// What the connection's token says about the user.
    pub connection: Option<Json>,
    /// What the subscription says about the user.
    pub channel: Option<Json>,
}

impl ClientInfo {
    pub(crate) fn write(&self, object: &mut Object<'_>) {
        object.text_always("user", &self.user);
        object.text_always("client", &self.client);
        object.json("conn_info", self.connection.as_ref());
        object.json("chan_info", self.channel.as_ref());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn push_and_object_are_encoded_once() {
        let encoded = Publication::new(Json::of(&[1]).unwrap()).tag("type", "a").encode("room:\"1", 7);
        let body = r#"{"data":[1],"offset":7,"tags":{"type":"a"}}"#;
        assert_eq!(encoded.body, body);
        assert_eq!(encoded.push, format!(r#"{{"push":{{"channel":"room:\"1","pub":{body}}}}}"#));
    }

    #[test]
    fn an_unkept_publication_has_no_offset_and_null_is_written() {
        assert_eq!(Publication::new(Json::null()).encode("c", 0).body, r#"{"data":null}"#);
    }

    #[test]
    fn user_and_client_are_always_there() {
        let info = ClientInfo { user: String::new(), client: String::new(), connection: None, channel: None };
        let publication = Publication { info: Some(info), ..Publication::new(Json::null()) };
        assert_eq!(
            publication.encode("c", 1).body,
            r#"{"data":null,"offset":1,"info":{"user":"","client":""}}"#
        );
    }
}
