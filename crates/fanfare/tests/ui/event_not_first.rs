use fanfare::{App, Event, State};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

#[derive(Clone)]
struct Stock;

async fn reserve_stock(_: State<Stock>, _: OrderPlaced) {}

fn main() {
    let _ = App::new("shop").state(Stock).on(reserve_stock);
}
