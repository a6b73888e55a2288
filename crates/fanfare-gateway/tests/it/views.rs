//! The application's view of records, when it fails.

use crate::support::{Client, SECRET, Store, open, publish, serve, token};
use fanfare_core::{Recorded, Topic};
use fanfare_gateway::auth::Verifier;
use fanfare_gateway::{Caller, ChannelKey, ErrorReply, Gateway, Grant, Json, Policy, Publication, Subscribe};
use serde_json::{Value, json};
use std::sync::Arc;

/// Shows numbers; panics at `"panic"`, and forgets `"forget"`.
struct Fragile;

impl Policy for Fragile {
    async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        Ok(Grant::new(ChannelKey::new(Topic::from_static("chat.room"), &*request.channel)).history())
    }

    async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
        let mut views = Vec::new();
        for record in records {
            let data = Json::parse(record.message.payload.clone()).unwrap();
            assert_ne!(data.as_str(), "\"panic\"", "on purpose");
            if data.as_str() != "\"forget\"" {
                views.push(Publication::new(data));
            }
        }
        views
    }
}

async fn start() -> (Store, Client) {
    let store = open();
    let gateway = Gateway::builder(store.transport(), Fragile)
        .tokens(Verifier::hs256(SECRET, "test").unwrap())
        .build()
        .unwrap();
    let mut client = Client::open(serve(gateway.router()).await, None).await.unwrap();
    let connected = client.call(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("ann"))).await;
    assert!(connected["connect"].is_object());
    (store, client)
}

fn seen(publications: &Value) -> Vec<(u64, Value)> {
    let seen = |publication: &Value| (publication["offset"].as_u64().unwrap(), publication["data"].clone());
    publications.as_array().unwrap().iter().map(seen).collect()
}

#[tokio::test]
async fn a_record_that_cannot_be_shown_comes_as_null_and_the_channel_goes_on() {
    let (store, mut client) = start().await;
    client.subscribe(2, "1", "").await;
    let payloads = ["1", "\"panic\"", "3", "\"forget\"", "5"];
    let expected: Vec<(u64, Value)> =
        (1..).zip([json!(1), Value::Null, json!(3), Value::Null, json!(5)]).collect();
    let mut live = Vec::new();
    for payload in payloads {
        publish(&store, "1", payload).await;
        live.push(client.next().await["push"]["pub"].clone());
    }
    assert_eq!(seen(&Value::Array(live)), expected);
    let history = client.call(r#"{"id":3,"history":{"channel":"1","limit":9}}"#).await;
    assert_eq!(seen(&history["history"]["publications"]), expected);
    client.call(r#"{"id":4,"unsubscribe":{"channel":"1"}}"#).await;
    let again = client.subscribe(5, "1", r#","recover":true"#).await;
    assert_eq!(seen(&again["subscribe"]["publications"]), expected);
}

#[tokio::test]
async fn a_failing_view_of_one_channel_is_nothing_to_another_of_its_topic() {
    let (store, mut client) = start().await;
    client.subscribe(2, "1", "").await;
    client.subscribe(3, "2", "").await;
    publish(&store, "1", "\"panic\"").await;
    publish(&store, "2", "7").await;
    assert_eq!(client.next().await["push"]["pub"], json!({ "data": null, "offset": 1 }));
    assert_eq!(client.next().await["push"]["pub"], json!({ "data": 7, "offset": 1 }));
}
