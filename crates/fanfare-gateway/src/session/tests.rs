//! A connection's life as data.

use super::by_server::Told;
use super::*;
use crate::hub::Membership;
use crate::policy::{ChannelKey, Grant, Welcome};
use crate::protocol::{Batch, ClientInfo, Command, Encoded, ErrorReply, Publication};
use fanfare_core::Topic;
use tokio::sync::mpsc;

/// A session whose work is done by the test.
struct Bench {
    session: Session,
    turn: Turn,
    now: Now,
}

impl Bench {
    fn connected() -> Self {
        let mut bench = Self::fresh();
        bench.command(r#"{"id":1,"connect":{}}"#);
        bench.done(Done::Open(Ok(Welcome::default())));
        assert!(bench.replies().contains("\"connect\""));
        bench
    }

    fn fresh() -> Self {
        Self::with(shared())
    }

    fn with(shared: Shared) -> Self {
        let now = Now { steady: Duration::ZERO, unix: 1_000 };
        let session = Session::new(Arc::new(shared), "client".into(), 0.0, now);
        Self { session, turn: Turn::default(), now }
    }

    fn command(&mut self, line: &str) {
        self.session.command(Command::parse(line).unwrap(), self.now, &mut self.turn);
    }

    fn done(&mut self, done: Done) {
        self.session.done(done, self.now, &mut self.turn);
    }

    fn subscribe(&mut self, more: &str) -> Ticket {
        self.command(&format!(r#"{{"id":2,"subscribe":{{"channel":"c"{more}}}}}"#));
        match self.turn.effects.pop() {
            Some(Effect::Join { ticket, .. }) => ticket,
            other => panic!("{other:?}"),
        }
    }

    fn live(&mut self, ticket: Ticket, offset: u64) {
        self.session.item(batch(ticket, offset), &mut self.turn);
    }

    fn replies(&mut self) -> String {
        String::from_utf8(self.turn.replies.take().text().to_vec()).unwrap()
    }

    fn advance(&mut self, seconds: u64) {
        self.now.steady += Duration::from_secs(seconds);
        self.session.tick(self.now, &mut self.turn);
    }
}

fn shared() -> Shared {
    Shared {
        settings: Settings::default(),
        verifier: None,
        allows_anonymous: true,
        has_rpc: true,
        handles_send: false,
        lifecycle: None,
    }
}

fn publication(offset: u64) -> Encoded {
    Publication::new(Json::of(&offset).unwrap()).encode("c", offset)
}

fn batch(ticket: Ticket, offset: u64) -> Item {
    Item::Publications(ticket, Arc::new(Batch::of(vec![publication(offset)]).unwrap()))
}

fn joined(top: u64, recovered: Option<std::ops::RangeInclusive<u64>>) -> Box<Joined> {
    Box::new(Joined {
        membership: Membership::nowhere(),
        grant: Grant::new(ChannelKey::new(Topic::from_static("t"), "k")),
        has_token: false,
        info: Arc::new(ClientInfo {
            user: "u".into(),
            client: "client".into(),
            connection: None,
            channel: None,
        }),
        epoch: "e".into(),
        top,
        recovered: recovered.map(|offsets| offsets.map(publication).collect()),
        reading: None,
    })
}

fn offsets(replies: &str) -> Vec<u64> {
    let pushes = replies.lines().filter(|line| line.starts_with(r#"{"push""#));
    let json = pushes.map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    json.map(|json| json["push"]["pub"]["offset"].as_u64().unwrap()).collect()
}

#[test]
fn what_comes_live_while_a_recovery_is_read_is_merged_into_it_without_repeats() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe(r#","recover":true,"epoch":"e","offset":3"#);
    for offset in [5, 6, 7] {
        bench.live(ticket, offset);
    }
    bench.done(Done::Join(ticket, Ok(joined(6, Some(4..=6)))));
    let reply: serde_json::Value = serde_json::from_str(&bench.replies()).unwrap();
    let recovered = reply["subscribe"]["publications"].as_array().unwrap();
    let recovered: Vec<u64> =
        recovered.iter().map(|publication| publication["offset"].as_u64().unwrap()).collect();
    assert_eq!((recovered, reply["subscribe"]["offset"].as_u64()), (vec![4, 5, 6, 7], Some(3)));
    bench.live(ticket, 7);
    bench.live(ticket, 8);
    assert_eq!(offsets(&bench.replies()), [8]);
}

#[test]
fn a_first_subscribe_covers_what_came_meanwhile_by_its_offset() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe("");
    bench.live(ticket, 5);
    bench.live(ticket, 6);
    bench.done(Done::Join(ticket, Ok(joined(5, None))));
    assert!(bench.replies().contains(r#""offset":6"#));
    bench.live(ticket, 6);
    bench.live(ticket, 7);
    assert_eq!(offsets(&bench.replies()), [7]);
}

#[test]
fn a_gap_between_log_and_live_reconnects() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe(r#","recover":true,"epoch":"e","offset":3"#);
    bench.live(ticket, 8);
    bench.done(Done::Join(ticket, Ok(joined(6, Some(4..=6)))));
    assert_eq!(bench.turn.close, Some(Disconnect::INSUFFICIENT_STATE));
}

#[test]
fn a_gap_in_a_live_subscription_ends_it_with_2500_and_it_can_be_made_again() {
    for injected in [batch(Ticket(1), 9), Item::Lost(Ticket(1))] {
        let mut bench = Bench::connected();
        let ticket = bench.subscribe("");
        bench.done(Done::Join(ticket, Ok(joined(5, None))));
        bench.replies();
        bench.session.item(injected, &mut bench.turn);
        let push = r#"{"push":{"channel":"c","unsubscribe":{"code":2500,"reason":"insufficient state"}}}"#;
        assert_eq!(bench.replies(), push);
        bench.live(ticket, 6);
        assert_eq!(bench.replies(), "");
        assert_ne!(bench.subscribe(r#","recover":true,"epoch":"e","offset":5"#), ticket);
    }
}

#[test]
fn what_was_lost_during_a_subscribe_reconnects() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe("");
    bench.session.item(Item::Lost(ticket), &mut bench.turn);
    bench.done(Done::Join(ticket, Ok(joined(5, None))));
    assert_eq!(bench.turn.close, Some(Disconnect::INSUFFICIENT_STATE));
}

#[test]
fn a_server_side_subscription_comes_with_the_connect_reply_and_a_gap_in_it_reconnects() {
    let mut bench = Bench::fresh();
    bench.command(r#"{"id":1,"connect":{"subs":{"c":{"recover":true,"epoch":"e","offset":4}}}}"#);
    bench.done(Done::Open(Ok(Welcome { channels: vec!["c".into()], ..Welcome::default() })));
    let Some(Effect::Join { ticket, resume, .. }) = bench.turn.effects.pop() else { panic!() };
    assert_eq!(resume, Some(Resume { epoch: "e".into(), offset: 4 }));
    assert!(bench.session.is_waiting());
    bench.live(ticket, 6);
    bench.done(Done::Join(ticket, Ok(joined(5, Some(5..=5)))));
    let reply: serde_json::Value = serde_json::from_str(&bench.replies()).unwrap();
    assert_eq!(reply["connect"]["subs"]["c"]["recovered"], true);
    assert_eq!(reply["connect"]["subs"]["c"]["publications"].as_array().unwrap().len(), 2);
    bench.live(ticket, 8);
    assert_eq!(bench.turn.close, Some(Disconnect::INSUFFICIENT_STATE));
}

#[test]
fn pings_keep_their_cadence_whatever_else_is_sent() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe("");
    bench.done(Done::Join(ticket, Ok(joined(0, None))));
    bench.replies();
    let mut pings = Vec::new();
    for second in 1..=70 {
        bench.live(ticket, second);
        bench.advance(1);
        if bench.replies().lines().any(|line| line == "{}") {
            pings.push(second);
            bench.command("{}");
        }
    }
    assert_eq!(pings, [13, 38, 63]);
    assert_eq!(bench.turn.close, None);
}

#[test]
fn only_a_pong_counts_as_a_pong() {
    let mut bench = Bench::connected();
    bench.advance(13);
    bench.command(r#"{"id":9,"unsubscribe":{"channel":"c"}}"#);
    bench.advance(8);
    assert_eq!(bench.turn.close, Some(Disconnect::NO_PONG));
}

#[test]
fn a_second_pong_for_one_ping_is_a_bad_request() {
    let mut bench = Bench::connected();
    bench.advance(13);
    bench.command("{}");
    assert_eq!(bench.turn.close, None);
    bench.command("{}");
    assert_eq!(bench.turn.close, Some(Disconnect::BAD_REQUEST));
}

#[test]
fn a_subscription_ends_with_its_grant_and_the_client_comes_again() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe("");
    let mut joined = joined(0, None);
    joined.grant.expires_at = Some(fanfare_core::Timestamp::from_second(1_010).unwrap());
    bench.done(Done::Join(ticket, Ok(joined)));
    assert!(bench.replies().contains(r#""expires":true,"ttl":10"#));
    bench.now.steady += Duration::from_secs(34);
    bench.session.expire_subscriptions(bench.now, &mut bench.turn);
    assert_eq!(bench.replies(), "");
    bench.now.steady += Duration::from_secs(1);
    bench.session.expire_subscriptions(bench.now, &mut bench.turn);
    assert!(bench.replies().contains(r#""unsubscribe":{"code":2501"#));
}

#[test]
fn a_channel_taken_away_while_it_is_subscribed_is_refused_and_nothing_of_it_is_told() {
    for (reason, again) in [(Unsubscribe::SERVER, false), (Unsubscribe::EXPIRED, true)] {
        let mut bench = Bench::connected();
        let ticket = bench.subscribe(r#","recover":true,"epoch":"e","offset":3"#);
        bench.live(ticket, 5);
        bench.session.item(Item::Unsubscribe("c".into(), reason), &mut bench.turn);
        bench.live(ticket, 6);
        bench.done(Done::Join(ticket, Ok(joined(6, Some(4..=6)))));
        let reply: serde_json::Value = serde_json::from_str(&bench.replies()).unwrap();
        assert_eq!(reply["error"]["code"], 103, "{reply}");
        assert_eq!(reply["error"]["temporary"].as_bool().unwrap_or_default(), again);
        bench.live(ticket, 7);
        assert_eq!((bench.replies(), bench.turn.close.take()), (String::new(), None));
        assert_ne!(bench.subscribe(""), ticket);
    }
}

#[test]
fn a_channel_of_the_servers_that_is_taken_away_before_it_is_told_is_never_told() {
    let mut bench = Bench::fresh();
    bench.command(r#"{"id":1,"connect":{"subs":{"c":{"recover":true,"epoch":"e","offset":4}}}}"#);
    bench.turn.effects.clear();
    bench.done(Done::Open(Ok(Welcome { channels: vec!["c".into(), "d".into()], ..Welcome::default() })));
    let tickets: Vec<Ticket> = bench
        .turn
        .effects
        .drain(..)
        .map(|effect| match effect {
            Effect::Join { ticket, .. } => ticket,
            other => panic!("{other:?}"),
        })
        .collect();
    // Also what was read before, while another channel is waited for.
    bench.done(Done::Join(tickets[0], Ok(joined(5, Some(5..=5)))));
    bench.session.item(Item::Unsubscribe("c".into(), Unsubscribe::SERVER), &mut bench.turn);
    bench.live(tickets[0], 6);
    bench.done(Done::Join(tickets[1], Ok(joined(0, None))));
    let reply: serde_json::Value = serde_json::from_str(&bench.replies()).unwrap();
    let subs: Vec<&String> = reply["connect"]["subs"].as_object().unwrap().keys().collect();
    assert_eq!(subs, ["d"]);

    let given = Given { channel: "c".into(), claims: Box::default(), resume: None, told: None };
    bench.session.item(Item::Subscribe(Box::new(given)), &mut bench.turn);
    let Some(Effect::Join { ticket, .. }) = bench.turn.effects.pop() else { panic!() };
    bench.session.item(Item::Unsubscribe("c".into(), Unsubscribe::SERVER), &mut bench.turn);
    bench.done(Done::Join(ticket, Ok(joined(7, Some(5..=7)))));
    assert_eq!((bench.replies(), bench.turn.close), (String::new(), None));
}

#[test]
fn of_several_publications_at_once_only_those_are_pushed_that_are_new() {
    let mut bench = Bench::connected();
    let ticket = bench.subscribe("");
    bench.done(Done::Join(ticket, Ok(joined(5, None))));
    bench.replies();
    for (given, expected) in [(4..=7, vec![6, 7]), (8..=9, vec![8, 9]), (8..=9, vec![])] {
        let batch = Batch::of(given.map(publication).collect()).unwrap();
        bench.session.item(Item::Publications(ticket, Arc::new(batch)), &mut bench.turn);
        assert_eq!(offsets(&bench.replies()), expected);
    }
    let batch = Batch::of(vec![publication(10), publication(12)]).unwrap();
    bench.session.item(Item::Publications(ticket, Arc::new(batch)), &mut bench.turn);
    assert!(bench.replies().contains("2500"));
}

#[test]
fn while_as_many_sends_as_may_be_are_handled_nothing_is_taken_and_no_pong_is_missed() {
    let shared = Shared { handles_send: true, ..shared() };
    let max = shared.settings.calls_in_flight_max;
    let mut bench = Bench::with(shared);
    bench.command(r#"{"id":1,"connect":{}}"#);
    bench.done(Done::Open(Ok(Welcome::default())));
    for _ in 0..max {
        assert!(!bench.session.is_waiting());
        bench.command(r#"{"send":{"data":1}}"#);
    }
    assert!(bench.session.is_waiting());
    bench.advance(13);
    bench.advance(8);
    assert_eq!(bench.turn.close, None);
    bench.done(Done::Send);
    assert!(!bench.session.is_waiting());
    bench.advance(8);
    assert_eq!(bench.turn.close, Some(Disconnect::NO_PONG));
}

#[test]
fn the_servers_channels_recover_together_no_more_than_one_recovery_may_have() {
    let mut shared = shared();
    shared.settings.publications_bytes_max = 100;
    let mut bench = Bench::with(shared);
    let subs = r#""c":{"recover":true,"epoch":"e"},"d":{"recover":true,"epoch":"e"}"#;
    bench.command(&format!(r#"{{"id":1,"connect":{{"subs":{{{subs}}}}}}}"#));
    bench.done(Done::Open(Ok(Welcome { channels: vec!["c".into(), "d".into()], ..Welcome::default() })));
    for ticket in [Ticket(1), Ticket(2)] {
        bench.done(Done::Join(ticket, Ok(joined(3, Some(1..=3)))));
    }
    let reply: serde_json::Value = serde_json::from_str(&bench.replies()).unwrap();
    let recovered = ["c", "d"].map(|channel| reply["connect"]["subs"][channel]["recovered"].is_boolean());
    assert_eq!(recovered, [true, false], "{reply}");
    assert_eq!(reply["connect"]["subs"]["d"]["was_recovering"], true);
}

#[test]
fn who_gave_a_channel_hears_how_it_ended_when_it_has() {
    let given = |channel: &str, told: &Told| {
        Item::Subscribe(Box::new(Given {
            channel: channel.into(),
            claims: Box::default(),
            resume: None,
            told: Some(told.clone()),
        }))
    };
    let (told, mut heard) = mpsc::unbounded_channel();
    let mut shared = shared();
    shared.settings.channels_max = 2;
    let mut bench = Bench::with(shared);
    bench.command(r#"{"id":1,"connect":{}}"#);
    bench.done(Done::Open(Ok(Welcome::default())));
    bench.session.item(given("c", &told), &mut bench.turn);
    // Twice at once, and while a client subscribes by itself.
    bench.session.item(given("c", &told), &mut bench.turn);
    assert!(heard.try_recv().is_err());
    bench.done(Done::Join(Ticket(1), Ok(joined(0, None))));
    assert_eq!([heard.try_recv(), heard.try_recv()], [Ok(Ok(())), Ok(Ok(()))]);
    bench.session.item(given("c", &told), &mut bench.turn);
    assert_eq!(heard.try_recv(), Ok(Ok(())));
    for (taken_away, result, expected) in [
        (false, Ok(joined(0, None)), Ok(())),
        (false, Err(ErrorReply::INTERNAL), Err(ErrorReply::INTERNAL)),
        (true, Ok(joined(0, None)), Err(ErrorReply::PERMISSION_DENIED)),
    ] {
        bench.command(r#"{"id":2,"subscribe":{"channel":"d"}}"#);
        let Some(Effect::Join { ticket, .. }) = bench.turn.effects.pop() else { panic!() };
        bench.session.item(given("d", &told), &mut bench.turn);
        if taken_away {
            bench.session.item(Item::Unsubscribe("d".into(), Unsubscribe::SERVER), &mut bench.turn);
        }
        bench.done(Done::Join(ticket, result));
        assert_eq!(heard.try_recv(), Ok(expected));
        bench.session.item(Item::Unsubscribe("d".into(), Unsubscribe::SERVER), &mut bench.turn);
    }
    bench.session.item(given("d", &told), &mut bench.turn);
    bench.session.item(given("e", &told), &mut bench.turn);
    assert_eq!(heard.try_recv(), Ok(Err(ErrorReply::LIMIT_EXCEEDED)));
    // One that goes says nothing.
    drop((bench, told));
    assert_eq!(heard.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
}
