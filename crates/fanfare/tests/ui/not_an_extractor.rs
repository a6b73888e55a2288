use fanfare::{App, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

#[derive(Clone)]
struct Stock;

async fn reserve_stock(_: OrderPlaced, _: Stock) {}

fn main() {
    let _ = App::new("shop").state(Stock).on(reserve_stock);
}
