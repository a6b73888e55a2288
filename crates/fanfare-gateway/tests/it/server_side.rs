//! Subscriptions that the server makes.

use crate::support::{Client, Server, eventually, issuer, token, unix_now};
use fanfare_core::Topic;
use fanfare_gateway::{ChannelKey, Json, Publication, Target, Unsubscribe};
use serde_json::{Value, json};

async fn connect(server: &Server, subs: Value) -> (Client, Value) {
    let mut client = server.client().await;
    let command = json!({ "id": 1, "connect": { "token": token("guest"), "subs": subs } });
    let reply = client.call(&command.to_string()).await;
    (client, reply)
}

#[tokio::test]
async fn they_come_with_the_connect_reply_and_recover_when_the_client_comes_back() {
    let server = Server::start().await;
    server.publish("1", 1..=2).await;
    let (mut client, reply) = connect(&server, json!({})).await;
    let epoch = server.store.epoch();
    let position = json!({ "recoverable": true, "positioned": true, "epoch": epoch, "offset": 2 });
    assert_eq!(reply["connect"]["subs"], json!({ "room:1": position }));
    server.publish("1", 3..=3).await;
    assert_eq!(client.pushed(1).await, [3]);
    drop(client);
    server.publish("1", 4..=5).await;
    let resume = json!({ "room:1": { "recover": true, "epoch": epoch, "offset": 3 } });
    let (mut client, reply) = connect(&server, resume).await;
    let sub = &reply["connect"]["subs"]["room:1"];
    assert_eq!((sub["recovered"].as_bool(), sub["offset"].as_u64()), (Some(true), Some(3)));
    assert_eq!(sub["publications"].as_array().unwrap().len(), 2);
    server.publish("1", 6..=6).await;
    assert_eq!(client.pushed(1).await, [6]);
}

#[tokio::test]
async fn a_client_may_leave_them_but_not_subscribe_again_beside_them() {
    let server = Server::start().await;
    let (mut client, _) = connect(&server, json!({})).await;
    assert_eq!(client.subscribe(2, "room:1", "").await["error"]["code"], 105);
    assert_eq!(
        client.call(r#"{"id":3,"unsubscribe":{"channel":"room:1"}}"#).await,
        json!({"id":3,"unsubscribe":{}})
    );
    server.publish("1", 1..=1).await;
    assert_eq!(client.call(r#"{"id":4,"rpc":{"method":"echo","data":1}}"#).await["id"], 4);
}

#[tokio::test]
async fn the_policy_may_turn_somebody_away() {
    let server = Server::start().await;
    let mut client = server.client().await;
    client.send(&json!({ "id": 1, "connect": { "token": token("banned") } }).to_string()).await;
    assert_eq!(client.closed().await, 4501);
}

#[tokio::test]
async fn a_living_connection_is_given_a_channel_and_loses_it_again() {
    let server = Server::start().await;
    server.publish("1", 1..=2).await;
    let mut client = server.connected("ann").await;
    assert_eq!(server.gateway.subscribe("ann", "room:1"), 1);
    let position =
        json!({ "recoverable": true, "positioned": true, "epoch": server.store.epoch(), "offset": 2 });
    assert_eq!(client.next().await, json!({ "push": { "channel": "room:1", "subscribe": position } }));
    server.publish("1", 3..=3).await;
    assert_eq!(client.pushed(1).await, [3]);
    // Once more is told once more, with where it stands.
    server.gateway.subscribe("ann", "room:1");
    assert_eq!(client.next().await["push"]["subscribe"]["offset"], 3);
    assert_eq!(client.subscribe(2, "room:1", "").await["error"]["code"], 105);
    server.gateway.unsubscribe("ann", "room:1", &Unsubscribe::SERVER);
    assert_eq!(client.next().await["push"]["unsubscribe"]["code"], 2000);
    server.publish("1", 4..=4).await;
    assert_eq!(client.call(r#"{"id":4,"rpc":{"method":"echo","data":1}}"#).await["id"], 4);
}

#[tokio::test]
async fn one_connection_of_a_user_is_meant_or_all_but_some() {
    let server = Server::start().await;
    let (mut first, mut second) = (server.connected("ann").await, server.connected("ann").await);
    let subscribed = first.subscribe(2, "lobby:1", "").await;
    assert!(subscribed["subscribe"].is_object(), "{subscribed}");
    let joined = first.next().await;
    let id = joined["push"]["join"]["info"]["client"].as_str().unwrap().to_owned();
    let one = Target::new("ann").only(&id);
    assert_eq!(server.gateway.send(one, &Json::null()), 1);
    assert!(first.next().await["push"]["message"].is_object());
    let others = [id];
    let but_it = Target::new("ann").except(&others);
    assert_eq!(server.gateway.disconnect(but_it, &fanfare_gateway::Disconnect::FORCE_DISCONNECT), 1);
    assert_eq!(second.closed().await, 3503);
    assert_eq!(first.call(r#"{"id":4,"rpc":{"method":"echo","data":1}}"#).await["id"], 4);
}

#[tokio::test]
async fn a_connections_token_gives_it_channels_with_what_it_says_of_them() {
    let server = Server::start().await;
    let mut client = server.client().await;
    let claims = json!({
        "sub": "ann", "aud": "test", "exp": unix_now() + 60, "subs": { "token:a": { "data": { "hello": 1 } } }
    });
    let command = json!({ "id": 1, "connect": { "token": issuer().sign(&claims) } });
    let reply = client.call(&command.to_string()).await;
    assert_eq!(reply["connect"]["subs"]["token:a"]["data"]["hello"], 1, "{reply}");
    // With another set it comes back for it.
    let refreshed = json!({ "id": 2, "refresh": { "token": token("ann") } });
    client.send(&refreshed.to_string()).await;
    assert_eq!(client.closed().await, 3010);
}

#[tokio::test]
async fn a_push_has_no_offset_reaches_who_is_there_and_is_kept_nowhere() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    let key = ChannelKey::new(Topic::from_static("chat.room"), "1");
    server.gateway.push("room:1", &key, &Publication::new(Json::of(&"typing").unwrap()));
    server.gateway.push("room:2", &key, &Publication::new(Json::null()));
    assert_eq!(client.line().await, r#"{"push":{"channel":"room:1","pub":{"data":"typing"}}}"#);
    server.publish("1", 1..=1).await;
    assert_eq!(client.pushed(1).await, [1]);
}

#[tokio::test]
async fn channels_and_who_is_in_them_can_be_asked() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    client.subscribe(2, "room:1", "").await;
    client.subscribe(3, "live:1", "").await;
    let mut channels = server.gateway.channels();
    channels.sort();
    assert_eq!(channels, [("live:1".to_owned(), 1), ("room:1".to_owned(), 1)]);
    let key = ChannelKey::new(Topic::from_static("chat.room"), "1");
    assert_eq!(server.gateway.present("room:1", &key).len(), 1);
    assert_eq!(server.gateway.users(), 1);
    drop(client);
    eventually("the channels are empty", || server.gateway.channels().is_empty()).await;
}
