extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", version = 0)]
struct Zero;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", version = "2")]
struct Text;

fn main() {}
