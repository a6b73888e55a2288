//! A publication as a record of the journal, and back.
//!
//! The payload is the data. Tags, and the connection that published it, are extension attributes in JSON, so that other
//! programs that read the topic find the data as it was given.

use super::publish::Publishing;
use crate::ChannelKey;
use crate::protocol::{ClientInfo, Json, Publication};
use fanfare_core::{EventId, Extension, Message, Metadata, Recorded, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

const TAGS: &str = "channeltags";
const INFO: &str = "channelinfo";
/// Who makes the events.
const SOURCE: &str = "fanfare-gateway";

#[derive(Serialize, Deserialize)]
struct Info {
    user: String,
    client: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    conn_info: Option<Box<RawValue>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    chan_info: Option<Box<RawValue>>,
}

/// The record of a publication: an event of the type `topic.published`.
pub(super) fn write(key: &ChannelKey, publishing: Publishing, now: Timestamp) -> Message {
    let id = EventId::from(uuid::Uuid::new_v7(uuid_time(now)));
    let mut metadata = Metadata::new(id, SOURCE, format!("{}.published", key.topic));
    metadata.time = Some(now);
    metadata.key = Some(key.key.clone());
    metadata.set_idempotency_key(publishing.idempotency_key.map(Into::into));
    if !publishing.tags.is_empty() {
        metadata.set_extension(TAGS, text(&publishing.tags));
    }
    if let Some(info) = publishing.info {
        let raw =
            |json: Option<Json>| json.and_then(|json| RawValue::from_string(json.as_str().to_owned()).ok());
        let info = Info {
            user: info.user,
            client: info.client,
            conn_info: raw(info.connection),
            chan_info: raw(info.channel),
        };
        metadata.set_extension(INFO, text(&info));
    }
    Message::new(key.topic.clone(), metadata, publishing.data.as_str().to_owned().into())
}

/// How a record looks to subscribers. What is not JSON shows as `null`.
pub(super) fn read(record: &Recorded) -> Publication {
    let metadata = &record.message.metadata;
    let data = Json::parse(record.message.payload.clone()).unwrap_or_else(|_| Json::null());
    let mut publication = Publication::new(data);
    if let Some(Extension::Text(tags)) = metadata.extension(TAGS) {
        publication.tags = serde_json::from_str(tags).unwrap_or_default();
    }
    if let Some(Extension::Text(info)) = metadata.extension(INFO)
        && let Ok(info) = serde_json::from_str::<Info>(info)
    {
        let json = |raw: Option<Box<RawValue>>| raw.map(|raw| Json::from_raw(&raw));
        publication.info = Some(ClientInfo {
            user: info.user,
            client: info.client,
            connection: json(info.conn_info),
            channel: json(info.chan_info),
        });
    }
    publication
}

fn text(value: &impl Serialize) -> Extension {
    Extension::Text(serde_json::to_string(value).unwrap_or_default().into())
}

fn uuid_time(now: Timestamp) -> uuid::Timestamp {
    let seconds = u64::try_from(now.as_second()).unwrap_or(0);
    let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or(0);
    uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos)
}
