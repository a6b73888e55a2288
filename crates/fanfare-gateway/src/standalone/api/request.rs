//! What methods take. Members that are not known are passed by, as in the reference server.

use crate::protocol::Json;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap};

/// One method and what it takes.
pub(super) type BatchCommand<'a> = HashMap<String, &'a RawValue>;

#[derive(Deserialize)]
pub(super) struct Batch<'a> {
    #[serde(borrow)]
    pub(super) commands: Vec<BatchCommand<'a>>,
    #[serde(default)]
    pub(super) parallel: bool,
}

/// For publish and broadcast.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Publish {
    pub(super) channel: String,
    pub(super) channels: Vec<String>,
    #[serde(deserialize_with = "json")]
    pub(super) data: Option<Json>,
    pub(super) b64data: String,
    pub(super) skip_history: bool,
    pub(super) tags: BTreeMap<String, String>,
    pub(super) idempotency_key: String,
    pub(super) version: u64,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Subscribe {
    pub(super) user: Option<String>,
    pub(super) channel: String,
    pub(super) client: String,
    pub(super) session: String,
    #[serde(deserialize_with = "json")]
    pub(super) info: Option<Json>,
    #[serde(deserialize_with = "json")]
    pub(super) data: Option<Json>,
    pub(super) b64info: String,
    pub(super) b64data: String,
    pub(super) expire_at: u64,
    pub(super) recover_since: Option<Since>,
    #[serde(rename = "override")]
    pub(super) overrides: Option<serde::de::IgnoredAny>,
}

/// For unsubscribe, disconnect and refresh.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Person {
    pub(super) user: Option<String>,
    pub(super) channel: String,
    pub(super) client: String,
    pub(super) session: String,
    pub(super) whitelist: Vec<String>,
    pub(super) disconnect: Option<Reason>,
    pub(super) expired: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Reason {
    pub(super) code: u32,
    pub(super) reason: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct OfChannel {
    pub(super) channel: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct History {
    pub(super) channel: String,
    pub(super) limit: i64,
    pub(super) since: Option<Since>,
    pub(super) reverse: bool,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Since {
    pub(super) offset: u64,
    pub(super) epoch: String,
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct Channels {
    pub(super) pattern: String,
}

/// Absent and `null` differ: `null` is a payload.
fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(|raw| Some(Json::from_raw(&raw)))
}
