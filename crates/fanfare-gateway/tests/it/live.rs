//! Pushes.

use crate::support::{Server, eventually};
use fanfare_gateway::{Disconnect, Json, Unsubscribe};
use serde_json::json;
use std::time::Duration;

#[tokio::test]
async fn everybody_in_the_channel_gets_every_publication_in_order() {
    let server = Server::start().await;
    let mut clients = vec![server.connected("ann").await, server.connected("bob").await];
    for client in &mut clients {
        client.subscribe(2, "room:1", "").await;
    }
    server.publish("1", 1..=100).await;
    server.publish("2", 1..=5).await;
    for client in &mut clients {
        assert_eq!(client.pushed(100).await, (1..=100).collect::<Vec<u64>>());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_storm_during_subscribe_loses_and_repeats_nothing() {
    let server = std::sync::Arc::new(Server::start().await);
    let storm = {
        let server = std::sync::Arc::clone(&server);
        tokio::spawn(async move {
            for number in 1.. {
                server.publish("1", [number]).await;
                tokio::task::yield_now().await;
            }
        })
    };
    let mut recovered_some = false;
    for round in 0..30 {
        let mut client = server.connected(&format!("user-{round}")).await;
        let reply = client.subscribe(2, "room:1", "").await;
        let offset = reply["subscribe"]["offset"].as_u64().unwrap_or(0);
        assert_eq!(client.pushed(20).await, (offset + 1..).take(20).collect::<Vec<u64>>());
        let mut again = server.connected("again").await;
        let reply = again.subscribe(2, "room:1", &server.at(offset)).await;
        // More than a recovery brings may have been said meanwhile.
        if reply["subscribe"]["recovered"] == true {
            recovered_some = true;
            let recovered = reply["subscribe"]["publications"].as_array().unwrap();
            let mut offsets: Vec<u64> = recovered.iter().map(|p| p["offset"].as_u64().unwrap()).collect();
            offsets.extend(again.pushed(20).await);
            assert_eq!(offsets, (offset + 1..).take(offsets.len()).collect::<Vec<u64>>());
        }
    }
    assert!(recovered_some, "no subscribe was a recovery");
    storm.abort();
}

#[tokio::test]
async fn who_comes_and_goes_is_told_where_that_is_wanted() {
    let server = Server::start().await;
    let mut ann = server.connected("ann").await;
    ann.subscribe(2, "lobby:1", "").await;
    assert_eq!(ann.next().await["push"]["join"]["info"]["user"], "ann");
    let mut bob = server.connected("bob").await;
    bob.subscribe(2, "lobby:1", "").await;
    assert_eq!(bob.next().await["push"]["join"]["info"]["user"], "bob");
    let join = ann.next().await;
    assert_eq!(join["push"]["channel"], "lobby:1");
    assert_eq!(join["push"]["join"]["info"]["conn_info"], json!({ "name": "BOB" }));
    drop(bob);
    assert_eq!(ann.next().await["push"]["leave"]["info"]["user"], "bob");
    assert_eq!(ann.call(r#"{"id":3,"unsubscribe":{"channel":"lobby:1"}}"#).await["id"], 3);
}

#[tokio::test]
async fn the_application_can_push_unsubscribe_and_disconnect() {
    let server = Server::start().await;
    let mut ann = server.connected("ann").await;
    ann.subscribe(2, "room:1", "").await;
    assert_eq!(server.gateway.send("ann", &Json::of(&json!({ "note": 1 })).unwrap()), 1);
    assert_eq!(ann.next().await, json!({ "push": { "message": { "data": { "note": 1 } } } }));
    server.gateway.unsubscribe("ann", "room:1", &Unsubscribe::SERVER);
    assert_eq!(
        ann.next().await,
        json!({ "push": { "channel": "room:1", "unsubscribe": { "code": 2000, "reason": "server unsubscribe" } } })
    );
    server.gateway.disconnect("bob", &Disconnect::FORCE_DISCONNECT);
    server.gateway.disconnect("ann", &Disconnect::new(4501, "banned"));
    assert_eq!(ann.closed().await, 4501);
}

#[tokio::test]
async fn a_drain_tells_everybody_to_come_back_and_ends_their_tasks() {
    let server = Server::start().await;
    let mut clients =
        vec![server.connected("ann").await, server.connected("bob").await, server.client().await];
    eventually("three connections", || server.gateway.connections() == 3).await;
    let gateway = server.gateway.clone();
    let drained = tokio::spawn(async move { gateway.drain(Duration::from_secs(10)).await });
    for client in &mut clients {
        assert_eq!(client.closed().await, 3001);
        client.cut().await;
    }
    assert_eq!(drained.await.unwrap(), 0);
    assert!(crate::support::Client::open(server.address, None).await.is_err());
}
