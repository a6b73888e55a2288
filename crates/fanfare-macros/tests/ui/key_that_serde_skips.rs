extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = order_id)]
struct OrderPlaced {
    #[serde(skip)]
    order_id: u64,
}

fn main() {}
