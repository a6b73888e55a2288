use fanfare::{Event, dispatch::Dispatcher};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

fn ship(order: OrderPlaced) {
    println!("{}", order.item);
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(ship);
}
