//! Subscriptions that the server makes.

use crate::support::{Server, token};
use serde_json::{Value, json};

async fn connect(server: &Server, subs: Value) -> (crate::support::Client, Value) {
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
