extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Address {
    street: String,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = address)]
struct OrderPlaced {
    address: Address,
}

fn main() {}
