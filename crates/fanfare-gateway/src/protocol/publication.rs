//! What subscribers receive, and who it is from.

use super::head::{HEAD_MAX, fill_head};
use super::json::Json;
use super::write::{Object, object};
use bytes::{Buf, Bytes};
use std::collections::BTreeMap;
use std::sync::Arc;

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
        let mut frame = Vec::with_capacity(HEAD_MAX + 64 + channel.len() + self.data.as_str().len());
        frame.resize(HEAD_MAX, 0);
        let (mut start, mut end) = (0, 0);
        object(&mut frame, |reply| {
            reply.object("push", |push| {
                push.text_always("channel", channel);
                (start, end) = push.object_at("pub", |publication| self.write(offset, publication));
            });
        });
        let frame = Frame::of(frame);
        // What stands behind the object: the braces of the push and of the reply.
        let behind = frame.text().len() + HEAD_MAX - end;
        Encoded { offset, body: (end - start, behind), frame }
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

/// A WebSocket frame of text that several connections may share.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    bytes: Bytes,
    text_len: usize,
}

impl Frame {
    /// Completes a text before which [`HEAD_MAX`] bytes were left free.
    pub(crate) fn of(mut frame: Vec<u8>) -> Self {
        let text_len = frame.len().saturating_sub(HEAD_MAX);
        let start = fill_head(&mut frame);
        let mut bytes = Bytes::from(frame);
        bytes.advance(start);
        Self { bytes, text_len }
    }

    /// The whole frame, head included.
    pub(crate) fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    pub(crate) fn text(&self) -> &[u8] {
        self.bytes.get(self.bytes.len() - self.text_len..).unwrap_or_default()
    }
}

/// A publication as bytes: the push for those who are there, and the object alone for recovery and history. Both
/// share one allocation.
#[derive(Clone, Debug)]
pub(crate) struct Encoded {
    pub(crate) offset: u64,
    pub(crate) frame: Frame,
    /// The object's length, and how much of the push stands behind it.
    body: (usize, usize),
}

impl Encoded {
    /// The object alone.
    pub(crate) fn body(&self) -> &[u8] {
        let (len, behind) = self.body;
        let push = self.frame.text();
        let end = push.len().saturating_sub(behind);
        push.get(end.saturating_sub(len)..end).unwrap_or_default()
    }
}

/// Publications of one channel that follow each other, as one frame that every subscriber shares.
#[derive(Debug)]
pub(crate) struct Batch {
    pub(crate) publications: Vec<Encoded>,
    pub(crate) frame: Frame,
}

impl Batch {
    /// `None` of none.
    pub(crate) fn of(publications: Vec<Encoded>) -> Option<Self> {
        let frame = match publications.as_slice() {
            [] => return None,
            [only] => only.frame.clone(),
            several => {
                let len = several.iter().map(|publication| publication.frame.text().len() + 1).sum::<usize>();
                let mut frame = Vec::with_capacity(HEAD_MAX + len);
                frame.resize(HEAD_MAX, 0);
                for (index, publication) in several.iter().enumerate() {
                    if index > 0 {
                        frame.push(b'\n');
                    }
                    frame.extend_from_slice(publication.frame.text());
                }
                Frame::of(frame)
            }
        };
        Some(Self { publications, frame })
    }

    /// The last of them alone.
    pub(crate) fn newest(self: &Arc<Self>) -> Arc<Self> {
        match self.publications.as_slice() {
            [.., last] if self.publications.len() > 1 => {
                Arc::new(Self { publications: vec![last.clone()], frame: last.frame.clone() })
            }
            _ => Arc::clone(self),
        }
    }
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

    fn text(bytes: &[u8]) -> &str {
        std::str::from_utf8(bytes).unwrap()
    }

    #[test]
    fn publications_that_follow_each_other_share_one_frame() {
        let publications = [1, 2].map(|offset| Publication::new(Json::null()).encode("c", offset));
        let batch = Batch::of(publications.to_vec()).unwrap();
        let lines: Vec<&str> =
            publications.iter().map(|publication| text(publication.frame.text())).collect();
        assert_eq!(text(batch.frame.text()), lines.join("\n"));
        assert_eq!(batch.frame.bytes()[..2], [0x81, u8::try_from(batch.frame.text().len()).unwrap()]);
        assert!(Batch::of(Vec::new()).is_none());
    }

    #[test]
    fn push_and_object_are_encoded_once() {
        let encoded = Publication::new(Json::of(&[1]).unwrap()).tag("type", "a").encode("room:\"1", 7);
        let body = r#"{"data":[1],"offset":7,"tags":{"type":"a"}}"#;
        assert_eq!(text(encoded.body()), body);
        assert_eq!(
            text(encoded.frame.text()),
            format!(r#"{{"push":{{"channel":"room:\"1","pub":{body}}}}}"#)
        );
    }

    #[test]
    fn an_unkept_publication_has_no_offset_and_null_is_written() {
        assert_eq!(text(Publication::new(Json::null()).encode("c", 0).body()), r#"{"data":null}"#);
    }

    #[test]
    fn user_and_client_are_always_there() {
        let info = ClientInfo { user: String::new(), client: String::new(), connection: None, channel: None };
        let publication = Publication { info: Some(info), ..Publication::new(Json::null()) };
        assert_eq!(
            text(publication.encode("c", 1).body()),
            r#"{"data":null,"offset":1,"info":{"user":"","client":""}}"#
        );
    }
}
