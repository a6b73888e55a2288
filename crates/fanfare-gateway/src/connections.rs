//! The open connections of a gateway.

use crate::hub::Outbox;
use crate::protocol::Disconnect;
use parking_lot::Mutex;
use std::collections::HashMap;
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
    /// Set when the gateway drains: who comes now is closed with this.
    closing: Option<Disconnect>,
}

#[derive(Debug)]
struct Open {
    outbox: Arc<Outbox>,
    user: Option<String>,
}

/// A connection's place among the open ones, given up by dropping it.
#[derive(Debug)]
pub(crate) struct Registered<'a> {
    connections: &'a Connections,
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

    pub(crate) fn is_closing(&self) -> bool {
        self.state.lock().closing.is_some()
    }

    pub(crate) fn register(&self, outbox: Arc<Outbox>) -> Registered<'_> {
        let mut state = self.state.lock();
        if let Some(disconnect) = &state.closing {
            outbox.close(disconnect.clone());
        }
        state.next += 1;
        let number = state.next;
        state.open.insert(number, Open { outbox, user: None });
        self.count.send_replace(state.open.len());
        Registered { connections: self, number }
    }

    /// Does something to every connection of a user; how many there are.
    pub(crate) fn of_user(&self, user: &str, act: impl Fn(&Outbox)) -> usize {
        let state = self.state.lock();
        let theirs = state.open.values().filter(|open| open.user.as_deref() == Some(user));
        theirs.map(|open| act(&open.outbox)).count()
    }

    /// Closes all, and from now on everybody who comes.
    pub(crate) fn close_all(&self, disconnect: &Disconnect) {
        let mut state = self.state.lock();
        state.closing = Some(disconnect.clone());
        for open in state.open.values() {
            open.outbox.close(disconnect.clone());
        }
    }

    pub(crate) async fn wait_until_empty(&self) {
        // The sender lives in self: waiting cannot fail.
        let _ = self.count.subscribe().wait_for(|count| *count == 0).await;
    }
}

impl Registered<'_> {
    /// Says whose connection it is, once that is known.
    pub(crate) fn identify(&self, user: &str) {
        if let Some(open) = self.connections.state.lock().open.get_mut(&self.number) {
            open.user = Some(user.to_owned());
        }
    }
}

impl Drop for Registered<'_> {
    fn drop(&mut self) {
        let mut state = self.connections.state.lock();
        state.open.remove(&self.number);
        self.connections.count.send_replace(state.open.len());
    }
}
