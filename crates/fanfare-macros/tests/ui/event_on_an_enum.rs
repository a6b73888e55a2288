extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.changed")]
enum OrderChanged {
    Placed,
    Cancelled,
}

#[derive(Event)]
#[event(type = "bits.changed", local)]
union Bits {
    a: u32,
    b: f32,
}

fn main() {}
