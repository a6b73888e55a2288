use fanfare::{App, Event};

#[derive(Event)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn ship(order: OrderPlaced) {
    println!("{}", order.item);
}

fn main() {
    let _ = App::new("shop").on(ship);
}
