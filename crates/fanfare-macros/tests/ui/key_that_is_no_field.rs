extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = orderid)]
struct Typo {
    order_id: u64,
    item: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = customer)]
struct Other {
    order_id: u64,
    item: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = order_id)]
struct Tuple(u64);

fn main() {}
