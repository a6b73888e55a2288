//! Coming back.

use crate::support::Server;
use serde_json::{Value, json};

/// What a client that stands at (epoch, offset) is answered.
async fn resume(server: &Server, channel: &str, more: &str) -> Value {
    server.connected("ann").await.subscribe(2, channel, more).await
}

fn offsets(reply: &Value) -> Vec<u64> {
    let publications = reply["subscribe"]["publications"].as_array();
    publications.into_iter().flatten().map(|publication| publication["offset"].as_u64().unwrap()).collect()
}

#[tokio::test]
async fn what_was_missed_is_recovered_completely_or_not_at_all() {
    let server = Server::start().await;
    server.publish("1", 1..=310).await;
    for missed in [0, 1, 5, 299, 300, 301, 310] {
        let offset = 310 - missed;
        let reply = resume(&server, "room:1", &server.at(offset)).await;
        let subscribe = &reply["subscribe"];
        assert_eq!(subscribe["was_recovering"], true);
        if missed <= 300 {
            assert_eq!(subscribe["recovered"], true, "{missed} missed");
            assert_eq!(subscribe["offset"].as_u64().unwrap_or(0), offset, "the offset that the client sent");
            assert_eq!(offsets(&reply), (offset + 1..=310).collect::<Vec<u64>>());
        } else {
            assert_eq!(subscribe["recovered"], Value::Null, "{missed} missed");
            assert_eq!((subscribe["offset"].as_u64(), offsets(&reply)), (Some(310), vec![]));
        }
    }
}

#[tokio::test]
async fn another_epoch_or_a_future_offset_is_not_recovered_and_brings_no_publications() {
    let server = Server::start().await;
    server.publish("1", 1..=3).await;
    for position in [
        r#","recover":true,"epoch":"e1","offset":2"#.to_owned(),
        r#","recover":true,"epoch":"_","offset":3"#.to_owned(),
        server.at(4),
    ] {
        let reply = resume(&server, "room:1", &position).await;
        let expected = json!({
            "recoverable": true, "positioned": true, "epoch": server.store.epoch(), "offset": 3, "was_recovering": true
        });
        assert_eq!(reply["subscribe"], expected, "{position}");
    }
}

#[tokio::test]
async fn a_client_may_ask_for_an_error_instead_of_an_unrecovered_subscription() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    let subscribe =
        r#"{"id":2,"subscribe":{"channel":"room:1","flag":3,"recover":true,"epoch":"x","offset":1}}"#;
    assert_eq!(client.call(subscribe).await["error"]["code"], 112);
    assert!(client.subscribe(3, "room:1", "").await["subscribe"].is_object());
}

#[tokio::test]
async fn an_empty_epoch_stands_for_any() {
    let server = Server::start().await;
    server.publish("1", 1..=2).await;
    let reply = resume(&server, "room:1", r#","recover":true"#).await;
    assert_eq!((reply["subscribe"]["recovered"].as_bool(), offsets(&reply)), (Some(true), vec![1, 2]));
}

#[tokio::test]
async fn a_live_only_channel_has_no_position() {
    let server = Server::start().await;
    server.publish("1", 1..=2).await;
    let reply = resume(&server, "live:1", &server.at(1)).await;
    assert_eq!(reply["subscribe"], json!({ "was_recovering": true }));
}

#[tokio::test]
async fn a_cut_connection_recovers_what_it_missed() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    server.publish("1", 1..=3).await;
    assert_eq!(client.pushed(3).await, [1, 2, 3]);
    drop(client);
    server.publish("1", 4..=7).await;
    let reply = resume(&server, "room:1", &server.at(3)).await;
    assert_eq!((reply["subscribe"]["recovered"].as_bool(), offsets(&reply)), (Some(true), vec![4, 5, 6, 7]));
}
