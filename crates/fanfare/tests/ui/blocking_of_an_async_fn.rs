use fanfare::{App, BlockingExt, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn ship(order: OrderPlaced) {
    println!("{}", order.item);
}

fn main() {
    let _ = App::new("shop").on(ship.blocking());
}
