//! One gate per person: open while they read or write, closed while a room is taken from them.

use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use uuid::Uuid;

#[derive(Debug, Default)]
pub(super) struct Gates(Mutex<HashMap<Uuid, Arc<RwLock<()>>>>);

pub(super) type Open = OwnedRwLockReadGuard<()>;
pub(super) type Closed = OwnedRwLockWriteGuard<()>;

/// Gates that are kept although nobody is at them.
const IDLE_MAX: usize = 1024;

impl Gates {
    /// For reading and writing.
    pub(super) async fn open(&self, person: Uuid) -> Open {
        self.of(person).read_owned().await
    }

    /// For taking something away from this person.
    pub(super) async fn close(&self, person: Uuid) -> Closed {
        self.of(person).write_owned().await
    }

    /// For one person taking something away from another. Always in the order of their ids, so that two who do this to
    /// each other do not wait for ever.
    pub(super) async fn close_by(&self, person: Uuid, by: Uuid) -> (Closed, Option<Open>) {
        if person == by {
            return (self.close(person).await, None);
        }
        if person < by {
            let closed = self.close(person).await;
            return (closed, Some(self.open(by).await));
        }
        let open = self.open(by).await;
        (self.close(person).await, Some(open))
    }

    fn of(&self, person: Uuid) -> Arc<RwLock<()>> {
        let mut gates = self.0.lock();
        if gates.len() > IDLE_MAX && !gates.contains_key(&person) {
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
        }
        Arc::clone(gates.entry(person).or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn two_who_put_each_other_out_do_not_wait_for_ever() {
        let gates = Arc::new(Gates::default());
        let (a, b) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let rounds = (0..200).map(|round| {
            let gates = Arc::clone(&gates);
            let (person, by) = if round % 2 == 0 { (a, b) } else { (b, a) };
            tokio::spawn(async move {
                let held = gates.close_by(person, by).await;
                tokio::task::yield_now().await;
                drop(held);
            })
        });
        let all = futures_util::future::join_all(rounds.collect::<Vec<_>>());
        tokio::time::timeout(Duration::from_secs(5), all).await.expect("nobody waits for ever");
    }

    #[tokio::test]
    async fn gates_that_nobody_is_at_are_forgotten() {
        let gates = Gates::default();
        for person in 0..5 * IDLE_MAX as u128 {
            drop(gates.open(Uuid::from_u128(person)).await);
        }
        assert!(gates.0.lock().len() <= IDLE_MAX + 1);
    }
}
