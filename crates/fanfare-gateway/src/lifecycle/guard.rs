//! What begins when it is made and ends when it is dropped.

use super::event::{ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed};
use super::queue::Lifecycle;
use crate::policy::Caller;
use crate::protocol::{ClientInfo, Disconnect};
use std::sync::Arc;

/// A connection.
#[derive(Debug)]
pub(crate) struct Connected {
    lifecycle: Arc<Lifecycle>,
    caller: Arc<Caller>,
    reason: Disconnect,
}

/// A subscription.
#[derive(Debug)]
pub(crate) struct Subscribed {
    lifecycle: Arc<Lifecycle>,
    info: Arc<ClientInfo>,
    channel: String,
}

impl Connected {
    pub(crate) fn new(lifecycle: &Arc<Lifecycle>, caller: &Arc<Caller>) -> Self {
        lifecycle.publish(|| ClientConnected {
            client: caller.client.clone(),
            user: caller.user.clone(),
            start: lifecycle.start().to_owned(),
        });
        let (lifecycle, caller) = (Arc::clone(lifecycle), Arc::clone(caller));
        Self { lifecycle, caller, reason: Disconnect::CONNECTION_CLOSED }
    }

    /// Why it ends.
    pub(crate) fn because(&mut self, reason: &Disconnect) {
        self.reason = reason.clone();
    }
}

impl Subscribed {
    pub(crate) fn new(lifecycle: &Arc<Lifecycle>, info: &Arc<ClientInfo>, channel: &str) -> Self {
        lifecycle.publish(|| ClientSubscribed {
            client: info.client.clone(),
            user: info.user.clone(),
            start: lifecycle.start().to_owned(),
            channel: channel.to_owned(),
        });
        Self { lifecycle: Arc::clone(lifecycle), info: Arc::clone(info), channel: channel.to_owned() }
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.lifecycle.publish(|| ClientDisconnected {
            client: self.caller.client.clone(),
            user: self.caller.user.clone(),
            start: self.lifecycle.start().to_owned(),
            code: self.reason.code,
            reason: self.reason.reason.clone().into_owned(),
        });
    }
}

impl Drop for Subscribed {
    fn drop(&mut self) {
        self.lifecycle.publish(|| ClientLeft {
            client: self.info.client.clone(),
            user: self.info.user.clone(),
            start: self.lifecycle.start().to_owned(),
            channel: std::mem::take(&mut self.channel),
        });
    }
}
