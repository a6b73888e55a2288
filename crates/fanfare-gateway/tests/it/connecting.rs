//! Getting in, and not getting in.

use crate::support::{Client, SECRET, Server, issuer, open, token, token_until, unix_now};
use fanfare_gateway::Settings;
use fanfare_gateway::auth::TokenIssuer;
use serde_json::json;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Error;

fn connect(token: &str) -> String {
    json!({ "id": 1, "connect": { "token": token, "name": "test" } }).to_string()
}

async fn closes(server: &Server, frame: &str) -> u16 {
    let mut client = server.client().await;
    client.send(frame).await;
    client.closed().await
}

#[tokio::test]
async fn a_token_connects_and_the_answer_has_what_clients_need() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let reply = client.call(&connect(&token("ann"))).await;
    assert_eq!(reply["id"], 1);
    assert!(reply["connect"]["client"].as_str().unwrap().len() == 36, "{reply}");
    assert_eq!(reply["connect"]["ping"], 25);
    assert_eq!(reply["connect"]["pong"], true);
    assert_eq!(reply["connect"]["expires"], true);
    assert!((3590..=3600).contains(&reply["connect"]["ttl"].as_u64().unwrap()), "{reply}");
}

#[tokio::test]
async fn the_first_command_is_connect() {
    let server = Server::start().await;
    for frame in [
        r#"{"id":1,"subscribe":{"channel":"room:1"}}"#,
        r#"{"id":1,"rpc":{"method":"echo"}}"#,
        r#"{"connect":{}}"#,
        r#"{"id":1}"#,
        "{}",
    ] {
        assert_eq!(closes(&server, frame).await, 3501, "{frame}");
    }
}

#[tokio::test]
async fn what_is_not_the_protocol_is_a_bad_request() {
    let server = Server::start().await;
    for frame in
        ["", "\n", "hello", "{\"id\":1,", "[]", "{\"id\":\"1\",\"connect\":{}}", "{\"id\":-1,\"connect\":{}}"]
    {
        assert_eq!(closes(&server, frame).await, 3501, "{frame:?}");
    }
    let mut client = server.client().await;
    client.send_binary(b"\xff\xfe").await;
    assert_eq!(client.closed().await, 3501);
}

#[tokio::test]
async fn json_in_a_binary_frame_is_read() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send_binary(connect(&token("ann")).as_bytes()).await;
    assert!(client.next().await["connect"]["client"].is_string());
}

#[tokio::test]
async fn a_second_connect_is_a_bad_request() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.send(&connect(&token("ann"))).await;
    assert_eq!(client.closed().await, 3501);
}

#[tokio::test]
async fn tokens_of_others_are_terminal() {
    let server = Server::start().await;
    let (other_secret, other_audience) = (b"another-secret-another-secret-32", "elsewhere");
    let exp = unix_now() + 60;
    let good = token("ann");
    let (head, _signature) = good.rsplit_once('.').unwrap();
    let none = format!("eyJhbGciOiJub25lIn0.{}.", head.split_once('.').unwrap().1);
    for bad in [
        TokenIssuer::hs256(other_secret, "test").unwrap().connection("ann", &json!({}), exp),
        TokenIssuer::hs256(SECRET, other_audience).unwrap().connection("ann", &json!({}), exp),
        issuer().subscription("ann", "room:1", exp),
        none,
        format!("{head}."),
        "nonsense".into(),
    ] {
        assert_eq!(closes(&server, &connect(&bad)).await, 3500, "{bad}");
    }
}

#[tokio::test]
async fn without_a_token_nobody_connects_unless_anonymous_users_are_welcome() {
    let server = Server::start().await;
    assert_eq!(closes(&server, &connect("")).await, 3501);
    let open_to_all = Server::with(open(), |builder| builder.allow_anonymous()).await;
    assert!(open_to_all.client().await.call(&connect("")).await["connect"]["client"].is_string());
}

#[tokio::test]
async fn an_expired_token_is_told_so_and_nothing_else_is_answered() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let expired = connect(&token_until("ann", unix_now() - 1));
    client.send(&format!("{expired}\n{}", r#"{"id":2,"subscribe":{"channel":"room:1"}}"#)).await;
    let reply = client.next().await;
    assert_eq!(reply, json!({ "id": 1, "error": { "code": 109, "message": "token expired" } }));
    client.send(&connect(&token("ann"))).await;
    client.cut().await;
}

#[tokio::test]
async fn a_foreign_page_may_not_connect() {
    let server = Server::with(open(), |builder| builder.allow_origin("https://chat.example")).await;
    assert!(Client::open(server.address, Some("https://chat.example")).await.is_ok());
    for origin in ["https://evil.example", "null", "http://127.0.0.1"] {
        match Client::open(server.address, Some(origin)).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 403, "{origin}"),
            other => panic!("{origin}: {:?}", other.map(drop)),
        }
    }
}

#[tokio::test]
async fn who_never_connects_is_stale() {
    let mut settings = Settings::default();
    settings.connect_timeout = Duration::from_millis(100);
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    assert_eq!(server.client().await.closed().await, 3502);
}

#[tokio::test]
async fn a_connection_that_is_not_refreshed_expires() {
    let mut settings = Settings::default();
    settings.expiry_grace = Duration::ZERO;
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    let mut client = server.client().await;
    client.call(&connect(&token_until("ann", unix_now() + 1))).await;
    assert_eq!(client.closed().await, 3005);
}

#[tokio::test]
async fn a_refresh_extends_the_connection_and_needs_the_same_user() {
    let server = Server::start().await;
    let refresh = |token: String| json!({ "id": 2, "refresh": { "token": token } }).to_string();
    let mut client = server.connected("ann").await;
    let reply = client.call(&refresh(token_until("ann", unix_now() + 7200))).await;
    assert!(reply["refresh"]["ttl"].as_u64().unwrap() > 7100, "{reply}");
    client.send(&refresh(token("bob"))).await;
    assert_eq!(client.closed().await, 3500);
    for (bad, code) in
        [(token_until("ann", unix_now() - 1), 3005), ("nonsense".into(), 3500), (String::new(), 3501)]
    {
        let mut client = server.connected("ann").await;
        client.send(&refresh(bad)).await;
        assert_eq!(client.closed().await, code);
    }
}
