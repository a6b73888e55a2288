//! Who may do what.

use super::namespaces::{Channel, Namespaces};
use super::publish::Publishing;
use super::record;
use super::repeats::Repeats;
use crate::protocol::{ClientInfo, Disconnect, ErrorReply, Json, Publication};
use crate::standalone::config::{JoinLeave, Namespace, Who, WhoSubscribes};
use crate::standalone::metrics::Counts;
use crate::{Caller, ChannelKey, Gateway, Grant, Policy, Publish, Subscribe, Welcome, Window};
use fanfare_core::{Clock, Recorded, Transport};
use std::sync::{Arc, OnceLock};

/// The channels of one gateway. Cloning gives another handle to the same ones.
#[derive(Clone)]
pub(in crate::standalone) struct Channels(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) namespaces: Namespaces,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) repeats: Repeats,
    pub(super) counts: Arc<Counts>,
    /// Where pushes go. Empty until the gateway stands, which is built of the channels.
    pub(super) gateway: OnceLock<Gateway>,
}

impl std::fmt::Debug for Channels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Channels").field("namespaces", &self.0.namespaces).finish_non_exhaustive()
    }
}

impl Channels {
    pub(in crate::standalone) fn new(
        namespaces: Namespaces,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        counts: Arc<Counts>,
    ) -> Self {
        let (repeats, gateway) = (Repeats::default(), OnceLock::new());
        Self(Arc::new(Inner { namespaces, transport, clock, repeats, counts, gateway }))
    }

    /// The gateway stands. To be called once.
    pub(in crate::standalone) fn stands(&self, gateway: Gateway) {
        let _ = self.0.gateway.set(gateway);
    }

    /// What a channel is.
    ///
    /// # Errors
    /// 107 for what is no name, 102 for a namespace that the file does not have.
    pub(in crate::standalone) fn resolve<'a>(&self, name: &'a str) -> Result<Channel<'a>, ErrorReply> {
        self.0.namespaces.resolve(name)
    }
}

impl Channel<'_> {
    fn may_subscribe(&self, caller: &Caller, request: &Subscribe) -> bool {
        let who = self.options().subscribe;
        if request.is_by_server {
            return true;
        }
        if who == WhoSubscribes::Nobody {
            return false;
        }
        if request.has_token {
            return true;
        }
        if self.is_private {
            return false;
        }
        if self.is_limited() {
            return self.lists(&caller.user);
        }
        match who {
            WhoSubscribes::Nobody | WhoSubscribes::Token => false,
            WhoSubscribes::User => !caller.user.is_empty(),
            WhoSubscribes::Anyone => true,
        }
    }

    /// Whether somebody may who is, or is not, subscribed now.
    fn may(&self, who: Who, caller: &Caller, is_subscribed: bool, has_token: bool) -> bool {
        // Who could not come in may do nothing from outside either.
        let is_open = !self.is_private && (!self.is_limited() || self.lists(&caller.user));
        match who {
            Who::Nobody => false,
            Who::Token => is_subscribed && has_token,
            Who::Subscriber => is_subscribed,
            Who::User => is_subscribed || (is_open && !caller.user.is_empty()),
            Who::Anyone => is_subscribed || is_open,
        }
    }

    /// Of a subscription that is being made.
    fn grant(&self, caller: &Caller, request: &Subscribe) -> Grant {
        let options = self.options();
        let may = |who: Who| self.may(who, caller, true, request.has_token);
        let mut grant = Grant::new(self.key.clone());
        grant.is_conflated = options.conflated.as_ref().is_some_and(|conflated| *conflated.get_ref());
        grant.is_recoverable = options.has_history() && options.has_recovery();
        grant.has_history = options.has_history() && may(options.read_history());
        grant.has_presence = options.presence;
        grant.reads_presence = options.presence && may(options.read_presence());
        grant.has_join_leave = options.join_leave() != JoinLeave::Off;
        grant.hears_join_leave = match options.join_leave() {
            JoinLeave::Off => false,
            JoinLeave::Pushed => true,
            JoinLeave::OnRequest => request.wants_join_leave && grant.reads_presence,
        };
        grant
    }

    /// From outside: without a subscription that includes it.
    fn outside(
        &self,
        is_on: bool,
        who: impl FnOnce(&Namespace) -> Who,
        caller: &Caller,
    ) -> Result<ChannelKey, ErrorReply> {
        if !is_on {
            Err(ErrorReply::NOT_AVAILABLE)
        } else if self.may(who(self.options()), caller, false, false) {
            Ok(self.key.clone())
        } else {
            Err(ErrorReply::PERMISSION_DENIED)
        }
    }
}

impl Policy for Channels {
    async fn connect(&self, caller: &Caller, _: Option<&Json>) -> Result<Welcome, Disconnect> {
        let mut welcome = Welcome::default();
        welcome.channels.extend(self.0.namespaces.personal(&caller.user));
        Ok(welcome)
    }

    async fn subscribe(&self, caller: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        let channel = self.resolve(&request.channel)?;
        if channel.may_subscribe(caller, request) {
            Ok(channel.grant(caller, request))
        } else {
            Err(ErrorReply::PERMISSION_DENIED)
        }
    }

    async fn history(&self, caller: &Caller, channel: &str) -> Result<ChannelKey, ErrorReply> {
        let channel = self.resolve(channel)?;
        channel.outside(channel.options().has_history(), Namespace::read_history, caller)
    }

    async fn presence(&self, caller: &Caller, channel: &str) -> Result<ChannelKey, ErrorReply> {
        let channel = self.resolve(channel)?;
        channel.outside(channel.options().presence, Namespace::read_presence, caller)
    }

    fn window(&self, key: &ChannelKey) -> Window {
        self.0.namespaces.window(key)
    }

    async fn publish(&self, caller: &Caller, request: Publish) -> Result<(), ErrorReply> {
        let channel = self.resolve(&request.channel)?;
        let who = channel.options().publish;
        if !channel.may(who, caller, request.is_subscribed, request.has_token) {
            return Err(ErrorReply::PERMISSION_DENIED);
        }
        let info = ClientInfo {
            user: caller.user.clone(),
            client: caller.client.clone(),
            connection: caller.info.clone(),
            channel: None,
        };
        let publishing = Publishing { info: Some(info), ..Publishing::new(request.data) };
        self.publish_into(&channel, publishing).await.map(drop)
    }

    async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
        records.iter().map(|record| record::read(record)).collect()
    }
}
