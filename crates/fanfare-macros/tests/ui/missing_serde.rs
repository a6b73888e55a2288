extern crate fanfare_core as fanfare;
use fanfare_macros::Event;

#[derive(Event)]
#[event(type = "order.placed", key = order_id)]
struct OrderPlaced {
    order_id: u64,
}

fn main() {}
