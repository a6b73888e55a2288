//! What is bounded.

use crate::support::{Client, Rooms, SECRET, Server, open, publish, serve, token};
use axum::extract::Request;
use axum::middleware::{self, Next};
use fanfare_core::{Recorded, Topic};
use fanfare_gateway::auth::Verifier;
use fanfare_gateway::{
    Caller, ChannelKey, ClientAddress, ErrorReply, Gateway, Grant, Json, Policy, Publication, Rate, Settings,
    Subscribe,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use tokio_tungstenite::tungstenite::Error;

async fn limited(change: impl FnOnce(&mut Settings)) -> Server {
    let mut settings = Settings::default();
    change(&mut settings);
    Server::with(open(), |builder| {
        builder.settings(settings).rpc("never", async |_: Caller, (): ()| {
            std::future::pending::<()>().await;
            Ok::<_, ErrorReply>(())
        })
    })
    .await
}

#[tokio::test]
async fn a_message_over_the_limit_closes_with_1009_and_nobody_else_notices() {
    let server = Server::start().await;
    let mut other = server.connected("bob").await;
    let mut client = server.connected("ann").await;
    let largest = format!(r#"{{"id":2,"rpc":{{"method":"echo","data":"{}"}}}}"#, "x".repeat(65_536 - 45));
    assert!(largest.len() <= 65_536);
    assert_eq!(client.call(&largest).await["id"], 2);
    client.send(&"x".repeat(65_537)).await;
    assert_eq!(client.closed().await, 1009);
    assert_eq!(other.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await["id"], 2);
}

#[tokio::test]
async fn what_comes_behind_a_message_over_the_limit_is_dropped_and_the_peers_close_still_ends_it_at_once() {
    let server = limited(|settings| settings.close_timeout = Duration::from_secs(3_600)).await;
    let mut socket = crate::support::upgraded(server.address).await;
    // A head that claims 8 MiB, and all of it.
    socket.write_all(&[0x81, 0xff, 0, 0, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0]).await.unwrap();
    let mut answer = [0; 4];
    socket.read_exact(&mut answer).await.unwrap();
    assert_eq!((answer[0], u16::from_be_bytes([answer[2], answer[3]])), (0x88, 1009));
    for _ in 0..8 * 1024 {
        socket.write_all(&[0x88; 1024]).await.unwrap();
    }
    socket.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.unwrap();
    let ended = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut Vec::new())).await;
    assert!(ended.is_ok(), "the server waits for its timeout");
    crate::support::eventually("its place is free", || server.gateway.connections() == 0).await;
}

#[tokio::test]
async fn channels_per_connection_are_limited() {
    let server = limited(|settings| settings.channels_max = 2).await;
    let mut client = server.connected("ann").await;
    assert!(client.subscribe(2, "room:1", "").await["subscribe"].is_object());
    assert!(client.subscribe(3, "room:2", "").await["subscribe"].is_object());
    assert_eq!(client.subscribe(4, "room:3", "").await["error"]["code"], 106);
    client.call(r#"{"id":5,"unsubscribe":{"channel":"room:1"}}"#).await;
    assert!(client.subscribe(6, "room:3", "").await["subscribe"].is_object());
}

#[tokio::test]
async fn calls_in_flight_are_limited_and_the_connection_stays_responsive() {
    let server = limited(|settings| settings.calls_in_flight_max = 2).await;
    let mut client = server.connected("ann").await;
    client.send(r#"{"id":2,"rpc":{"method":"never"}}"#).await;
    client.send(r#"{"id":3,"rpc":{"method":"never"}}"#).await;
    let refused = client.call(r#"{"id":4,"rpc":{"method":"never"}}"#).await;
    assert_eq!((refused["id"].as_u64(), refused["error"]["code"].as_u64()), (Some(4), Some(111)));
    assert!(client.subscribe(5, "room:1", "").await["subscribe"].is_object());
}

#[tokio::test]
async fn a_slow_reader_is_told_so_and_others_are_unaffected() {
    let server = limited(|settings| {
        settings.queued_bytes_max = 64 * 1024;
        settings.close_timeout = Duration::from_secs(60);
    })
    .await;
    let mut slow = server.connected("slow").await;
    let mut quick = server.connected("quick").await;
    for client in [&mut slow, &mut quick] {
        client.subscribe(2, "room:1", "").await;
    }
    let payload = format!("\"{}\"", "x".repeat(16 * 1024));
    // The kernel's buffers of both ends fill first. Who is slow has left the room before the close frame is read.
    for offset in 1..=4_000 {
        publish(&server.store, "1", &payload).await;
        assert_eq!(quick.pushed(1).await, [offset]);
        if offset % 50 == 0 {
            let stats = quick.call(r#"{"id":3,"presence_stats":{"channel":"room:1"}}"#).await;
            if stats["presence_stats"]["num_clients"] == 1 {
                assert_eq!(slow.closed().await, 3008);
                return;
            }
        }
    }
    panic!("nobody was called slow");
}

#[tokio::test]
async fn pings_come_at_their_cadence_and_an_unanswered_one_closes() {
    let server = limited(|settings| {
        settings.ping_interval = Duration::from_secs(1);
        settings.pong_timeout = Duration::from_millis(300);
    })
    .await;
    let mut client = server.connected("ann").await;
    assert_eq!(client.line().await, "{}");
    client.send("{}").await;
    assert_eq!(client.line().await, "{}");
    assert_eq!(client.closed().await, 3012);
}

#[tokio::test]
async fn a_pong_that_nobody_asked_for_is_a_bad_request() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.send("{}").await;
    assert_eq!(client.closed().await, 3501);
}

async fn refused(server: &Server) -> u16 {
    match Client::open(server.address, None).await {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{:?}", other.map(drop)),
    }
}

#[tokio::test]
async fn connections_in_all_and_from_one_address_are_limited_and_places_are_given_back() {
    for (status, server) in [
        (503, limited(|settings| settings.connections_max = 2).await),
        (429, limited(|settings| settings.connections_per_address_max = 2).await),
    ] {
        let (_first, second) = (server.client().await, server.client().await);
        assert_eq!(refused(&server).await, status);
        drop(second);
        crate::support::eventually("a free place", || server.gateway.connections() == 1).await;
        server.connected("ann").await;
    }
}

#[tokio::test]
async fn connections_of_one_user_are_limited_and_other_users_are_unaffected() {
    let server = limited(|settings| settings.connections_per_user_max = 2).await;
    let _both = (server.connected("ann").await, server.connected("ann").await);
    let mut third = server.client().await;
    third.send(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("ann"))).await;
    assert_eq!(third.closed().await, 3504);
    server.connected("bob").await;
}

#[tokio::test]
async fn each_operation_has_its_own_rate() {
    type Set = fn(&mut fanfare_gateway::Rates);
    let cases: [(Set, &str); 5] = [
        (|rates| rates.rpc = Some(Rate::new(1, 2)), r#"{"id":2,"rpc":{"method":"echo","data":1}}"#),
        (|rates| rates.subscribe = Some(Rate::new(1, 2)), r#"{"id":2,"subscribe":{"channel":"secret:1"}}"#),
        (
            |rates| rates.publish = Some(Rate::new(1, 2)),
            r#"{"id":2,"publish":{"channel":"secret:1","data":1}}"#,
        ),
        (|rates| rates.history = Some(Rate::new(1, 2)), r#"{"id":2,"history":{"channel":"secret:1"}}"#),
        (|rates| rates.presence = Some(Rate::new(1, 2)), r#"{"id":2,"presence":{"channel":"secret:1"}}"#),
    ];
    for (set, command) in cases {
        let server = limited(|settings| set(&mut settings.rates)).await;
        let mut client = server.connected("ann").await;
        let mut too_many = Vec::new();
        for _ in 0..3 {
            too_many.push(client.call(command).await["error"]["code"] == 111);
        }
        assert_eq!(too_many, [false, false, true], "{command}");
        // The others are not counted with it.
        for (_, other) in cases.iter().filter(|(_, other)| *other != command) {
            assert_ne!(client.call(other).await["error"]["code"], 111, "{other} after {command}");
        }
    }
}

#[tokio::test]
async fn a_history_call_returns_so_many_publications_at_most_however_many_it_asks_for() {
    let server = limited(|settings| settings.publications_max = 5).await;
    server.publish("1", 1..=8).await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    for limit in ["6", "-1", "2147483647"] {
        let reply =
            client.call(&format!(r#"{{"id":3,"history":{{"channel":"room:1","limit":{limit}}}}}"#)).await;
        assert_eq!(reply["history"]["publications"].as_array().unwrap().len(), 5, "{limit}");
    }
}

#[tokio::test]
async fn history_and_recovery_have_so_many_bytes_at_most_and_history_goes_on_where_it_ended() {
    let server = limited(|settings| settings.publications_bytes_max = 1_000).await;
    for _ in 0..200 {
        publish(&server.store, "1", &format!("\"{}\"", "x".repeat(80))).await;
    }
    publish(&server.store, "1", &format!("\"{}\"", "x".repeat(5_000))).await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    let mut read = Vec::new();
    while read.len() < 201 {
        let since = format!(r#"{{"epoch":"{}","offset":{}}}"#, server.store.epoch(), read.len());
        let history = format!(r#"{{"id":3,"history":{{"channel":"room:1","limit":300,"since":{since}}}}}"#);
        let reply = client.call(&history).await;
        assert_eq!(reply["history"]["offset"], 201);
        let page = reply["history"]["publications"].as_array().unwrap();
        let bytes: usize = page.iter().map(|publication| publication.to_string().len()).sum();
        assert!(!page.is_empty() && (bytes <= 1_000 || page.len() == 1), "{bytes} bytes in {}", page.len());
        read.extend(page.iter().map(|publication| publication["offset"].as_u64().unwrap()));
    }
    assert!(read.iter().copied().eq(1..=201), "{read:?}");
    let backwards = r#"{"id":4,"history":{"channel":"room:1","limit":300,"reverse":true}}"#;
    let newest = client.call(backwards).await["history"]["publications"].clone();
    assert_eq!((newest.as_array().unwrap().len(), newest[0]["offset"].as_u64()), (1, Some(201)));
    for (offset, is_recovered) in [(195, false), (199, false), (200, true), (201, true)] {
        client.call(r#"{"id":5,"unsubscribe":{"channel":"room:1"}}"#).await;
        let reply = client.subscribe(6, "room:1", &server.at(offset)).await;
        assert_eq!(reply["subscribe"]["recovered"].as_bool().unwrap_or_default(), is_recovered, "{offset}");
    }
}

#[tokio::test]
async fn the_rest_of_a_frame_waits_until_the_answers_to_its_beginning_are_taken() {
    static MARKED: AtomicUsize = AtomicUsize::new(0);
    let mark = async |_: Caller, (): ()| {
        MARKED.fetch_add(1, Ordering::SeqCst);
        Ok::<_, ErrorReply>(())
    };
    let server = Server::with(open(), |builder| builder.rpc("mark", mark)).await;
    let mut socket = crate::support::upgraded(server.address).await;
    let info = serde_json::json!({ "name": "x".repeat(40_000) });
    let token = crate::support::issuer().connection("ann", &info, crate::support::unix_now() + 3_600);
    let connect = format!(
        "{{\"id\":1,\"connect\":{{\"token\":\"{token}\"}}}}\n{{\"id\":2,\"subscribe\":{{\"channel\":\"room:1\"}}}}"
    );
    socket.write_all(&masked(&connect)).await.unwrap();
    read_until(&mut socket, "\"id\":2").await;
    // 800 answers of 40 KB: more than the kernel's buffers hold.
    let presence = r#"{"id":3,"presence":{"channel":"room:1"}}"#;
    let mark = r#"{"id":4,"rpc":{"method":"mark","data":null}}"#;
    let frame = format!("{}\n{mark}", vec![presence; 800].join("\n"));
    socket.write_all(&masked(&frame)).await.unwrap();
    socket.readable().await.unwrap();
    // The first answers are there. Others are served meanwhile.
    let mut other = server.connected("bob").await;
    for _ in 0..50 {
        other.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await;
    }
    assert_eq!(MARKED.load(Ordering::SeqCst), 0, "the frame's end was taken");
    let answers = read_until(&mut socket, "\"id\":4").await;
    assert_eq!(answers.matches("\"id\":3").count(), 800);
    assert_eq!(MARKED.load(Ordering::SeqCst), 1);
}

/// A frame as a client sends it.
fn masked(text: &str) -> Vec<u8> {
    let len = u64::try_from(text.len()).unwrap();
    let head = if len < 65_536 {
        [&[0x81, 0xfe][..], &u16::try_from(len).unwrap().to_be_bytes()].concat()
    } else {
        [&[0x81, 0xff][..], &len.to_be_bytes()].concat()
    };
    [&head, &[0; 4][..], text.as_bytes()].concat()
}

/// Everything up to these words, frames' heads among it.
async fn read_until(socket: &mut tokio::net::TcpStream, words: &str) -> String {
    let (mut all, mut seen) = (Vec::new(), 0);
    loop {
        let read = tokio::time::timeout(Duration::from_secs(20), socket.read_buf(&mut all)).await;
        assert_ne!(read.expect("an answer in time").unwrap(), 0, "it ended");
        let from = seen;
        seen = all.len().saturating_sub(words.len());
        if all[from..].windows(words.len()).any(|window| window == words.as_bytes()) {
            return String::from_utf8_lossy(&all).into_owned();
        }
    }
}

#[tokio::test]
async fn of_many_histories_few_are_read_before_the_first_are_taken() {
    static VIEWED: AtomicUsize = AtomicUsize::new(0);
    struct Counting;
    impl Policy for Counting {
        async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
            Ok(Grant::new(ChannelKey::new(Topic::from_static("chat.room"), &*request.channel)).history())
        }

        async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
            VIEWED.fetch_add(1, Ordering::SeqCst);
            let view = |record: &Arc<Recorded>| Json::parse(record.message.payload.clone()).unwrap();
            records.iter().map(|record| Publication::new(view(record))).collect()
        }
    }
    let store = open();
    for _ in 0..32 {
        publish(&store, "1", &format!("\"{}\"", "x".repeat(60_000))).await;
    }
    let tokens = Verifier::hs256(SECRET, "test").unwrap();
    let gateway = Gateway::builder(store.transport(), Counting).tokens(tokens);
    let gateway = gateway.rpc("echo", async |_: Caller, data: serde_json::Value| Ok::<_, ErrorReply>(data));
    let address = serve(gateway.build().unwrap().router()).await;
    let mut client = Client::open(address, None).await.unwrap();
    client.call(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("ann"))).await;
    client.subscribe(2, "1", "").await;
    let history = r#"{"id":3,"history":{"channel":"1","limit":300}}"#;
    client.send(&[history; 32].join("\n")).await;
    let mut other = Client::open(address, None).await.unwrap();
    other.call(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("bob"))).await;
    crate::support::eventually("the first are read", || VIEWED.load(Ordering::SeqCst) >= 4).await;
    for _ in 0..100 {
        other.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await;
    }
    // Each is 2 MB; the kernel's buffers hold a few of them.
    assert!(VIEWED.load(Ordering::SeqCst) < 20, "{VIEWED:?} are in memory");
    for _ in 0..32 {
        assert_eq!(client.next().await["history"]["publications"].as_array().unwrap().len(), 32);
    }
}

#[tokio::test]
async fn of_what_is_sent_so_much_is_handled_at_once_and_the_rest_waits_unread() {
    static LET_THROUGH: Semaphore = Semaphore::const_new(0);
    static BEGUN: AtomicUsize = AtomicUsize::new(0);
    static HANDLED: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let handler = async |_, _| {
        let running = BEGUN.fetch_add(1, Ordering::SeqCst) + 1 - HANDLED.load(Ordering::SeqCst);
        MOST.fetch_max(running, Ordering::SeqCst);
        LET_THROUGH.acquire().await.unwrap().forget();
        HANDLED.fetch_add(1, Ordering::SeqCst);
    };
    let mut settings = Settings::default();
    settings.calls_in_flight_max = 5;
    let server = Server::with(open(), |builder| builder.settings(settings).on_send(handler)).await;
    let mut client = server.connected("ann").await;
    client.send(&[r#"{"send":{"data":1}}"#; 100].join("\n")).await;
    client.send(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await;
    crate::support::eventually("five run", || BEGUN.load(Ordering::SeqCst) == 5).await;
    LET_THROUGH.add_permits(100);
    assert_eq!(client.next().await["id"], 2);
    crate::support::eventually("all are handled", || HANDLED.load(Ordering::SeqCst) == 100).await;
    assert_eq!(MOST.load(Ordering::SeqCst), 5);
}

#[tokio::test]
async fn publishes_and_history_reads_count_as_calls_in_flight_too() {
    let server = limited(|settings| settings.calls_in_flight_max = 1).await;
    let mut client = server.connected("ann").await;
    client.send(r#"{"id":2,"rpc":{"method":"never"}}"#).await;
    for command in
        [r#"{"id":3,"publish":{"channel":"room:1","data":1}}"#, r#"{"id":3,"history":{"channel":"room:1"}}"#]
    {
        assert_eq!(client.call(command).await["error"]["code"], 111, "{command}");
    }
}

#[tokio::test]
async fn the_address_that_the_program_tells_counts_rather_than_the_sockets() {
    let mut settings = Settings::default();
    settings.connections_per_address_max = 1;
    let store = open();
    let gateway = Gateway::builder(store.transport(), Rooms(store.clone()))
        .tokens(Verifier::hs256(SECRET, "test").unwrap())
        .settings(settings)
        .build()
        .unwrap();
    let told = middleware::from_fn(async |mut request: Request, next: Next| {
        let told = request.headers().get("origin").and_then(|told| told.to_str().ok()?.parse().ok());
        request.headers_mut().remove("origin");
        if let Some(address) = told {
            request.extensions_mut().insert(ClientAddress(address));
        }
        next.run(request).await
    });
    let address = serve(gateway.router().layer(told)).await;
    let _first = Client::open(address, Some("10.0.0.1")).await.unwrap();
    let _second = Client::open(address, Some("10.0.0.2")).await.unwrap();
    match Client::open(address, Some("10.0.0.2")).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), 429),
        other => panic!("{:?}", other.map(drop)),
    }
}

#[tokio::test]
async fn one_connection_may_have_far_more_than_a_hundred_channels_where_the_limit_says_so() {
    let server = limited(|settings| settings.channels_max = 600).await;
    let mut client = server.connected("ann").await;
    for room in 0..600 {
        let reply = client.subscribe(2, &format!("room:{room}"), "").await;
        assert!(reply["subscribe"].is_object(), "{room}: {reply}");
    }
    assert_eq!(client.subscribe(3, "room:600", "").await["error"]["code"], 106);
    for room in 0..600 {
        server.publish(&room.to_string(), [1]).await;
    }
    let mut channels = std::collections::HashSet::new();
    for _ in 0..600 {
        channels.insert(client.next().await["push"]["channel"].as_str().unwrap().to_owned());
    }
    assert_eq!(channels.len(), 600);
}

#[tokio::test]
async fn a_slow_reader_of_a_channel_where_the_newest_value_wins_gets_it_and_is_not_closed() {
    let server = limited(|settings| settings.queued_bytes_max = 64 * 1024).await;
    let mut slow = server.connected("slow").await;
    let mut quick = server.connected("quick").await;
    slow.subscribe(2, "ticker:1", "").await;
    quick.subscribe(2, "room:1", "").await;
    let payload = |number: u64| format!("\"{number} {}\"", "x".repeat(16 * 1024));
    // 16 MB: more than the kernel's buffers and the queue hold together.
    for number in 1..=1_000 {
        publish(&server.store, "1", &payload(number)).await;
        assert_eq!(quick.pushed(1).await, [number]);
    }
    let mut seen = vec![slow.pushed(1).await[0]];
    while seen.last() != Some(&1_000) {
        seen.extend(slow.pushed(1).await);
    }
    assert!(seen.is_sorted(), "{seen:?}");
    assert!(seen.len() < 1_000, "nothing was left out: the reader was not slow");
    assert_eq!(slow.call(r#"{"id":3,"rpc":{"method":"echo","data":1}}"#).await["id"], 3);
}

#[tokio::test]
async fn sending_too_often_closes_for_now() {
    let mut settings = Settings::default();
    settings.rates.send = Some(Rate::new(1, 1));
    let server = Server::with(open(), |builder| builder.settings(settings).on_send(async |_, _| ())).await;
    let mut client = server.connected("ann").await;
    client.send("{\"send\":{\"data\":1}}\n{\"send\":{\"data\":2}}").await;
    assert_eq!(client.closed().await, 3013);
}
