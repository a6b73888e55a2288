//! Channels that are taken away while they are being subscribed.

use crate::support::{Client, SECRET, Store, eventually, open, publish, serve, token};
use fanfare_core::{Recorded, Topic};
use fanfare_gateway::auth::Verifier;
use fanfare_gateway::{
    Caller, ChannelKey, ErrorReply, Gateway, Grant, Json, Policy, Publication, Subscribe, Unsubscribe,
};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::sync::Semaphore;

/// A view that answers when it is let to.
#[derive(Clone)]
struct Slow {
    let_through: Arc<Semaphore>,
    looking: Arc<AtomicUsize>,
}

impl Policy for Slow {
    async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        Ok(Grant::new(ChannelKey::new(Topic::from_static("chat.room"), &*request.channel)).history())
    }

    async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
        self.looking.fetch_add(1, Ordering::SeqCst);
        self.let_through.acquire().await.unwrap().forget();
        let view =
            |record: &Arc<Recorded>| Publication::new(Json::parse(record.message.payload.clone()).unwrap());
        records.iter().map(view).collect()
    }
}

struct Bench {
    store: Store,
    gateway: Gateway,
    slow: Slow,
    client: Client,
}

async fn start() -> Bench {
    let store = open();
    let slow = Slow { let_through: Arc::new(Semaphore::new(0)), looking: Arc::default() };
    let gateway = Gateway::builder(store.transport(), slow.clone())
        .tokens(Verifier::hs256(SECRET, "test").unwrap())
        .build()
        .unwrap();
    let mut client = Client::open(serve(gateway.router()).await, None).await.unwrap();
    let connected = client.call(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("ann"))).await;
    assert!(connected["connect"].is_object());
    Bench { store, gateway, slow, client }
}

impl Bench {
    async fn is_looked_at(&self, times: usize) {
        eventually("a view", || self.slow.looking.load(Ordering::SeqCst) == times).await;
    }
}

#[tokio::test]
async fn what_is_written_after_a_channel_was_taken_away_is_not_in_a_recovery_that_had_begun() {
    let mut bench = start().await;
    publish(&bench.store, "1", "\"before\"").await;
    let recovery = format!(
        r#"{{"id":2,"subscribe":{{"channel":"1","recover":true,"epoch":"{}"}}}}"#,
        bench.store.epoch()
    );
    for round in 1..=3 {
        bench.client.send(&recovery).await;
        bench.is_looked_at(2 * round - 1).await;
        // Another device leaves, and is answered.
        assert_eq!(bench.gateway.unsubscribe("ann", "1", &Unsubscribe::SERVER), 1);
        publish(&bench.store, "1", "\"after\"").await;
        bench.is_looked_at(2 * round).await;
        bench.slow.let_through.add_permits(2);
        let answer = bench.client.next().await;
        assert_eq!(
            (answer["id"].as_u64(), answer["error"]["code"].as_u64()),
            (Some(2), Some(103)),
            "{answer}"
        );
    }
    // Nothing is pushed behind the answer either.
    assert_eq!(bench.client.call(r#"{"id":3,"unsubscribe":{"channel":"1"}}"#).await["id"], 3);
}

#[tokio::test]
async fn a_history_that_had_begun_when_the_channel_was_taken_away_is_refused() {
    let mut bench = start().await;
    publish(&bench.store, "1", "1").await;
    assert!(bench.client.subscribe(2, "1", "").await["subscribe"].is_object());
    bench.client.send(r#"{"id":3,"history":{"channel":"1","limit":9}}"#).await;
    bench.is_looked_at(1).await;
    assert_eq!(bench.gateway.unsubscribe("ann", "1", &Unsubscribe::SERVER), 1);
    bench.slow.let_through.add_permits(1);
    let (first, second) = (bench.client.next().await, bench.client.next().await);
    assert_eq!(first["push"]["unsubscribe"]["code"], 2000, "{first}");
    assert_eq!(second["error"]["code"], 103, "{second}");
}
