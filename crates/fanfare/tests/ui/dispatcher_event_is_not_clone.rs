use fanfare::{Event, dispatch::Dispatcher};

#[derive(Event)]
#[event(type = "order.placed", local)]
struct OrderPlaced {
    item: String,
}

async fn ship(order: OrderPlaced) {
    println!("{}", order.item);
}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(ship);
}
