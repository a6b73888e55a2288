use fanfare::{dispatch::Dispatcher};

struct Order;

async fn ship(_: Order) {}

fn main() {
    let dispatcher = Dispatcher::new();
    dispatcher.on(|order: &Order| drop(order));
    dispatcher.on(ship);
    let _ = dispatcher.emit_sync(&Order);
}
