use fanfare::{App, Event};
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
    let _ = App::new("shop").on(ship);
}
