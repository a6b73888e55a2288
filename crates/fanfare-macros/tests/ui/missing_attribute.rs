extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
struct OrderItemAdded {
    order_id: u64,
}

fn main() {}
