//! What a server answers, and what it says unasked.

use super::code::{ErrorReply, Unsubscribe};
use super::head::HEAD_MAX;
use super::json::Json;
use super::publication::{ClientInfo, Encoded, Frame};
use super::write::{Object, object};

/// Replies and pushes for one connection, in order, one on each line.
#[derive(Debug, Default)]
pub(crate) struct Replies {
    /// The only content, as long as it is what others receive too.
    shared: Option<Frame>,
    /// Space for a frame's head, then the lines.
    own: Vec<u8>,
}

/// How long something stays valid; the client refreshes it in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expiry(pub(crate) Option<u64>);

impl Expiry {
    /// One year: what is longer is clamped, which clients' timers need.
    const TTL_MAX: u64 = 365 * 24 * 3600;

    fn write(self, object: &mut Object<'_>) {
        if let Self(Some(ttl)) = self {
            object.flag("expires", true);
            // A ttl of 0 would be left out, which one client takes for "now" and the other for an error.
            object.number_always("ttl", ttl.clamp(1, Self::TTL_MAX));
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct ConnectResult<'a> {
    pub(crate) client: &'a str,
    pub(crate) version: &'a str,
    pub(crate) data: Option<&'a Json>,
    pub(crate) expiry: Expiry,
    pub(crate) ping_seconds: u64,
    pub(crate) subs: &'a [(String, SubscribeResult)],
}

#[derive(Clone, Debug, Default)]
pub(crate) struct SubscribeResult {
    pub(crate) expiry: Expiry,
    pub(crate) is_recoverable: bool,
    pub(crate) epoch: String,
    pub(crate) offset: u64,
    pub(crate) was_recovering: bool,
    /// The missed publications; `None` when not recovered.
    pub(crate) recovered: Option<Vec<Encoded>>,
    pub(crate) data: Option<Json>,
}

impl SubscribeResult {
    fn write(&self, object: &mut Object<'_>) {
        self.expiry.write(object);
        self.write_position(object);
        if let Some(publications) = &self.recovered {
            object.flag("recovered", true);
            if !publications.is_empty() {
                object.list("publications", publications.iter().map(|publication| publication.body()));
            }
        }
        object.flag("was_recovering", self.was_recovering);
    }

    fn write_position(&self, object: &mut Object<'_>) {
        object.flag("recoverable", self.is_recoverable);
        object.flag("positioned", self.is_recoverable);
        object.text("epoch", &self.epoch);
        object.number("offset", self.offset);
        object.json("data", self.data.as_ref());
    }
}

impl Replies {
    pub(crate) fn is_empty(&self) -> bool {
        self.own.is_empty() && self.shared.is_none()
    }

    pub(crate) fn len(&self) -> usize {
        self.own.len() + self.shared.as_ref().map_or(0, |frame| frame.bytes().len())
    }

    /// Everything as one frame. Of nothing, an empty one.
    pub(crate) fn take(&mut self) -> Frame {
        match self.shared.take() {
            Some(frame) => frame,
            None => {
                let mut own = std::mem::take(&mut self.own);
                own.resize(own.len().max(HEAD_MAX), 0);
                Frame::of(own)
            }
        }
    }

    /// Appends lines that were encoded before. When they are all there is, their very bytes are written.
    pub(crate) fn frame(&mut self, frame: &Frame) {
        if self.is_empty() {
            self.shared = Some(frame.clone());
        } else {
            self.line();
            self.own.extend_from_slice(frame.text());
        }
    }

    pub(crate) fn ping(&mut self) {
        self.line();
        self.own.extend_from_slice(b"{}");
    }

    pub(crate) fn error(&mut self, id: u32, error: &ErrorReply) {
        self.reply(id, |reply| {
            reply.object("error", |object| {
                object.number("code", error.code.into());
                object.text_always("message", &error.message);
                object.flag("temporary", error.temporary);
            });
        });
    }

    pub(crate) fn connect(&mut self, id: u32, result: &ConnectResult<'_>) {
        self.result(id, "connect", |object| {
            object.text_always("client", result.client);
            object.text("version", result.version);
            object.json("data", result.data);
            result.expiry.write(object);
            if !result.subs.is_empty() {
                object.object("subs", |subs| {
                    for (channel, sub) in result.subs {
                        subs.object(channel, |object| sub.write(object));
                    }
                });
            }
            object.number("ping", result.ping_seconds);
            object.flag("pong", result.ping_seconds > 0);
        });
    }

    pub(crate) fn subscribe(&mut self, id: u32, result: &SubscribeResult) {
        self.result(id, "subscribe", |object| result.write(object));
    }

    pub(crate) fn unsubscribe(&mut self, id: u32) {
        self.result(id, "unsubscribe", |_| ());
    }

    pub(crate) fn publish(&mut self, id: u32) {
        self.result(id, "publish", |_| ());
    }

    pub(crate) fn pong(&mut self, id: u32) {
        self.result(id, "ping", |_| ());
    }

    pub(crate) fn rpc(&mut self, id: u32, data: Option<&Json>) {
        self.result(id, "rpc", |object| object.json("data", data));
    }

    pub(crate) fn refresh(&mut self, id: u32, expiry: Expiry) {
        self.result(id, "refresh", |object| expiry.write(object));
    }

    pub(crate) fn sub_refresh(&mut self, id: u32, expiry: Expiry) {
        self.result(id, "sub_refresh", |object| expiry.write(object));
    }

    pub(crate) fn history(&mut self, id: u32, publications: &[Encoded], offset: u64, epoch: &str) {
        self.result(id, "history", |object| {
            object.list("publications", publications.iter().map(|publication| publication.body()));
            object.number_always("offset", offset);
            object.text_always("epoch", epoch);
        });
    }

    pub(crate) fn presence<'i>(&mut self, id: u32, clients: impl Iterator<Item = &'i ClientInfo>) {
        self.result(id, "presence", |object| {
            object.object("presence", |presence| {
                for info in clients {
                    presence.object(&info.client, |object| info.write(object));
                }
            });
        });
    }

    pub(crate) fn presence_stats(&mut self, id: u32, clients: u64, users: u64) {
        self.result(id, "presence_stats", |object| {
            object.number_always("num_clients", clients);
            object.number_always("num_users", users);
        });
    }

    pub(crate) fn push_unsubscribe(&mut self, channel: &str, unsubscribe: &Unsubscribe) {
        self.push(channel, "unsubscribe", |object| {
            object.number_always("code", unsubscribe.code.into());
            object.text_always("reason", &unsubscribe.reason);
        });
    }

    /// Tells of a subscription that the server made.
    pub(crate) fn push_subscribe(&mut self, channel: &str, result: &SubscribeResult) {
        self.push(channel, "subscribe", |object| result.write_position(object));
    }

    pub(crate) fn push_message(&mut self, data: &Json) {
        self.push("", "message", |object| object.json("data", Some(data)));
    }

    pub(crate) fn push_join(&mut self, channel: &str, info: &ClientInfo) {
        self.push(channel, "join", |object| object.object("info", |object| info.write(object)));
    }

    pub(crate) fn push_leave(&mut self, channel: &str, info: &ClientInfo) {
        self.push(channel, "leave", |object| object.object("info", |object| info.write(object)));
    }

    fn result(&mut self, id: u32, name: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.reply(id, |reply| reply.object(name, fill));
    }

    fn reply(&mut self, id: u32, fill: impl FnOnce(&mut Object<'_>)) {
        self.line();
        object(&mut self.own, |reply| {
            reply.number("id", id.into());
            fill(reply);
        });
    }

    fn push(&mut self, channel: &str, kind: &str, fill: impl FnOnce(&mut Object<'_>)) {
        self.line();
        object(&mut self.own, |reply| {
            reply.object("push", |push| {
                push.text("channel", channel);
                push.object(kind, fill);
            });
        });
    }

    /// Begins a line. A newline stands between lines and nowhere else: a blank line breaks one of the official clients.
    fn line(&mut self) {
        let shared = self.shared.take();
        if self.own.is_empty() {
            self.own.resize(HEAD_MAX, 0);
            if let Some(shared) = &shared {
                self.own.extend_from_slice(shared.text());
            }
        }
        if self.own.len() > HEAD_MAX {
            self.own.push(b'\n');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Replies)) -> String {
        let mut replies = Replies::default();
        write(&mut replies);
        String::from_utf8(replies.take().text().to_vec()).unwrap()
    }

    #[test]
    fn what_is_shared_is_written_as_it_is_and_with_others_becomes_lines() {
        let publication = crate::protocol::Publication::new(Json::null()).encode("c", 1);
        let mut replies = Replies::default();
        replies.frame(&publication.frame);
        assert_eq!(replies.take().bytes().as_ptr(), publication.frame.bytes().as_ptr());
        let push = String::from_utf8(publication.frame.text().to_vec()).unwrap();
        let text = written(|r| {
            r.frame(&publication.frame);
            r.ping();
            r.frame(&publication.frame);
        });
        assert_eq!(text, format!("{push}\n{{}}\n{push}"));
        assert!(replies.is_empty());
    }

    #[test]
    fn empty_results_are_present() {
        let text = written(|r| {
            r.subscribe(2, &SubscribeResult::default());
            r.unsubscribe(3);
            r.rpc(4, None);
            r.refresh(5, Expiry(None));
        });
        let lines = [
            r#"{"id":2,"subscribe":{}}"#,
            r#"{"id":3,"unsubscribe":{}}"#,
            r#"{"id":4,"rpc":{}}"#,
            r#"{"id":5,"refresh":{}}"#,
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn what_must_be_present_is_present_when_zero() {
        let text = written(|r| {
            r.history(1, &[], 0, "");
            r.presence(2, std::iter::empty());
            r.presence_stats(3, 0, 0);
            r.connect(4, &ConnectResult { client: "c", ..Default::default() });
        });
        let lines = [
            r#"{"id":1,"history":{"publications":[],"offset":0,"epoch":""}}"#,
            r#"{"id":2,"presence":{"presence":{}}}"#,
            r#"{"id":3,"presence_stats":{"num_clients":0,"num_users":0}}"#,
            r#"{"id":4,"connect":{"client":"c"}}"#,
        ];
        assert_eq!(text, lines.join("\n"));
    }

    #[test]
    fn an_expiry_of_zero_is_at_least_one_second() {
        assert_eq!(
            written(|r| r.refresh(1, Expiry(Some(0)))),
            r#"{"id":1,"refresh":{"expires":true,"ttl":1}}"#
        );
    }

    #[test]
    fn a_recovered_subscription_carries_its_publications() {
        let publication = crate::protocol::Publication::new(Json::null()).encode("c", 42);
        let result = SubscribeResult {
            is_recoverable: true,
            epoch: "e".into(),
            offset: 41,
            was_recovering: true,
            recovered: Some(vec![publication]),
            ..Default::default()
        };
        assert_eq!(
            written(|r| r.subscribe(7, &result)),
            concat!(
                r#"{"id":7,"subscribe":{"recoverable":true,"positioned":true,"epoch":"e","offset":41,"#,
                r#""recovered":true,"publications":[{"data":null,"offset":42}],"was_recovering":true}}"#
            )
        );
    }

    #[test]
    fn errors_and_pushes_have_their_words() {
        let text = written(|r| {
            r.error(1, &ErrorReply::TOO_MANY_REQUESTS);
            r.push_unsubscribe("a", &Unsubscribe::INSUFFICIENT_STATE);
            r.ping();
        });
        let lines = [
            r#"{"id":1,"error":{"code":111,"message":"too many requests","temporary":true}}"#,
            r#"{"push":{"channel":"a","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#,
            "{}",
        ];
        assert_eq!(text, lines.join("\n"));
    }
}
