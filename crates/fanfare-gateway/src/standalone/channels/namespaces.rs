//! From a channel's name to its options and its key.
//!
//! ```text
//! chat:general        namespace chat, topic chat, key general
//! $chat:general       the same namespace, topic chat.private: only with a token
//! chat:team#ann,bob   only ann and bob, where the namespace says user_limited
//! inbox:#ann          ann's own, where personal channels are on: everything behind the # is the one user
//! news                the options of [default], topic default, key news
//! ```

use crate::protocol::ErrorReply;
use crate::standalone::config::{Config, KeyRule, Namespace, topic_of};
use crate::{ChannelKey, Window};
use fanfare_core::Topic;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Every namespace of the file.
#[derive(Debug)]
pub(in crate::standalone) struct Namespaces {
    by_name: BTreeMap<String, Arc<Entry>>,
    /// The namespaces whose topic belongs to them alone.
    by_topic: HashMap<Topic, Arc<Entry>>,
    /// What stands before the user in the name of a personal channel.
    personal: Option<String>,
    name_max: usize,
}

#[derive(Debug)]
struct Entry {
    options: Namespace,
    topic: Topic,
    /// Of the channels that begin with `$`.
    private_topic: Topic,
}

/// A channel whose namespace is known.
#[derive(Debug)]
pub(in crate::standalone) struct Channel<'a> {
    entry: Arc<Entry>,
    pub(in crate::standalone) name: &'a str,
    pub(in crate::standalone) key: ChannelKey,
    /// Begins with `$`: only with a token.
    pub(super) is_private: bool,
    /// What follows the last `#`, of a personal channel the first one.
    users: Option<&'a str>,
    /// Belongs to one user, in whose name a `#`, a comma or a colon may stand.
    is_personal: bool,
}

impl Namespaces {
    pub(in crate::standalone) fn new(config: &Config) -> Self {
        let entry = |(name, options): (&String, &Namespace)| {
            let topic = topic_of(name, options).unwrap_or_else(|| Topic::from_static("default"));
            let private_topic = match options.key {
                KeyRule::Rest => Topic::new(format!("{topic}.private")).unwrap_or_else(|_| topic.clone()),
                // The key tells them apart.
                KeyRule::Channel => topic.clone(),
            };
            (name.clone(), Arc::new(Entry { options: options.clone(), topic, private_topic }))
        };
        let by_name: BTreeMap<String, Arc<Entry>> = config.namespaces.iter().map(entry).collect();
        let alone = by_name.values().filter(|entry| entry.options.key == KeyRule::Rest);
        let by_topic = alone.flat_map(|entry| {
            [(entry.topic.clone(), Arc::clone(entry)), (entry.private_topic.clone(), Arc::clone(entry))]
        });
        Self {
            by_topic: by_topic.collect(),
            by_name,
            personal: config.personal.clone(),
            name_max: config.settings.channel_name_max,
        }
    }

    /// What a channel is.
    ///
    /// # Errors
    /// 107 for what is no name, 102 for a namespace that the file does not have.
    pub(in crate::standalone) fn resolve<'a>(&self, name: &'a str) -> Result<Channel<'a>, ErrorReply> {
        if name.is_empty() || name.len() > self.name_max || !name.is_ascii() {
            return Err(ErrorReply::BAD_REQUEST);
        }
        let (is_private, public) = match name.strip_prefix('$') {
            Some(rest) => (true, rest),
            None => (false, name),
        };
        let personal = self.personal.as_deref().and_then(|before| name.strip_prefix(before));
        let (namespace, rest) = match public.split_once(':') {
            Some((before, rest)) if personal.is_none() || !before.starts_with('#') => (before, rest),
            _ => ("", public),
        };
        let entry = self.by_name.get(namespace).ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
        if rest.is_empty() {
            return Err(ErrorReply::BAD_REQUEST);
        }
        let topic = if is_private { &entry.private_topic } else { &entry.topic };
        let key = match entry.options.key {
            KeyRule::Rest => rest,
            KeyRule::Channel => name,
        };
        let users = personal.or_else(|| rest.rsplit_once('#').map(|(_, users)| users));
        Ok(Channel {
            entry: Arc::clone(entry),
            name,
            key: ChannelKey::new(topic.clone(), key),
            is_private,
            users,
            is_personal: personal.is_some(),
        })
    }

    /// The channel that a user is subscribed to by connecting. A user whose name fits into no channel's name has none, and
    /// connects all the same.
    pub(super) fn personal(&self, user: &str) -> Option<String> {
        let name = format!("{}{user}", self.personal.as_ref().filter(|_| !user.is_empty())?);
        if self.resolve(&name).is_ok_and(|channel| channel.is_personal) {
            return Some(name);
        }
        tracing::warn!(user, "no personal channel: names of channels are ASCII, and have a longest one");
        None
    }

    /// How much of a key's past is served.
    pub(super) fn window(&self, key: &ChannelKey) -> Window {
        let entry = match self.by_topic.get(&key.topic) {
            Some(entry) => Some(Arc::clone(entry)),
            None => self.resolve(&key.key).ok().map(|channel| channel.entry),
        };
        let Some(entry) = entry.filter(|entry| entry.options.has_history()) else {
            return Window { count_max: 0, age_max: None };
        };
        Window { count_max: entry.options.history_size, age_max: Some(entry.options.history_age.0) }
    }
}

impl Channel<'_> {
    pub(in crate::standalone) fn options(&self) -> &Namespace {
        &self.entry.options
    }

    /// Whether the name itself says who may come in: then nobody else may, whatever the namespace says.
    pub(super) fn is_limited(&self) -> bool {
        self.users.is_some()
    }

    /// Whether the name lists a user, and that counts.
    pub(super) fn lists(&self, user: &str) -> bool {
        let Some(users) = self.users.filter(|_| !user.is_empty()) else { return false };
        if self.is_personal {
            return users == user;
        }
        self.options().user_limited && users.split(',').any(|listed| listed == user)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn namespaces(text: &str) -> Namespaces {
        let (config, _) = Config::parse(Path::new("gateway.toml"), text, &|_| None).unwrap();
        Namespaces::new(&config)
    }

    fn listed(namespaces: &Namespaces, channel: &str) -> Vec<&'static str> {
        let channel = namespaces.resolve(channel).unwrap();
        ["a", "b", "a#b", "a,b", "google:1"].into_iter().filter(|user| channel.lists(user)).collect()
    }

    #[test]
    fn a_personal_channel_is_its_users_alone_whatever_stands_in_the_name() {
        for (text, before) in [
            ("[personal_channel]\nenabled = true\n[default]\nuser_limited = true", "#"),
            (
                "[personal_channel]\nenabled = true\nnamespace = \"in\"\n[namespaces.in]\nuser_limited = true",
                "in:#",
            ),
        ] {
            let namespaces = namespaces(&format!("anonymous = true\n{text}"));
            for user in ["a", "b", "a#b", "a,b", "google:1"] {
                let channel = namespaces.personal(user).unwrap();
                assert_eq!(channel, format!("{before}{user}"));
                assert_eq!(listed(&namespaces, &channel), [user], "{channel}");
            }
            assert_eq!(listed(&namespaces, &format!("{}team#a,b", &before[..before.len() - 1])), ["a", "b"]);
        }
    }

    #[test]
    fn who_cannot_have_a_personal_channel_has_none() {
        let namespaces = namespaces("anonymous = true\n[personal_channel]\nenabled = true\n[default]");
        for user in ["", "zo\u{eb}", &"x".repeat(255)] {
            assert_eq!(namespaces.personal(user), None, "{user}");
        }
        assert_eq!(namespaces.personal(&"x".repeat(254)).map(|name| name.len()), Some(255));
    }
}
