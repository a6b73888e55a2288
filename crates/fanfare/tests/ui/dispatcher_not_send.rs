use std::rc::Rc;

use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

fn main() {
    let dispatcher = Dispatcher::new();
    let shared = Rc::new("a panel");
    dispatcher.on(move |order: &OrderPlaced| println!("{shared}: {}", order.item));
}
