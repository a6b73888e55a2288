use fanfare::{App, Attempt, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn busy(
    _: OrderPlaced,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
    _: Attempt,
) {
}

fn main() {
    let _ = App::new("shop").on(busy);
}
