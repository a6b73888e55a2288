//! The open connections of a gateway.

use crate::address::network;
use crate::hub::Outbox;
use crate::protocol::Disconnect;
use crate::settings::Settings;
use parking_lot::Mutex;
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::sync::watch;

#[derive(Debug)]
pub(crate) struct Connections {
    state: Mutex<State>,
    /// How many there are, for who waits until there are none.
    count: watch::Sender<usize>,
}

#[derive(Debug, Default)]
struct State {
    next: u64,
    open: HashMap<u64, Open>,
    /// The connections of each user, by number.
    of_user: HashMap<String, HashSet<u64>>,
    /// How many come from each address, of IPv6 from each network of 64 bits.
    of_address: HashMap<IpAddr, usize>,
    /// Set when the gateway drains: who comes now is closed with this.
    closing: Option<Disconnect>,
}

#[derive(Debug)]
struct Open {
    /// Absent until the connection's task has begun.
    outbox: Option<Arc<Outbox>>,
    /// What it counts for.
    address: Option<IpAddr>,
    user: Option<String>,
    /// The connection's own id, known with its user.
    client: String,
}

/// Which connections of one user.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Target<'a> {
    /// The user; empty for those who brought no token.
    pub user: &'a str,
    /// Only this connection.
    pub client: Option<&'a str>,
    /// But for these connections.
    pub except: &'a [String],
}

impl<'a> Target<'a> {
    /// Every connection of this user.
    #[must_use]
    pub fn new(user: &'a str) -> Self {
        Self { user, client: None, except: &[] }
    }

    /// Only this connection.
    #[must_use]
    pub fn only(self, client: &'a str) -> Self {
        Self { client: Some(client), ..self }
    }

    /// But for these connections.
    #[must_use]
    pub fn except(self, except: &'a [String]) -> Self {
        Self { except, ..self }
    }

    fn has(&self, client: &str) -> bool {
        self.client.is_none_or(|wanted| wanted == client) && !self.except.iter().any(|other| other == client)
    }
}

impl<'a> From<&'a str> for Target<'a> {
    fn from(user: &'a str) -> Self {
        Self::new(user)
    }
}

impl<'a> From<&'a String> for Target<'a> {
    fn from(user: &'a String) -> Self {
        Self::new(user)
    }
}

/// Why nobody more is let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoRoom {
    Closing,
    InAll,
    FromAddress,
}

/// A connection's place among the open ones, given up by dropping it.
#[derive(Debug)]
pub(crate) struct Registered {
    connections: Arc<Connections>,
    number: u64,
}

impl Default for Connections {
    fn default() -> Self {
        Self { state: Mutex::default(), count: watch::Sender::new(0) }
    }
}

impl Connections {
    pub(crate) fn len(&self) -> usize {
        *self.count.borrow()
    }

    /// Takes a place for somebody who wants to connect.
    pub(crate) fn admit(
        self: &Arc<Self>,
        settings: &Settings,
        address: Option<IpAddr>,
    ) -> Result<Registered, NoRoom> {
        let address = address.map(network);
        let mut state = self.state.lock();
        if state.closing.is_some() {
            return Err(NoRoom::Closing);
        }
        if state.open.len() >= settings.connections_max {
            return Err(NoRoom::InAll);
        }
        if let Some(address) = address {
            let count = state.of_address.entry(address).or_default();
            if *count >= settings.connections_per_address_max {
                return Err(NoRoom::FromAddress);
            }
            *count += 1;
        }
        state.next += 1;
        let number = state.next;
        state.open.insert(number, Open { outbox: None, address, user: None, client: String::new() });
        self.count.send_replace(state.open.len());
        Ok(Registered { connections: Arc::clone(self), number })
    }

    /// How many users there are, those without a name as one.
    pub(crate) fn users(&self) -> usize {
        self.state.lock().of_user.len()
    }

    /// Does something to connections of a user; how many there are.
    pub(crate) fn of_user(&self, whom: Target<'_>, act: impl Fn(&Outbox)) -> usize {
        let state = self.state.lock();
        let numbers = state.of_user.get(whom.user).into_iter().flatten();
        let theirs = numbers.filter_map(|number| state.open.get(number));
        let theirs = theirs.filter(|open| whom.has(&open.client)).filter_map(|open| open.outbox.as_ref());
        theirs.map(|outbox| act(outbox)).count()
    }

    /// Lets nobody in any more; returns how to reach those who are in.
    pub(crate) fn refuse_all(&self, disconnect: &Disconnect) -> Vec<Arc<Outbox>> {
        let mut state = self.state.lock();
        state.closing = Some(disconnect.clone());
        state.open.values().filter_map(|open| open.outbox.clone()).collect()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.state.lock().closing.is_some()
    }

    pub(crate) async fn wait_until_empty(&self) {
        // The sender lives in self: waiting cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Registered {
    /// The connection's task has begun, and is reached through this.
    pub(crate) fn begin(&self, outbox: &Arc<Outbox>) {
        let mut state = self.connections.state.lock();
        if let Some(disconnect) = &state.closing {
            outbox.close(disconnect.clone());
        }
        if let Some(open) = state.open.get_mut(&self.number) {
            open.outbox = Some(Arc::clone(outbox));
        }
    }

    /// Says whose connection it is, once that is known; false when the user has too many already.
    pub(crate) fn identify(&self, user: &str, client: &str, max: usize) -> bool {
        let mut state = self.connections.state.lock();
        let theirs = state.of_user.entry(user.to_owned()).or_default();
        // Strangers are not one person.
        if !user.is_empty() && theirs.len() >= max {
            return false;
        }
        theirs.insert(self.number);
        if let Some(open) = state.open.get_mut(&self.number) {
            open.user = Some(user.to_owned());
            client.clone_into(&mut open.client);
        }
        true
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        let mut state = self.connections.state.lock();
        let Some(open) = state.open.remove(&self.number) else { return };
        if let Some(user) = open.user
            && let Some(theirs) = state.of_user.get_mut(&user)
        {
            theirs.remove(&self.number);
            if theirs.is_empty() {
                state.of_user.remove(&user);
            }
        }
        if let Some(address) = open.address
            && let Some(count) = state.of_address.get_mut(&address)
        {
            *count -= 1;
            if *count == 0 {
                state.of_address.remove(&address);
            }
        }
        self.connections.count.send_replace(state.open.len());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_of_ipv6_has_the_share_of_one_address() {
        let settings = Settings { connections_per_address_max: 2, ..Settings::default() };
        let connections = Arc::new(Connections::default());
        let admit = |address: &str| connections.admit(&settings, Some(address.parse().unwrap()));
        let (first, _second) = (admit("2001:db8::1").unwrap(), admit("2001:db8::2").unwrap());
        assert_eq!(admit("2001:db8::3").unwrap_err(), NoRoom::FromAddress);
        let _another = admit("2001:db8:0:1::3").unwrap();
        drop(first);
        let _third = admit("2001:db8::3").unwrap();
    }
}
