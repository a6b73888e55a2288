//! What one kind of channel allows.

use super::value::Age;
use fanfare_core::Topic;
use serde::Deserialize;
use toml::Spanned;

/// The options of a namespace. Everything is off and nobody may anything unless it is said.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(in crate::standalone) struct Namespace {
    /// How many publications are served.
    pub(in crate::standalone) history_size: u64,
    /// How old they may be.
    pub(in crate::standalone) history_age: Age,
    /// Whether who was away gets what it missed.
    pub(in crate::standalone) recovery: Option<Spanned<bool>>,
    /// Whether a slow reader gets the newest value in place of all that waited.
    pub(in crate::standalone) conflated: Option<Spanned<bool>>,
    /// Whether it is known who is there.
    pub(in crate::standalone) presence: bool,
    pub(in crate::standalone) join_leave: Option<Spanned<JoinLeave>>,
    pub(in crate::standalone) subscribe: WhoSubscribes,
    pub(in crate::standalone) publish: Who,
    pub(in crate::standalone) read_presence: Option<Spanned<Who>>,
    pub(in crate::standalone) read_history: Option<Spanned<Who>>,
    /// Whether `name#ann,bob` may be subscribed by ann and bob.
    pub(in crate::standalone) user_limited: bool,
    pub(in crate::standalone) topic: Option<Spanned<TopicName>>,
    pub(in crate::standalone) key: KeyRule,
}

impl Namespace {
    pub(in crate::standalone) fn has_history(&self) -> bool {
        self.history_size > 0 && !self.history_age.0.is_zero()
    }

    pub(in crate::standalone) fn has_recovery(&self) -> bool {
        self.recovery.as_ref().is_some_and(|recovery| *recovery.get_ref())
    }

    pub(in crate::standalone) fn join_leave(&self) -> JoinLeave {
        self.join_leave.as_ref().map(|join_leave| *join_leave.get_ref()).unwrap_or_default()
    }

    pub(in crate::standalone) fn read_presence(&self) -> Who {
        self.read_presence.as_ref().map(|who| *who.get_ref()).unwrap_or_default()
    }

    pub(in crate::standalone) fn read_history(&self) -> Who {
        self.read_history.as_ref().map(|who| *who.get_ref()).unwrap_or_default()
    }
}

/// Who may subscribe by themselves. A subscription token always may, but where nobody may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::standalone) enum WhoSubscribes {
    /// Only the server, through its API or a connection token.
    Nobody,
    /// Who brings a subscription token.
    #[default]
    Token,
    /// Who connected with a token.
    User,
    /// Everybody.
    Anyone,
}

/// Who may do something in a channel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::standalone) enum Who {
    /// No client.
    #[default]
    Nobody,
    /// Whoever is subscribed by a token.
    Token,
    /// Whoever is subscribed.
    Subscriber,
    /// Who connected with a token, subscribed or not.
    User,
    /// Everybody, subscribed or not.
    Anyone,
}

/// Who is told that somebody comes or goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::standalone) enum JoinLeave {
    /// Nobody.
    #[default]
    Off,
    /// Every subscriber.
    Pushed,
    /// Subscribers that ask for it and may read presence.
    OnRequest,
}

/// Which key of its topic a channel is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::standalone) enum KeyRule {
    /// What follows the namespace.
    #[default]
    Rest,
    /// The channel's whole name.
    Channel,
}

/// A topic, checked.
#[derive(Clone, Debug)]
pub(in crate::standalone) struct TopicName(pub(in crate::standalone) Topic);

impl<'de> Deserialize<'de> for TopicName {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Topic::new(name).map(Self).map_err(serde::de::Error::custom)
    }
}
