extern crate fanfare_core as fanfare;
use fanfare_macros::{Event, Events};
use serde::{Deserialize, Serialize};

#[derive(Event, Events, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct OrderPlaced;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.cancelled")]
struct OrderCancelled;

#[derive(Event, Events, Serialize, Deserialize)]
#[event(type = "order.changed")]
enum OrderEvent {
    Cancelled(OrderCancelled),
}

fn main() {}
