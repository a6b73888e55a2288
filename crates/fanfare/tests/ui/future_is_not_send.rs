use fanfare::{App, Event, HandlerExt};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn somewhere_else() {}

async fn ship(order: OrderPlaced) {
    let label = std::rc::Rc::new(order.item);
    somewhere_else().await;
    println!("{label}");
}

fn main() {
    let _ = App::new("shop").on(ship);
    let _ = App::new("shop").on(ship.concurrency(8));
}
