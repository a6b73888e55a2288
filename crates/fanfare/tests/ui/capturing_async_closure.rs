use fanfare::{App, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

fn main() {
    let shelf = String::from("A1");
    let _ = App::new("shop").on(async move |order: OrderPlaced| drop((order, shelf.len())));
}
