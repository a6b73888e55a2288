//! What the gateway asks: who may connect, who may read which channel, how events look.

use super::Chat;
use super::access::{membership, who};
use super::reading::topic;
use super::refusal::Refusal;
use crate::accounts::Accounts;
use crate::model::Kind;
use fanfare_core::Recorded;
use fanfare_gateway::{
    Caller, ChannelKey, Disconnect, ErrorReply, Grant, Json, Policy, Publication, Subscribe, Welcome,
};
use serde::Deserialize;
use std::sync::Arc;
use uuid::Uuid;

/// The messenger's decisions.
#[derive(Clone, Debug)]
pub struct Rooms {
    chat: Chat,
    accounts: Accounts,
}

/// What a connection's token says beside whose it is.
#[derive(Deserialize)]
struct Info {
    session: i64,
}

impl Rooms {
    /// The decisions over a chat and its people.
    #[must_use]
    pub fn new(chat: Chat, accounts: Accounts) -> Self {
        Self { chat, accounts }
    }

    async fn may_connect(&self, caller: &Caller) -> Option<Uuid> {
        let person = who(caller).ok()?;
        let info: Info = serde_json::from_str(caller.info.as_ref()?.as_str()).ok()?;
        match self.accounts.is_open(info.session, person).await {
            Ok(true) => Some(person),
            Ok(false) => None,
            Err(error) => {
                tracing::error!(%error, "a session could not be looked up");
                None
            }
        }
    }

    async fn grant(&self, caller: &Caller, channel: &str) -> Result<Grant, Refusal> {
        let person = who(caller)?;
        let (is_direct, room) = match channel.split_once(':') {
            Some(("room", room)) => (false, room),
            Some(("dm", room)) => (true, room),
            _ => return Err(Refusal(ErrorReply::UNKNOWN_CHANNEL)),
        };
        // Only one spelling: what is unsubscribed later is a name, not an id.
        let room =
            room.parse::<Uuid>().ok().filter(|id| id.to_string() == room).ok_or_else(Refusal::missing)?;
        let _open = self.chat.0.gates.open(person).await;
        let found = self.chat.read(move |tx| membership(tx, room, person)).await?;
        if (found.kind == Kind::Direct) != is_direct {
            return Err(Refusal::missing());
        }
        Ok(Grant::new(ChannelKey::new(topic(found.kind), room.to_string())))
    }
}

impl Policy for Rooms {
    async fn connect(&self, caller: &Caller, _: Option<&Json>) -> Result<Welcome, Disconnect> {
        let person = self.may_connect(caller).await.ok_or_else(|| Disconnect::new(4501, "signed out"))?;
        self.chat.came(person);
        Ok(Welcome::default())
    }

    async fn subscribe(&self, caller: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
        Ok(self.grant(caller, &request.channel).await.map_err(|refusal| match refusal.0.code {
            // A stranger learns nothing of which rooms there are.
            403 | 404 => Refusal(ErrorReply::PERMISSION_DENIED),
            _ => refusal,
        })?)
    }

    async fn view(&self, _: &ChannelKey, records: &[Arc<Recorded>]) -> Vec<Publication> {
        let views = self.chat.views(records).await;
        views.iter().map(|view| Publication::new(Json::of(view).unwrap_or_else(|_| Json::null()))).collect()
    }
}
