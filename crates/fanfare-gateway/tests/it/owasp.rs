//! The OWASP cheat sheet on WebSocket security, line by line: what of it concerns a server. Each test names its line.
//!
//! What it says of browsers' cookies, logins and pages is the application's part and tested there (`apps/messenger`);
//! transport security (wss) is the program's that mounts the gateway.

use crate::support::{Client, Server, open, token};
use fanfare_gateway::{Disconnect, Json, Rate, Settings};
use serde_json::json;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Error;

/// What a raw request is answered, head only. A client library would not send most of these.
async fn answer(server: &Server, change: impl Fn(String) -> String) -> String {
    let address = server.address;
    let request = change(format!(
        "GET /connection/websocket HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    ));
    let answered = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.write_all(request.as_bytes()).unwrap();
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") && socket.read(&mut byte).unwrap() > 0 {
            head.extend_from_slice(&byte);
        }
        String::from_utf8(head).unwrap()
    });
    answered.await.unwrap()
}

#[tokio::test]
async fn only_rfc_6455_is_spoken_and_older_drafts_are_refused() {
    let server = Server::start().await;
    assert!(answer(&server, |good| good).await.starts_with("HTTP/1.1 101"));
    for version in ["0", "7", "8", "12", "14"] {
        let refused =
            answer(&server, |good| good.replace("Version: 13", &format!("Version: {version}"))).await;
        assert!(refused.starts_with("HTTP/1.1 426"), "{version}: {refused}");
        assert!(refused.contains("sec-websocket-version: 13"), "{refused}");
    }
    for (what, with) in [
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key: short"),
        ("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Key1: 4 @1  46546xW%0l 1 5"),
        ("Upgrade: websocket", "Upgrade: h2c"),
        ("Connection: Upgrade", "Connection: close"),
        ("HTTP/1.1\r\nHost", "HTTP/1.0\r\nHost"),
    ] {
        let refused = answer(&server, |good| good.replace(what, with)).await;
        assert!(refused.contains(" 400 "), "{with}: {refused}");
    }
}

#[tokio::test]
async fn compression_is_never_agreed_to() {
    let server = Server::start().await;
    let offered = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n";
    let answered = answer(&server, |good| good.replace("\r\n\r\n", &format!("\r\n{offered}"))).await;
    assert!(answered.starts_with("HTTP/1.1 101"), "{answered}");
    assert!(!answered.to_lowercase().contains("extensions"), "{answered}");
}

#[tokio::test]
async fn the_origin_is_checked_on_every_handshake_against_a_list_without_wildcards_or_substrings() {
    let server = Server::with(open(), |builder| builder.allow_origin("https://chat.example")).await;
    for foreign in [
        "https://chat.example.evil.com",
        "https://evil-chat.example",
        "https://sub.chat.example",
        "http://chat.example",
        "https://chat.example:8443",
        "null",
    ] {
        match Client::open(server.address, Some(foreign)).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{foreign}"),
            other => panic!("{foreign}: {:?}", other.map(drop)),
        }
    }
    assert!(Client::open(server.address, Some("https://chat.example")).await.is_ok());
}

#[tokio::test]
async fn without_a_list_no_page_of_any_origin_connects() {
    let server = Server::start().await;
    let own = format!("http://{}", server.address);
    assert!(matches!(Client::open(server.address, Some(&own)).await, Err(Error::Http(_))));
}

#[tokio::test]
async fn a_cookie_alone_authenticates_nobody() {
    let server = Server::start().await;
    let with_cookie = answer(&server, |good| good.replace("\r\n\r\n", "\r\nCookie: session=1\r\n\r\n")).await;
    assert!(with_cookie.starts_with("HTTP/1.1 101"), "{with_cookie}");
    // The upgrade gives nothing yet: the first message must carry the token, which no other site has.
    let mut client = server.client().await;
    client.send(r#"{"id":1,"connect":{}}"#).await;
    assert_eq!(client.closed().await, 3501);
}

#[tokio::test]
async fn logging_out_closes_every_connection_of_the_user_at_once() {
    let server = Server::start().await;
    let mut theirs = vec![server.connected("ann").await, server.connected("ann").await];
    let mut other = server.connected("bob").await;
    assert_eq!(server.gateway.disconnect("ann", &Disconnect::FORCE_DISCONNECT), 2);
    for client in &mut theirs {
        assert_eq!(client.closed().await, 3503);
    }
    assert_eq!(other.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await["id"], 2);
}

#[tokio::test]
async fn each_action_is_authorised_and_being_connected_allows_none() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    for denied in [
        r#"{"id":2,"subscribe":{"channel":"secret:1"}}"#,
        r#"{"id":2,"publish":{"channel":"secret:1","data":1}}"#,
        r#"{"id":2,"history":{"channel":"secret:1","limit":1}}"#,
        r#"{"id":2,"presence":{"channel":"secret:1"}}"#,
        r#"{"id":2,"presence_stats":{"channel":"secret:1"}}"#,
    ] {
        let reply = client.call(denied).await;
        assert_eq!(reply["error"]["code"], 103, "{denied}: {reply}");
    }
}

#[tokio::test]
async fn injected_text_stays_data_and_breaks_no_frame() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    for hostile in [
        "<script>alert(1)</script>",
        "'; DROP TABLE people; --",
        "$(rm -rf /)",
        "\"}}\n{\"push\":{\"channel\":\"room:1\",\"unsubscribe\":{\"code\":2000}}}",
        "\u{2028}\u{0}\u{7f}\\",
    ] {
        let publish = json!({ "id": 3, "publish": { "channel": "room:1", "data": hostile } });
        client.send(&publish.to_string()).await;
        let lines = [client.next().await, client.next().await];
        let push = lines.iter().find(|line| line["push"].is_object()).unwrap();
        assert_eq!(push["push"]["pub"]["data"]["data"], hostile);
    }
}

#[tokio::test]
async fn malformed_messages_end_their_connection_and_nobody_elses() {
    let server = Server::start().await;
    let mut other = server.connected("bob").await;
    for bad in ["{", "nonsense", r#"{"id":2,"rpc":[]}"#, r#"{"id":{},"rpc":{}}"#, r#"{"id":2,"what":{}}"#] {
        let mut client = server.connected("ann").await;
        client.send(bad).await;
        assert_eq!(client.closed().await, 3501, "{bad}");
    }
    let mut deep = server.connected("ann").await;
    deep.send(&format!(r#"{{"id":2,"rpc":{{"method":"echo","data":{}}}}}"#, "[".repeat(30_000))).await;
    assert_eq!(deep.closed().await, 3501);
    assert_eq!(other.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await["id"], 2);
}

#[tokio::test]
async fn flooding_with_messages_is_answered_with_too_many_and_handled_no_further() {
    let mut settings = Settings::default();
    settings.rates.publish = Some(Rate::new(1, 10));
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    let mut client = server.connected("ann").await;
    let flood: Vec<String> =
        (2..102).map(|id| format!(r#"{{"id":{id},"publish":{{"channel":"room:1","data":1}}}}"#)).collect();
    client.send(&flood.join("\n")).await;
    let mut refused = 0;
    for _ in 0..100 {
        refused += usize::from(client.next().await["error"]["code"] == 111);
    }
    // A second may pass meanwhile.
    assert!((80..=90).contains(&refused), "{refused}");
}

#[tokio::test]
async fn an_idle_connection_that_is_dead_is_found_by_pings() {
    let mut settings = Settings::default();
    (settings.ping_interval, settings.pong_timeout) =
        (Duration::from_millis(1_100), Duration::from_millis(200));
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    let mut client = server.connected("ann").await;
    assert_eq!(client.closed().await, 3012);
}

#[tokio::test]
async fn who_reads_nothing_and_asks_much_is_not_read_any_further() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    let big = format!(r#"{{"id":2,"rpc":{{"method":"echo","data":"{}"}}}}"#, "x".repeat(60_000));
    // Answers pile up in the kernel's buffers, then in the connection's own bound, then the server stops reading: so this
    // client cannot send for ever either.
    let stuck = tokio::time::timeout(Duration::from_secs(3), async {
        for _ in 0..2_000 {
            client.send(&big).await;
        }
    });
    assert!(stuck.await.is_err(), "120 MB were taken from a client that reads no answers");
}

#[tokio::test]
async fn what_a_connection_may_cost_is_bounded_in_all_per_user_and_per_address() {
    // The numbers themselves are tested in `limits`; here, that there are any without asking for them.
    let settings = Settings::default();
    assert_eq!(settings.message_bytes_max, 64 * 1024);
    assert!(settings.connections_max <= 50_000);
    assert!(settings.connections_per_user_max <= 128);
    assert!(settings.connections_per_address_max <= 4_096);
    assert!(settings.queued_bytes_max <= 1 << 20);
    assert!(settings.connect_timeout <= Duration::from_secs(15));
}

#[tokio::test]
async fn a_message_to_one_user_reaches_nobody_else() {
    let server = Server::start().await;
    let mut ann = server.connected("ann").await;
    let mut bob = server.connected("bob").await;
    assert_eq!(server.gateway.send("ann", &Json::of("for ann").unwrap()), 1);
    assert_eq!(ann.next().await["push"]["message"]["data"], "for ann");
    assert_eq!(bob.call(r#"{"id":2,"rpc":{"method":"echo","data":1}}"#).await["id"], 2);
}

#[tokio::test]
async fn no_log_line_holds_a_token_or_a_message() {
    use std::sync::{Arc, Mutex};
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || writer.clone())
        .finish();
    // This test's runtime has one thread: everything of the server logs here.
    let _default = tracing::subscriber::set_default(subscriber);
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    client.send(r#"{"id":3,"publish":{"channel":"room:1","data":"s3cret-message"}}"#).await;
    client.next().await;
    let mut refused = server.client().await;
    refused.send(r#"{"id":1,"connect":{"token":"s3cret-token"}}"#).await;
    assert_eq!(refused.closed().await, 3500);
    let logged = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    let own: Vec<&str> = logged.lines().filter(|line| line.contains("fanfare_gateway")).collect();
    assert!(own.iter().any(|line| line.contains("connecting")), "{logged}");
    assert!(own.iter().any(|line| line.contains("connect refused")), "{logged}");
    for secret in ["s3cret", &token("ann")[..40]] {
        assert!(!own.iter().any(|line| line.contains(secret)), "{secret}: {own:?}");
    }
}
