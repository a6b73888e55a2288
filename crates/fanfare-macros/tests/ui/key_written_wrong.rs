extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = "order_id")]
struct Quoted {
    order_id: u64,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", key = customer.id)]
struct Path {
    customer: u64,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct OnTheField {
    #[event(key)]
    order_id: u64,
}

fn main() {}
