//! What tokens say.

use crate::protocol::Json;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::collections::BTreeMap;

/// A connection token's claims.
#[derive(Clone, Debug, Default, Deserialize)]
#[non_exhaustive]
pub struct ConnectionClaims {
    /// The user; empty is anonymous.
    #[serde(default, rename = "sub")]
    pub user: String,
    /// Until when the token may be used, in seconds since 1970; also until when the connection lasts, unless
    /// `expire_at` says otherwise.
    #[serde(default)]
    pub exp: Option<u64>,
    /// Until when the connection lasts; 0 is for ever.
    #[serde(default)]
    pub expire_at: Option<u64>,
    /// Shown to others as `conn_info`.
    #[serde(default, deserialize_with = "json")]
    pub info: Option<Json>,
    /// For the application only, never sent to a client.
    #[serde(default, deserialize_with = "json")]
    pub meta: Option<Json>,
    /// Channels that the server subscribes the connection to; not looked at when there are `subs`.
    #[serde(default)]
    pub channels: Vec<String>,
    /// The same, and what the subscriber is told and others see of it.
    #[serde(default)]
    subs: BTreeMap<String, Sub>,
    #[serde(default)]
    pub(crate) channel: Option<String>,
}

/// A server-side subscription in a connection's token.
#[derive(Clone, Debug, Default, Deserialize)]
struct Sub {
    #[serde(default, deserialize_with = "json")]
    info: Option<Json>,
    #[serde(default, deserialize_with = "json")]
    data: Option<Json>,
}

impl ConnectionClaims {
    /// When the connection ends unless it is refreshed, in seconds since 1970.
    pub(crate) fn expires_at(&self) -> Option<u64> {
        lasting(self.exp, self.expire_at)
    }

    /// The channels that it gives the connection, each as if a subscription token did.
    pub(crate) fn given(&self) -> Vec<(String, Box<SubscriptionClaims>)> {
        if self.subs.is_empty() {
            return self.channels.iter().map(|channel| (channel.clone(), Box::default())).collect();
        }
        let given = |(channel, sub): (&String, &Sub)| {
            let (info, data) = (sub.info.clone(), sub.data.clone());
            (channel.clone(), Box::new(SubscriptionClaims { info, data, ..SubscriptionClaims::default() }))
        };
        self.subs.iter().map(given).collect()
    }
}

/// A subscription token's claims.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct SubscriptionClaims {
    #[serde(default, rename = "sub")]
    pub(crate) user: String,
    #[serde(default)]
    pub(crate) channel: String,
    #[serde(default)]
    pub(crate) client: String,
    #[serde(default)]
    pub(crate) exp: Option<u64>,
    #[serde(default)]
    pub(crate) expire_at: Option<u64>,
    #[serde(default, deserialize_with = "json")]
    pub(crate) info: Option<Json>,
    #[serde(default, deserialize_with = "json")]
    pub(crate) data: Option<Json>,
}

impl SubscriptionClaims {
    pub(crate) fn expires_at(&self) -> Option<u64> {
        lasting(self.exp, self.expire_at)
    }
}

/// What every token is judged by before its own claims are read.
#[derive(Debug, Deserialize)]
pub(crate) struct Registered {
    #[serde(default)]
    pub(crate) exp: Option<f64>,
    #[serde(default)]
    pub(crate) nbf: Option<f64>,
    #[serde(default)]
    pub(crate) aud: Option<Audience>,
    #[serde(default)]
    pub(crate) iss: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Audience {
    pub(crate) fn contains(&self, wanted: &str) -> bool {
        match self {
            Self::One(one) => one == wanted,
            Self::Many(many) => many.iter().any(|one| one == wanted),
        }
    }
}

fn lasting(exp: Option<u64>, expire_at: Option<u64>) -> Option<u64> {
    match expire_at {
        Some(0) => None,
        Some(at) => Some(at),
        None => exp,
    }
}

fn json<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Json>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(|raw| Some(Json::from_raw(&raw)))
}
