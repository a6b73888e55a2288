use fanfare::{App, Event, HandlerExt};
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
    let _ = App::new("shop").on(ship.permanent_if(|_: &std::io::Error| true));
}
