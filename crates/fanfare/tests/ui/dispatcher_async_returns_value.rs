use std::sync::Arc;

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

async fn counts(order: Arc<OrderPlaced>) -> usize {
    order.item.len()
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(counts);
}
