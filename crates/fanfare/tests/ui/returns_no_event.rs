use fanfare::{App, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn count(order: OrderPlaced) -> usize {
    order.item.len()
}

async fn count_or_fail(order: OrderPlaced) -> Result<usize, std::io::Error> {
    Ok(order.item.len())
}

fn main() {
    let _ = App::new("shop").on(count).on(count_or_fail);
}
