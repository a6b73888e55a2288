//! One at a time under each key, in the order in which they came.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use tokio::sync::OwnedMutexGuard;

#[derive(Debug)]
pub(super) struct Turns<K>(Mutex<HashMap<K, Arc<tokio::sync::Mutex<()>>>>);

pub(super) type Turn = OwnedMutexGuard<()>;

/// Keys that are kept although nobody waits there.
const IDLE_MAX: usize = 1024;

impl<K: Hash + Eq + Clone> Turns<K> {
    /// Waits for everybody who came before. Its place in the row is taken at the first poll.
    pub(super) async fn turn(&self, key: &K) -> Turn {
        self.of(key).lock_owned().await
    }

    fn of(&self, key: &K) -> Arc<tokio::sync::Mutex<()>> {
        let mut rows = self.0.lock();
        if rows.len() > IDLE_MAX && !rows.contains_key(key) {
            rows.retain(|_, row| Arc::strong_count(row) > 1);
        }
        Arc::clone(rows.entry(key.clone()).or_default())
    }
}

impl<K> Default for Turns<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_came_first_goes_first_and_keys_that_nobody_waits_at_are_forgotten() {
        let turns = Arc::new(Turns::default());
        let first = turns.turn(&0).await;
        let order = Arc::new(Mutex::new(Vec::new()));
        let waiting: futures_util::stream::FuturesUnordered<_> = (0..50)
            .map(|number| {
                let (turns, order) = (Arc::clone(&turns), Arc::clone(&order));
                async move {
                    let _turn = turns.turn(&0).await;
                    tokio::task::yield_now().await;
                    order.lock().push(number);
                }
            })
            .collect();
        let all = futures_util::StreamExt::collect::<Vec<()>>(waiting);
        tokio::join!(all, async move {
            tokio::task::yield_now().await;
            drop(first);
        });
        assert_eq!(*order.lock(), (0..50).collect::<Vec<_>>());
        for key in 1..=5 * IDLE_MAX {
            drop(turns.turn(&key).await);
        }
        assert!(turns.0.lock().len() <= IDLE_MAX + 1);
    }
}
