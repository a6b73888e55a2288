//! The facts, in the past tense.

use fanfare::Event;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A customer has placed an order.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.placed", key = order_id)]
pub struct OrderPlaced {
    /// Which order; events of one order keep their order.
    pub order_id: u32,
    /// What was ordered.
    pub item: String,
    /// How many.
    pub quantity: u32,
    /// Who ordered; 0: a guest. Older events have no such field.
    #[serde(default)]
    pub user_id: u64,
}

impl OrderPlaced {
    /// A guest's order.
    pub fn new(order_id: u32, item: &str, quantity: u32) -> Self {
        Self { order_id, item: item.to_owned(), quantity, user_id: 0 }
    }
}

impl fmt::Display for OrderPlaced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "order {}: {} x {}", self.order_id, self.quantity, self.item)
    }
}

/// The items of an order were taken off the shelf.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.stock_reserved", key = order_id)]
pub struct StockReserved {
    /// Which order.
    pub order_id: u32,
    /// What was taken.
    pub item: String,
    /// How many are left.
    pub left: u32,
}

/// The customer knows.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "order.customer_notified", key = order_id)]
pub struct CustomerNotified {
    /// Which order.
    pub order_id: u32,
}
