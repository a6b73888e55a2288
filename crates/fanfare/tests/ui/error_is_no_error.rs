use fanfare::{App, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

struct OutOfStock;

async fn reserve_stock(_: OrderPlaced) -> Result<(), OutOfStock> {
    Err(OutOfStock)
}

fn main() {
    let _ = App::new("shop").on(reserve_stock);
}
