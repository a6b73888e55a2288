extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", verison = 2)]
struct Typo;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", durable)]
struct Unknown;

fn main() {}
