extern crate fanfare_core as fanfare;
use fanfare_macros::{Event, Events};
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order;

#[derive(Events)]
enum OrderEvent {
    Placed(Order),
}

#[derive(Event)]
#[event(type = "cache.cleared", local)]
struct CacheCleared;

#[derive(Events)]
enum CacheEvent {
    Cleared(CacheCleared),
}

#[derive(Events)]
enum AnyEvent {
    Any(fanfare::RawEvent),
}

fn main() {}
