use crate::address::network;
use parking_lot::Mutex;
use rustix::process::{Resource, getrlimit};
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Places for connections that are not WebSockets yet, or never become any: in all, and for each address.
#[derive(Debug)]
pub(super) struct Places {
    all_max: usize,
    all: Arc<Semaphore>,
    per_address_max: usize,
    of_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// A place, given back by dropping it.
#[derive(Debug)]
pub(super) struct Place {
    _one: OwnedSemaphorePermit,
    _share: Share,
}

/// One of an address's places.
#[derive(Debug)]
pub(super) struct Share {
    of_address: Arc<Mutex<HashMap<IpAddr, usize>>>,
    address: IpAddr,
}

impl Places {
    /// Half of the files that the process may have open, and a quarter for each address.
    pub(super) fn of_this_process() -> Self {
        let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
        let files = usize::try_from(files).unwrap_or(usize::MAX);
        Self::new((files / 2).clamp(64, 16_384), (files / 4).clamp(32, 1_024))
    }

    pub(super) fn new(all_max: usize, per_address_max: usize) -> Self {
        let all = Arc::new(Semaphore::new(all_max));
        Self { all_max, all, per_address_max, of_address: Arc::default() }
    }

    pub(super) fn per_address(self, max: usize) -> Self {
        Self { per_address_max: max, ..self }
    }

    /// `None` when the address has all that it may have.
    pub(super) fn share(&self, address: IpAddr) -> Option<Share> {
        let address = network(address);
        let mut of_address = self.of_address.lock();
        let count = of_address.entry(address).or_default();
        if *count >= self.per_address_max {
            return None;
        }
        *count += 1;
        Some(Share { of_address: Arc::clone(&self.of_address), address })
    }

    /// Waits until there is a place.
    pub(super) async fn take(&self, share: Share) -> Option<Place> {
        // It is never closed.
        let one = Arc::clone(&self.all).acquire_owned().await.ok()?;
        Some(Place { _one: one, _share: share })
    }

    /// Whether more than half of them are taken.
    pub(super) fn are_scarce(&self) -> bool {
        self.all.available_permits() < self.all_max / 2
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut of_address = self.of_address.lock();
        if let Some(count) = of_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                of_address.remove(&self.address);
            }
        }
    }
}
