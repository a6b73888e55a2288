extern crate fanfare_core as fanfare;
use fanfare_macros::Event;
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize)]
#[event(type = "")]
struct Empty;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order..placed")]
struct EmptySegment;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order placed")]
struct Space;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.>")]
struct Filter;

#[derive(Event, Serialize, Deserialize)]
#[event(type = "order.placed", topic = "orders/eu")]
struct BadTopic;

fn main() {}
