use fanfare::{App, Event};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

#[derive(Debug)]
struct OutOfStock(std::rc::Rc<str>);

impl std::fmt::Display for OutOfStock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} is out of stock", self.0)
    }
}

impl std::error::Error for OutOfStock {}

async fn reserve_stock(order: OrderPlaced) -> Result<(), OutOfStock> {
    Err(OutOfStock(order.item.as_str().into()))
}

fn main() {
    let _ = App::new("shop").on(reserve_stock);
}
