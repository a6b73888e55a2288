//! What a file means, and what in it does not fit together.

use super::channel::{JoinLeave, KeyRule, Namespace, Who};
use super::file::{File, Limits};
use super::keys;
use super::mistake::{Mistake, Source};
use super::value::{Address, Secret};
use crate::auth::Verifier;
use crate::door::Door;
use crate::origin::Origins;
use crate::settings::{Rate, Rates, Settings};
use fanfare_core::Topic;
use std::collections::{BTreeMap, HashMap};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::Spanned;

/// What the program runs with.
#[derive(Debug)]
pub(in crate::standalone) struct Config {
    pub(in crate::standalone) address: SocketAddr,
    pub(in crate::standalone) api_address: Option<SocketAddr>,
    pub(in crate::standalone) metrics_address: Option<SocketAddr>,
    pub(in crate::standalone) is_behind_proxy: bool,
    pub(in crate::standalone) tls: Option<Tls>,
    pub(in crate::standalone) broker: String,
    pub(in crate::standalone) origins: Vec<String>,
    pub(in crate::standalone) allows_anonymous: bool,
    pub(in crate::standalone) api_key: Option<Secret>,
    pub(in crate::standalone) api_body_bytes_max: usize,
    pub(in crate::standalone) api_body_timeout: Duration,
    pub(in crate::standalone) drain: Duration,
    pub(in crate::standalone) verifier: Option<Verifier>,
    /// What stands before the user in the name of their personal channel: `#`, or `ns:#`.
    pub(in crate::standalone) personal: Option<String>,
    pub(in crate::standalone) settings: Settings,
    /// Channels by namespace; those without one under the empty name.
    pub(in crate::standalone) namespaces: BTreeMap<String, Namespace>,
}

/// A certificate chain and its key, both files.
#[derive(Debug)]
pub(in crate::standalone) struct Tls {
    pub(in crate::standalone) certificate: PathBuf,
    pub(in crate::standalone) key: PathBuf,
}

/// Collects what is wrong, and what is only doubtful.
pub(super) struct Findings<'a> {
    pub(super) source: Source<'a>,
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<String>,
}

/// Secrets that count before the file's.
const API_KEY: &str = "FANFARE_GATEWAY_API_KEY";
/// A key that is shorter can be guessed.
const API_KEY_LEN_ADVISED: usize = 20;

impl Config {
    /// Reads and checks a file; with what is doubtful in it.
    ///
    /// # Errors
    /// Every mistake in it, each with its line and column.
    pub(in crate::standalone) fn read(path: &Path) -> Result<(Self, Vec<String>), Vec<Mistake>> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| vec![Mistake::of_file(path, format!("failed to read the file: {error}"))])?;
        let (config, mut warnings) = Self::parse(path, &text, &|name| std::env::var(name).ok())?;
        let holds_secrets = text
            .lines()
            .any(|line| ["hmac_key", "api_key"].iter().any(|name| line.trim_start().starts_with(name)));
        let mode = std::fs::metadata(path).map_or(0, |found| found.permissions().mode());
        if holds_secrets && mode & 0o004 != 0 {
            let path = path.display();
            warnings.push(format!("everybody may read {path}, which holds secrets: chmod o-rwx {path}"));
        }
        Ok((config, warnings))
    }

    pub(in crate::standalone) fn parse(
        path: &Path,
        text: &str,
        environment: &dyn Fn(&str) -> Option<String>,
    ) -> Result<(Self, Vec<String>), Vec<Mistake>> {
        let source = Source { path, text };
        let file: File = toml::from_str(text).map_err(|error| vec![source.unreadable(&error)])?;
        let mut findings = Findings { source, mistakes: Vec::new(), warnings: Vec::new() };
        let config = Self::of_file(file, environment, &mut findings);
        if findings.mistakes.is_empty() { Ok((config, findings.warnings)) } else { Err(findings.mistakes) }
    }

    fn of_file(
        file: File,
        environment: &dyn Fn(&str) -> Option<String>,
        findings: &mut Findings<'_>,
    ) -> Self {
        let tls = tls(&file, findings);
        let is_safe = tls.is_some() || file.behind_proxy;
        let verifier = keys::verifier(file.tokens.as_ref(), environment, findings);
        if file.tokens.is_none() && !file.anonymous {
            let words = "nobody could connect: say how tokens are signed in [tokens], or anonymous = true";
            findings.mistakes.push(Mistake::of_file(findings.source.path, words));
        }
        let api_key = environment(API_KEY).map(Secret::new).or(file.api_key.map(Spanned::into_inner));
        match &api_key {
            None => findings.warnings.push(format!(
                "there is no api_key (nor {API_KEY} in the environment): the server HTTP API is off"
            )),
            Some(key) if key.reveal().len() < API_KEY_LEN_ADVISED => findings.warnings.push(format!(
                "the api_key has fewer than {API_KEY_LEN_ADVISED} characters and may be guessed; make one with \
                 `openssl rand -hex 32`"
            )),
            Some(_) => {}
        }
        let namespaces = namespaces(file.default, file.namespaces, findings);
        let personal = personal(file.personal_channel, &namespaces, findings);
        let settings = settings(&file.limits, file.behind_proxy, findings);
        let broker = broker(file.broker, findings);
        if broker.starts_with("memory:") && namespaces.values().any(Namespace::has_history) {
            findings.warnings.push("the broker is memory: history is gone when the program ends".into());
        }
        Self {
            address: reachable(file.address.as_ref(), "address", is_safe, findings)
                .unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8000))),
            api_address: reachable(file.api_address.as_ref(), "api_address", is_safe, findings),
            metrics_address: metrics(file.metrics_address.as_ref(), findings),
            is_behind_proxy: file.behind_proxy,
            tls,
            broker,
            origins: origins(file.allowed_origins, findings),
            allows_anonymous: file.anonymous,
            api_key,
            api_body_bytes_max: file.limits.api_body_bytes_max.map_or(2 << 20, Spanned::into_inner),
            api_body_timeout: file
                .limits
                .api_body_timeout
                .map_or(Door::BODY_TIMEOUT, |given| given.into_inner().0),
            drain: file.drain.map_or(Duration::from_secs(10), |drain| drain.0),
            verifier,
            personal,
            settings,
            namespaces,
        }
    }

    /// One line of what it is, without secrets.
    pub(in crate::standalone) fn summary(&self) -> String {
        let names: Vec<&str> =
            self.namespaces.keys().map(|name| if name.is_empty() { "(default)" } else { name }).collect();
        let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        let api = match (&self.api_key, self.api_address) {
            (None, _) => "off".to_owned(),
            (Some(_), None) => "on the same address".to_owned(),
            (Some(_), Some(address)) => format!("on {address}"),
        };
        format!("address {}, API {api}, broker {}, namespaces: {names}", self.address, self.broker)
    }
}

impl Findings<'_> {
    pub(super) fn at(&mut self, span: std::ops::Range<usize>, words: impl Into<String>) {
        let mistake = self.source.at(span, words);
        self.mistakes.push(mistake);
    }
}

fn reachable(
    address: Option<&Spanned<Address>>,
    name: &str,
    is_safe: bool,
    findings: &mut Findings<'_>,
) -> Option<SocketAddr> {
    let given = address?;
    let address = given.get_ref().0;
    if !address.ip().is_loopback() && !is_safe {
        findings.at(
            given.span(),
            format!(
                "{} can be reached from other machines, and over plain HTTP whoever is between could read and write \
                 everything. Give tls_cert and tls_key, or say behind_proxy = true when a proxy speaks TLS for it; or \
                 let {name} be \"127.0.0.1:{}\"",
                address.ip(),
                address.port()
            ),
        );
    }
    Some(address)
}

fn metrics(address: Option<&Spanned<Address>>, findings: &mut Findings<'_>) -> Option<SocketAddr> {
    let given = address?;
    let address = given.get_ref().0;
    if !address.ip().is_loopback() {
        let words = format!("{} can be reached from other machines; metrics are for this one", address.ip());
        findings.at(given.span(), words);
    }
    Some(address)
}

fn tls(file: &File, findings: &mut Findings<'_>) -> Option<Tls> {
    match (&file.tls_cert, &file.tls_key) {
        (Some(certificate), Some(key)) => {
            for path in [certificate, key] {
                if let Err(error) = std::fs::File::open(path.get_ref()) {
                    let words = format!("failed to read {}: {error}", path.get_ref().display());
                    findings.at(path.span(), words);
                }
            }
            Some(Tls { certificate: certificate.get_ref().clone(), key: key.get_ref().clone() })
        }
        (None, None) => None,
        (Some(one), None) | (None, Some(one)) => {
            findings.at(one.span(), "tls_cert and tls_key belong together: give both");
            None
        }
    }
}

fn broker(given: Option<Spanned<String>>, findings: &mut Findings<'_>) -> String {
    let Some(given) = given else { return "file:./data".to_owned() };
    let is_known = match given.get_ref().split_once(':') {
        Some(("file", path)) => !path.is_empty(),
        Some(("memory", _)) => true,
        _ => false,
    };
    if !is_known {
        let words = format!(
            "`{}` is no broker of this build: \"file:./data\" keeps the journal in a folder, \"memory:\" forgets it",
            given.get_ref()
        );
        findings.at(given.span(), words);
    }
    given.into_inner()
}

fn origins(given: Vec<Spanned<String>>, findings: &mut Findings<'_>) -> Vec<String> {
    for origin in &given {
        if let Err(error) = Origins::new(vec![origin.get_ref().clone()]) {
            findings.at(origin.span(), error.to_string());
        }
    }
    given.into_iter().map(Spanned::into_inner).collect()
}

fn personal(
    given: super::file::PersonalChannel,
    namespaces: &BTreeMap<String, Namespace>,
    findings: &mut Findings<'_>,
) -> Option<String> {
    let (name, span) = match &given.namespace {
        Some(name) => (name.get_ref().as_str(), Some(name.span())),
        None => ("", None),
    };
    if !given.enabled {
        return None;
    }
    if !namespaces.contains_key(name) {
        let words = match name {
            "" => "the personal channel `#user` has no namespace: say in [default] what it allows, or name a namespace \
                   in [personal_channel]"
                .to_owned(),
            name => format!("there is no [namespaces.{name}]"),
        };
        match span {
            Some(span) => findings.at(span, words),
            None => findings.mistakes.push(Mistake::of_file(findings.source.path, words)),
        }
    }
    Some(if name.is_empty() { "#".to_owned() } else { format!("{name}:#") })
}

fn namespaces(
    default: Option<Spanned<Namespace>>,
    given: BTreeMap<Spanned<String>, Spanned<Namespace>>,
    findings: &mut Findings<'_>,
) -> BTreeMap<String, Namespace> {
    let mut all = BTreeMap::new();
    let mut topics: HashMap<Topic, String> = HashMap::new();
    let named = given.into_iter().map(|(name, namespace)| {
        let span = name.span();
        (name.into_inner(), span, namespace.into_inner())
    });
    let default = default.map(|namespace| (String::new(), namespace.span(), namespace.into_inner()));
    for (name, span, namespace) in default.into_iter().chain(named) {
        check_name(&name, &span, &namespace, findings);
        check_history(&name, &span, &namespace, findings);
        check_presence(&namespace, findings);
        check_conflated(&namespace, findings);
        if namespace.key == KeyRule::Rest
            && let Some(topic) = topic_of(&name, &namespace)
        {
            let private = Topic::new(format!("{topic}.private")).unwrap_or_else(|_| topic.clone());
            for topic in [topic, private] {
                if let Some(other) = topics.insert(topic.clone(), name.clone())
                    && other != name
                {
                    let words = format!(
                        "its channels would share the topic `{topic}` with those of `{other}`, and so their records; give \
                         it another topic, or both key = \"channel\""
                    );
                    findings.at(span.clone(), words);
                }
            }
        }
        all.insert(name, namespace);
    }
    for (name, namespace) in &all {
        let by_channel = namespace.key == KeyRule::Channel;
        if let Some(topic) = topic_of(name, namespace).filter(|_| by_channel)
            && let Some(other) = topics.get(&topic)
        {
            let words = format!(
                "the namespaces `{other}` and `{name}` share the topic `{topic}`: give both key = \"channel\", or each a \
                 topic of its own"
            );
            findings.mistakes.push(Mistake::of_file(findings.source.path, words));
        }
    }
    all
}

/// The topic of a namespace's channels.
pub(in crate::standalone) fn topic_of(name: &str, namespace: &Namespace) -> Option<Topic> {
    match &namespace.topic {
        Some(topic) => Some(topic.get_ref().0.clone()),
        None if name.is_empty() => Some(Topic::from_static("default")),
        None => Topic::new(name.to_owned()).ok(),
    }
}

fn check_name(name: &str, span: &std::ops::Range<usize>, namespace: &Namespace, findings: &mut Findings<'_>) {
    if name.is_empty() {
        return;
    }
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if name.len() < 2 || !name.chars().all(is_plain) {
        let words = format!("`{name}` is no namespace: two or more letters, digits, `-`, `_` and `.`");
        findings.at(span.clone(), words);
    } else if topic_of(name, namespace).is_none() {
        findings
            .at(span.clone(), format!("`{name}` is no topic (a segment between dots is empty): give it one"));
    }
}

fn check_history(
    name: &str,
    span: &std::ops::Range<usize>,
    namespace: &Namespace,
    findings: &mut Findings<'_>,
) {
    if (namespace.history_size > 0) == namespace.history_age.0.is_zero() {
        let words = "history_size and history_age belong together: how many publications are served, and how old they may be";
        findings
            .at(span.clone(), format!("{words} (in {})", if name.is_empty() { "[default]" } else { name }));
    }
    if namespace.has_history() {
        return;
    }
    if let Some(recovery) = namespace.recovery.as_ref().filter(|recovery| *recovery.get_ref()) {
        findings.at(recovery.span(), "recovery needs a history: give history_size and history_age");
    }
    if let Some(who) = namespace.read_history.as_ref().filter(|who| *who.get_ref() != Who::Nobody) {
        findings.at(who.span(), "there is no history to read: give history_size and history_age");
    }
}

/// The newest value wins only where nobody counts on each.
fn check_conflated(namespace: &Namespace, findings: &mut Findings<'_>) {
    let conflated = namespace.conflated.as_ref().filter(|conflated| *conflated.get_ref());
    if let Some(conflated) = conflated.filter(|_| namespace.has_recovery()) {
        findings.at(
            conflated.span(),
            "where the newest value wins nothing is recovered: leave out recovery or conflated",
        );
    }
}

fn check_presence(namespace: &Namespace, findings: &mut Findings<'_>) {
    if namespace.presence {
        return;
    }
    if let Some(who) = namespace.read_presence.as_ref().filter(|who| *who.get_ref() != Who::Nobody) {
        findings.at(who.span(), "there is no presence to read: say presence = true");
    }
    let join_leave = namespace.join_leave.as_ref();
    if let Some(on_request) = join_leave.filter(|given| *given.get_ref() == JoinLeave::OnRequest) {
        findings.at(
            on_request.span(),
            "join_leave = \"on_request\" is for who may read presence: say presence = true",
        );
    }
}

fn settings(limits: &Limits, is_behind_proxy: bool, findings: &mut Findings<'_>) -> Settings {
    let mut settings = Settings::default();
    macro_rules! take {
        (counts: $($count:ident)*; times: $($time:ident)*) => {
            $(if let Some(given) = &limits.$count {
                if *given.get_ref() == 0 {
                    findings.at(given.span(), concat!(stringify!($count), " is at least 1"));
                }
                settings.$count = *given.get_ref();
            })*
            $(if let Some(given) = &limits.$time {
                settings.$time = given.get_ref().0;
            })*
        };
    }
    take! {
        counts: message_bytes_max channels_max channel_name_max calls_in_flight_max queued_bytes_max publications_max
            publications_bytes_max join_leave_members_max connections_max connections_per_user_max
            connections_per_address_max drain_per_second;
        times: connect_timeout ping_interval pong_timeout expiry_grace join_leave_every leave_grace
    }
    if !settings.ping_interval.is_zero() && settings.ping_interval <= settings.pong_timeout {
        let given = limits.ping_interval.as_ref().or(limits.pong_timeout.as_ref());
        if let Some(given) = given {
            findings.at(given.span(), "the ping_interval must be longer than the pong_timeout");
        }
    }
    if limits.connections_per_address_max.is_none() && is_behind_proxy {
        // A company's network may come from one address.
        settings.connections_per_address_max = settings.connections_max;
    }
    let mut rate = |given: &Option<Spanned<u32>>| {
        let given = given.as_ref()?;
        if *given.get_ref() == 0 {
            findings.at(given.span(), "a rate is at least 1");
        }
        Some(Rate::new(*given.get_ref(), given.get_ref().saturating_mul(2)))
    };
    settings.rates = Rates {
        subscribe: rate(&limits.subscribes_per_second_max),
        publish: rate(&limits.publishes_per_second_max),
        history: rate(&limits.history_reads_per_second_max),
        presence: rate(&limits.presence_reads_per_second_max),
        ..Rates::default()
    };
    settings
}
