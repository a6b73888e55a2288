//! The connections, as the chat needs them.

use fanfare_gateway::{Disconnect, Gateway, Json, Unsubscribe};
use serde::Serialize;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// Where pushes go. Empty until the gateway stands, which is built of the chat.
#[derive(Clone, Debug, Default)]
pub struct Outside(Arc<OnceLock<Gateway>>);

impl Outside {
    /// The gateway stands. To be called once.
    pub fn stands(&self, gateway: Gateway) {
        let _ = self.0.set(gateway);
    }

    /// Ends the connections of a person; they do not come back by themselves.
    pub fn sign_out(&self, person: Uuid) {
        if let Some(gateway) = self.0.get() {
            gateway.disconnect(&person.to_string(), &Disconnect::new(4501, "signed out"));
        }
    }

    /// Has the connections of a person come back with new tokens.
    pub fn renew(&self, person: Uuid) {
        if let Some(gateway) = self.0.get() {
            gateway.disconnect(&person.to_string(), &Disconnect::new(4001, "sign in again"));
        }
    }

    pub(super) fn unsubscribe(&self, person: Uuid, channel: &str) {
        if let Some(gateway) = self.0.get() {
            gateway.unsubscribe(&person.to_string(), channel, &Unsubscribe::SERVER);
        }
    }

    /// Pushes to every connection of these people.
    pub(super) fn push(&self, people: impl IntoIterator<Item = Uuid>, push: &impl Serialize) {
        let Some(gateway) = self.0.get() else { return };
        match Json::of(push) {
            Ok(json) => people.into_iter().for_each(|person| {
                gateway.send(&person.to_string(), &json);
            }),
            Err(error) => tracing::error!(%error, "a push cannot be written as JSON"),
        }
    }

    pub(super) fn is_connected(&self, person: Uuid) -> bool {
        self.0.get().is_some_and(|gateway| gateway.connections_of(&person.to_string()) > 0)
    }
}
