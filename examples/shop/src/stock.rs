//! What is on the shelf.

use parking_lot::Mutex;
use std::{collections::HashMap, sync::Arc};

/// The shelf; clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stock {
    items: Arc<Mutex<HashMap<String, u32>>>,
}

/// Why an order cannot be served from the shelf.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StockError {
    /// There is no such item, and waiting does not help.
    #[error("there is no `{0}` in this shop")]
    NoSuchItem(String),
    /// Not enough are left; more may come.
    #[error("only {left} x {item} are left")]
    NotEnough {
        /// What was asked for.
        item: String,
        /// How many are left.
        left: u32,
    },
}

impl Stock {
    /// A shelf with these items.
    pub fn of(items: &[(&str, u32)]) -> Self {
        let items = items.iter().map(|(item, count)| ((*item).to_owned(), *count)).collect();
        Self { items: Arc::new(Mutex::new(items)) }
    }

    /// Takes items off the shelf and says how many are left.
    ///
    /// # Errors
    /// When there is no such item, or not enough of it.
    pub fn take(&self, item: &str, quantity: u32) -> Result<u32, StockError> {
        let mut items = self.items.lock();
        let left = items.get_mut(item).ok_or_else(|| StockError::NoSuchItem(item.to_owned()))?;
        *left =
            left.checked_sub(quantity).ok_or(StockError::NotEnough { item: item.to_owned(), left: *left })?;
        Ok(*left)
    }
}

#[cfg(test)]
mod tests {
    use super::{Stock, StockError};

    #[test]
    fn what_is_taken_is_gone() {
        let stock = Stock::of(&[("Book", 3)]);
        assert_eq!(stock.take("Book", 2).unwrap(), 1);
        assert!(matches!(stock.take("Book", 2), Err(StockError::NotEnough { left: 1, .. })));
        assert!(matches!(stock.take("Lamp", 1), Err(StockError::NoSuchItem(_))));
    }
}
