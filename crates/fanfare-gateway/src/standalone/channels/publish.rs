//! Publishing into a channel, from clients and from the server HTTP API.

use super::namespaces::Channel;
use super::policy::Channels;
use super::record;
use crate::protocol::{ClientInfo, ErrorReply, Json, Publication};
use fanfare_core::{Error, ErrorKind};
use std::collections::BTreeMap;

/// What is to be published.
#[derive(Clone, Debug)]
pub(in crate::standalone) struct Publishing {
    pub(in crate::standalone) data: Json,
    pub(in crate::standalone) tags: BTreeMap<String, String>,
    /// The connection that publishes, if one does.
    pub(in crate::standalone) info: Option<ClientInfo>,
    /// Live only, also where the channel has history.
    pub(in crate::standalone) skips_history: bool,
    /// A second publish into the same channel with the same one is a repeat.
    pub(in crate::standalone) idempotency_key: Option<String>,
}

/// Where a publication stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::standalone) struct Position {
    pub(in crate::standalone) offset: u64,
    pub(in crate::standalone) epoch: String,
}

impl Publishing {
    pub(in crate::standalone) fn new(data: Json) -> Self {
        Self { data, tags: BTreeMap::new(), info: None, skips_history: false, idempotency_key: None }
    }
}

impl Channels {
    /// Publishes. With history it returns when the publication is durable, whoever has received it until then; without, when
    /// it was handed to those who are there.
    ///
    /// # Errors
    /// 107 for an idempotency key that had another payload, 100 when the journal does not take it.
    pub(in crate::standalone) async fn publish_into(
        &self,
        channel: &Channel<'_>,
        publishing: Publishing,
    ) -> Result<Option<Position>, ErrorReply> {
        if publishing.skips_history || !channel.options().has_history() {
            self.push(channel, publishing);
            return Ok(None);
        }
        let repeat = publishing.idempotency_key.clone();
        let repeats = &self.0.repeats;
        let now = self.0.clock.monotonic();
        if let Some(key) = &repeat
            && let Some(first) = repeats.first(channel.name, key, now)
        {
            return Ok(first);
        }
        let message = record::write(&channel.key, publishing, self.0.clock.now());
        let answers = self.0.transport.submit(vec![message.into()], false).await;
        let receipt = match answers.map(|mut answers| answers.pop()) {
            Ok(Some(Ok(receipt))) => receipt,
            Ok(Some(Err(rejected))) => return Err(refused(channel, &rejected.error)),
            Ok(None) => return Err(ErrorReply::INTERNAL),
            Err(error) => return Err(refused(channel, &error)),
        };
        let position = receipt.place.map(|place| Position {
            offset: place.revision,
            epoch: self.0.transport.log().map_or(place.epoch, |log| log.epoch()).to_string(),
        });
        self.0.counts.kept.add();
        if let Some(key) = repeat {
            repeats.remember(channel.name, key, position.clone(), now);
        }
        Ok(position)
    }

    /// To those who are there, and into no journal.
    fn push(&self, channel: &Channel<'_>, publishing: Publishing) {
        if let Some(key) = publishing.idempotency_key
            && !self.0.repeats.claim(channel.name, key, self.0.clock.monotonic())
        {
            return;
        }
        let mut publication = Publication::new(publishing.data);
        (publication.info, publication.tags) = (publishing.info, publishing.tags);
        if let Some(gateway) = self.0.gateway.get() {
            gateway.push(channel.name, &channel.key, &publication);
        }
        self.0.counts.live.add();
    }
}

fn refused(channel: &Channel<'_>, error: &Error) -> ErrorReply {
    match error.kind() {
        ErrorKind::Conflict => {
            ErrorReply::BAD_REQUEST.because("this idempotency_key came with another payload before")
        }
        ErrorKind::TooLarge => {
            ErrorReply::BAD_REQUEST.because("the publication is larger than the journal takes")
        }
        _ => {
            tracing::error!(channel = channel.name, %error, "a publish failed");
            ErrorReply::INTERNAL
        }
    }
}
