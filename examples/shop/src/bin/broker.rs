//! The same on the embedded broker: what fails is tried again, what fails for good becomes a dead letter, and a dead
//! letter can be sent back. `cargo run -p shop --bin broker`

#![allow(clippy::disallowed_methods, reason = "a program: it waits in real time")]

use anyhow::Context as _;
use clap::Parser;
use fanfare::{App, Attempt, HandlerExt, Retry, Running, Selection, State};
use shop::{CustomerNotified, OrderPlaced, Stock, StockError, StockReserved};
use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

/// An order is placed, inventory is updated, a notification is sent, on the embedded broker.
#[derive(Parser)]
struct Options {
    /// Keep the events in this folder; without it they go with the program
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let temporary = tempfile::tempdir()?;
    let folder = options.data.unwrap_or_else(|| temporary.path().join("data"));
    let post = PostOffice::default();
    let shop = App::new("shop")
        .transport(format!("file:{}", folder.display()))
        .state(Stock::of(&[("Python Book", 3), ("Desk Lamp", 2)]))
        .state(post.clone())
        .on(reserve_stock.permanent_if(|error: &StockError| matches!(error, StockError::NoSuchItem(_))))
        .on(send_notification.retry(Retry::fixed(Duration::from_millis(100)).attempts_max(3)))
        .start()
        .await?;

    println!("-- two orders; the post office is busy at first");
    for order in [OrderPlaced::new(1, "Python Book", 1), OrderPlaced::new(2, "Desk Lamp", 1)] {
        let receipt = shop.publisher().publish(order).await?;
        println!("   published, durable: {:?}", receipt.durability);
    }
    settle(&shop).await?;

    println!("-- an order whose street is closed: after three attempts it is a dead letter");
    post.is_street_closed.store(true, Ordering::Relaxed);
    shop.publisher().publish(OrderPlaced::new(3, "Python Book", 1)).await?;
    settle(&shop).await?;
    let operator = shop.operator().context("the embedded broker has an operator")?;
    let group = "shop//send_notification".parse()?;
    for letter in operator.dead_letters(&group, 0, 10).await? {
        println!("   dead letter of {group}: {}", letter.reason);
        for attempt in letter.history {
            println!("     attempt {}: {}", attempt.attempt, attempt.error);
        }
    }

    println!(
        "-- the street is open again: the dead letter is redriven, to the group that gave it up and no other"
    );
    post.is_street_closed.store(false, Ordering::Relaxed);
    let count = operator.redrive(&group, Selection::All).await?;
    println!("   redriven: {count}");
    settle(&shop).await?;

    shop.shutdown().await?;
    println!("-- everything is settled, the journal is flushed");
    Ok(())
}

async fn reserve_stock(order: OrderPlaced, State(stock): State<Stock>) -> Result<StockReserved, StockError> {
    let left = stock.take(&order.item, order.quantity)?;
    println!("   Order placed: {}. Updating inventory... {left} left", order.item);
    Ok(StockReserved { order_id: order.order_id, item: order.item, left })
}

async fn send_notification(
    order: OrderPlaced,
    State(post): State<PostOffice>,
    Attempt(attempt): Attempt,
) -> anyhow::Result<CustomerNotified> {
    if let Err(error) = post.deliver(&order, attempt) {
        println!("   attempt {attempt} to notify order {} failed: {error}", order.order_id);
        return Err(error);
    }
    println!("   Sending notification for order: {} (attempt {attempt})", order.item);
    Ok(CustomerNotified { order_id: order.order_id })
}

/// A service that fails at times, as services do.
#[derive(Clone, Default)]
struct PostOffice {
    is_street_closed: Arc<AtomicBool>,
}

impl PostOffice {
    fn deliver(&self, order: &OrderPlaced, attempt: u32) -> anyhow::Result<()> {
        anyhow::ensure!(!self.is_street_closed.load(Ordering::Relaxed), "the street is closed");
        anyhow::ensure!(order.order_id != 2 || attempt > 1, "the post office is busy");
        Ok(())
    }
}

/// Waits until every group has settled every event.
async fn settle(shop: &Running) -> anyhow::Result<()> {
    let operator = shop.operator().context("the embedded broker has an operator")?;
    while operator.groups().await?.iter().any(|group| group.lag > 0) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}
