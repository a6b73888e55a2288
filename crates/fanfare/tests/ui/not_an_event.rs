use fanfare::{App};

struct Order {
    item: String,
}

async fn ship(order: Order) {
    println!("{}", order.item);
}

fn main() {
    let _ = App::new("shop").on(ship);
}
