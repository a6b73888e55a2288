//! Synchronous handlers on a dispatcher: no runtime, no broker. `cargo run -p shop --bin sync`

use fanfare::dispatch::{Dispatcher, EmitError, SyncExt};
use shop::{OrderPlaced, Stock, StockError};

fn main() -> Result<(), EmitError> {
    let dispatcher = Dispatcher::new();
    let stock = Stock::of(&[("Python Book", 3), ("Desk Lamp", 1)]);

    // Whoever is interested subscribes; publishers know nobody.
    dispatcher.on((move |order: &OrderPlaced| update_inventory(&stock, order)).named("update_inventory"));
    dispatcher.on(send_notification);

    println!("-- an order that can be served");
    dispatcher.emit_sync(&OrderPlaced::new(1, "Python Book", 1)).into_result()?;

    println!(
        "-- one that fails in a handler: the other still runs, and the report names the one that failed"
    );
    let report = dispatcher.emit_sync(&OrderPlaced::new(2, "Desk Lamp", 2));
    for failure in report.failures() {
        println!("   failed: {failure}");
    }

    println!("-- a subscription that ends with its scope");
    {
        let _guard = dispatcher.on(|order: &OrderPlaced| println!("   audit: {order}")).guard();
        dispatcher.emit_sync(&OrderPlaced::new(3, "Python Book", 1)).into_result()?;
    }
    dispatcher.emit_sync(&OrderPlaced::new(4, "Python Book", 1)).into_result()?;
    Ok(())
}

fn update_inventory(stock: &Stock, order: &OrderPlaced) -> Result<(), StockError> {
    let left = stock.take(&order.item, order.quantity)?;
    println!("   Order placed: {}. Updating inventory... {left} left", order.item);
    Ok(())
}

fn send_notification(order: &OrderPlaced) {
    println!("   Sending notification for order: {}", order.item);
}
