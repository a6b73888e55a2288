use std::sync::Arc;

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

struct Panel;

fn main() {
    let dispatcher = Dispatcher::new();
    let panel = Arc::new(Panel);
    dispatcher.on_weak(&panel, |_: &Panel, order: &OrderPlaced| order.item.len());
}
