use fanfare::{App, Event, HandlerExt};
use serde::{Deserialize, Serialize};

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed")]
struct OrderPlaced {
    item: String,
}

async fn ship(_: OrderPlaced) -> Result<(), std::fmt::Error> {
    Ok(())
}

fn main() {
    let _ = App::new("shop").on(ship.permanent_if(|error: &std::io::Error| error.kind() == std::io::ErrorKind::Other));
}
