use fanfare::{Event, Publisher};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

#[derive(Serialize)]
struct Order;

#[derive(Event)]
#[event(type = "cache.cleared", local)]
struct CacheCleared;

async fn publish(publisher: &Publisher) {
    let _ = publisher.publish(Order).await;
    let _ = publisher.publish(CacheCleared).await;
    let _ = publisher.publish(&OrderPlaced { item: "Book".into() }).await;
}

fn main() {}
