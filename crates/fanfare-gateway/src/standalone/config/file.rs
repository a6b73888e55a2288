//! The file's shape.

use super::channel::Namespace;
use super::value::{Address, Age, Secret};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct File {
    pub(super) address: Option<Spanned<Address>>,
    pub(super) api_address: Option<Spanned<Address>>,
    pub(super) metrics_address: Option<Spanned<Address>>,
    pub(super) behind_proxy: bool,
    pub(super) tls_cert: Option<Spanned<PathBuf>>,
    pub(super) tls_key: Option<Spanned<PathBuf>>,
    pub(super) broker: Option<Spanned<String>>,
    pub(super) allowed_origins: Vec<Spanned<String>>,
    pub(super) anonymous: bool,
    pub(super) api_key: Option<Spanned<Secret>>,
    pub(super) drain: Option<Age>,
    pub(super) tokens: Option<Spanned<Tokens>>,
    pub(super) personal_channel: PersonalChannel,
    pub(super) limits: Limits,
    pub(super) default: Option<Spanned<Namespace>>,
    pub(super) namespaces: BTreeMap<Spanned<String>, Spanned<Namespace>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Tokens {
    pub(super) algorithm: Option<Spanned<String>>,
    pub(super) hmac_key: Option<Spanned<Secret>>,
    pub(super) hmac_key_previous: Option<Spanned<Secret>>,
    pub(super) public_key: Option<Spanned<PathBuf>>,
    pub(super) public_key_previous: Option<Spanned<PathBuf>>,
    pub(super) jwks: Option<Spanned<PathBuf>>,
    pub(super) audience: Option<Spanned<String>>,
    pub(super) issuer: Option<String>,
    pub(super) require_audience: Option<bool>,
    pub(super) require_expiry: Option<bool>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct PersonalChannel {
    pub(super) enabled: bool,
    pub(super) namespace: Option<Spanned<String>>,
}

macro_rules! limits {
    ($($name:ident: $type:ty,)*) => {
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(super) struct Limits {
            $(pub(super) $name: Option<Spanned<$type>>,)*
        }
    };
}

limits! {
    message_bytes_max: usize,
    connect_timeout: Age,
    ping_interval: Age,
    pong_timeout: Age,
    expiry_grace: Age,
    channels_max: usize,
    channel_name_max: usize,
    calls_in_flight_max: usize,
    queued_bytes_max: usize,
    publications_max: usize,
    publications_bytes_max: usize,
    connections_max: usize,
    connections_per_user_max: usize,
    connections_per_address_max: usize,
    api_body_bytes_max: usize,
    api_body_timeout: Age,
    join_leave_every: Age,
    leave_grace: Age,
    join_leave_members_max: usize,
    drain_per_second: u32,
    subscribes_per_second_max: u32,
    publishes_per_second_max: u32,
    history_reads_per_second_max: u32,
    presence_reads_per_second_max: u32,
}
