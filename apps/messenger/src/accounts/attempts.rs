//! How often one may try a password.
//!
//! What is counted strictly is a name *from one network*: so nobody keeps somebody else out by trying their name. Tries
//! of one name from everywhere are counted too, generously, and whoever is signed in already is not held up by them.

use super::{AccountError, fold};
use crate::limits::Bucket;
use fanfare_gateway::ClientAddress;
use std::net::IpAddr;
use std::time::Duration;

pub(super) struct Attempts {
    by_network: Bucket<IpAddr>,
    by_name_and_network: Bucket<(String, IpAddr)>,
    by_name: Bucket<String>,
}

impl Attempts {
    pub(super) fn new() -> Self {
        Self {
            by_network: Bucket::new(30, Duration::from_secs(2)),
            by_name_and_network: Bucket::new(10, Duration::from_secs(10)),
            by_name: Bucket::new(100, Duration::from_secs(2)),
        }
    }

    /// One without a name.
    pub(super) fn unnamed(&self, from: IpAddr) -> Result<(), AccountError> {
        self.by_network.take(&network(from)).map_err(too_many)
    }

    /// One of somebody who says that this is their name.
    pub(super) fn named(&self, name: &str, from: IpAddr) -> Result<(), AccountError> {
        self.signed_in(name, from)?;
        self.by_name.take(&fold(name)).map_err(too_many)
    }

    /// One of somebody who is signed in under this name.
    pub(super) fn signed_in(&self, name: &str, from: IpAddr) -> Result<(), AccountError> {
        self.unnamed(from)?;
        // A name of any length must not fill the memory.
        if name.len() > 256 {
            return Err(AccountError::Credentials);
        }
        self.by_name_and_network.take(&(fold(name), network(from))).map_err(too_many)
    }
}

fn too_many(wait: Duration) -> AccountError {
    AccountError::TooMany(wait.as_secs() + 1)
}

fn network(from: IpAddr) -> IpAddr {
    ClientAddress(from).network()
}
