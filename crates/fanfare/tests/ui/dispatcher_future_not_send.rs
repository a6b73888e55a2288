use std::{rc::Rc, sync::Arc};

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

async fn holds(order: Arc<OrderPlaced>) {
    let held = Rc::new(order);
    std::future::ready(()).await;
    println!("{}", held.item);
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(holds);
}
