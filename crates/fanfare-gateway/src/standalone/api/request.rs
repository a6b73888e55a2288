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
#[derive(Deserialize)]
pub(super) struct Publish {
    #[serde(default)]
    pub(super) channel: String,
    #[serde(default)]
    pub(super) channels: Vec<String>,
    #[serde(default, deserialize_with = "json")]
    pub(super) data: Option<Json>,
    #[serde(default)]
    pub(super) b64data: String,
    #[serde(default)]
    pub(super) skip_history: bool,
    #[serde(default)]
    pub(super) tags: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) idempotency_key: String,
    #[serde(default)]
    pub(super) version: u64,
}

#[derive(Deserialize)]
pub(super) struct Subscribe {
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) channel: String,
    #[serde(default)]
    pub(super) client: String,
    #[serde(default)]
    pub(super) session: String,
    #[serde(default, deserialize_with = "json")]
    pub(super) info: Option<Json>,
    #[serde(default, deserialize_with = "json")]
    pub(super) data: Option<Json>,
    #[serde(default)]
    pub(super) b64info: String,
    #[serde(default)]
    pub(super) b64data: String,
    #[serde(default)]
    pub(super) expire_at: u64,
    #[serde(default)]
    pub(super) recover_since: Option<Since>,
    #[serde(default, rename = "override")]
    pub(super) overrides: Option<serde::de::IgnoredAny>,
}

/// For unsubscribe, disconnect and refresh.
#[derive(Deserialize)]
pub(super) struct Person {
    pub(super) user: Option<String>,
    #[serde(default)]
    pub(super) channel: String,
    #[serde(default)]
    pub(super) client: String,
    #[serde(default)]
    pub(super) session: String,
    #[serde(default)]
    pub(super) whitelist: Vec<String>,
    #[serde(default)]
    pub(super) disconnect: Option<Reason>,
    #[serde(default)]
    pub(super) expired: bool,
}

#[derive(Deserialize)]
pub(super) struct Reason {
    #[serde(default)]
    pub(super) code: u32,
    #[serde(default)]
    pub(super) reason: String,
}

#[derive(Deserialize)]
pub(super) struct OfChannel {
    #[serde(default)]
    pub(super) channel: String,
}

#[derive(Deserialize)]
pub(super) struct History {
    #[serde(default)]
    pub(super) channel: String,
    #[serde(default)]
    pub(super) limit: i64,
    #[serde(default)]
    pub(super) since: Option<Since>,
    #[serde(default)]
    pub(super) reverse: bool,
}

#[derive(Deserialize)]
pub(super) struct Since {
    #[serde(default)]
    pub(super) offset: u64,
    #[serde(default)]
    pub(super) epoch: String,
}

#[derive(Deserialize)]
pub(super) struct Channels {
    #[serde(default)]
    pub(super) pattern: String,
}

/// Absent and `null` differ: `null` is a payload.
fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(|raw| Some(Json::from_raw(&raw)))
}
