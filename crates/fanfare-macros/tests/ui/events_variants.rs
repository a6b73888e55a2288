extern crate fanfare_core as fanfare;
use fanfare_macros::{Event, Events};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed")]
struct OrderPlaced;

#[derive(Events)]
enum Named {
    Placed { order: OrderPlaced },
}

#[derive(Events)]
enum Unit {
    Placed,
}

#[derive(Events)]
enum Empty {}

fn main() {}
