use std::sync::Arc;

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

struct Stock;

async fn second_is_no_extractor(_: Arc<OrderPlaced>, _: Stock) {}

async fn by_reference(order: &OrderPlaced) {
    println!("{}", order.item);
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(second_is_no_extractor);
    dispatcher.on(by_reference);
    dispatcher.on(|_: &OrderPlaced, _: &Stock| {});
    let _ = dispatcher.emit_sync(OrderPlaced { item: "Book".into() });
}
