//! The same on tokio: handlers of one event run at the same time. `cargo run -p shop --bin async`

#![allow(clippy::disallowed_methods, reason = "a program: it shows how long things take")]

use fanfare::{
    State,
    dispatch::{Dispatcher, EmitError},
};
use shop::{CustomerNotified, OrderPlaced, Stock, StockError, StockReserved};
use std::time::{Duration, Instant};

#[tokio::main]
async fn main() -> Result<(), EmitError> {
    let stock = Stock::of(&[("Python Book", 3)]);
    let dispatcher = Dispatcher::builder().state(stock).build();

    // The very handlers that an application on a broker takes. What they return is emitted in turn.
    dispatcher.on(reserve_stock);
    dispatcher.on(send_notification);
    dispatcher
        .on(|reserved: &StockReserved| println!("   stock: {} x {} left", reserved.left, reserved.item));

    println!("-- both handlers run at once: the notification overtakes the inventory");
    let start = Instant::now();
    dispatcher.emit(OrderPlaced::new(1, "Python Book", 1)).await.into_result()?;
    let took = start.elapsed();
    println!("   1.0 s of work and 0.5 s of work took {:.1} s in all", took.as_secs_f64());

    println!("-- a handler that fails is isolated and named");
    let report = dispatcher.emit(OrderPlaced::new(2, "Unicorn", 1)).await;
    for failure in report.failures() {
        println!("   failed: {failure}");
    }
    Ok(())
}

async fn reserve_stock(order: OrderPlaced, State(stock): State<Stock>) -> Result<StockReserved, StockError> {
    tokio::time::sleep(Duration::from_secs(1)).await;
    let left = stock.take(&order.item, order.quantity)?;
    println!("   Order placed: {}. Updating inventory...", order.item);
    Ok(StockReserved { order_id: order.order_id, item: order.item, left })
}

async fn send_notification(order: OrderPlaced) -> CustomerNotified {
    tokio::time::sleep(Duration::from_millis(500)).await;
    println!("   Sending notification for order: {}", order.item);
    CustomerNotified { order_id: order.order_id }
}
