//! An official client in a process of its own, which does as it is told. What it receives is checked as it comes: offsets
//! grow by one, unless the client was told that it did not recover.

use crate::support::token;
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    Python,
    Npm,
}

impl Kind {
    /// Whether it is installed; if not, says which test is passed over.
    pub(super) fn is_here(self, test: &str) -> bool {
        let needed = match self {
            Self::Python => python(),
            Self::Npm => packages().join("node_modules/centrifuge"),
        };
        if !needed.exists() {
            // Written past the test runner, which shows nothing of tests that pass.
            let words = "its client is not installed; `cargo xtask setup` does it";
            let _ = writeln!(std::io::stderr(), "not run: {test} with {self:?}: {words}");
        }
        needed.exists()
    }
}

/// The environment that `cargo xtask setup` makes.
fn python() -> PathBuf {
    root().join("target/sdk-python/bin/python")
}

/// Where the npm client is installed.
fn packages() -> PathBuf {
    root().join("apps/messenger/e2e")
}

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

pub(super) struct Puppet {
    _child: Child,
    input: ChildStdin,
    events: Lines<BufReader<ChildStdout>>,
    user: String,
    /// What it is given when it first asks for a token; then tokens that last an hour.
    first_token: Option<String>,
    /// How often it asked.
    pub(super) asked: usize,
    /// How often it connected.
    pub(super) connections: usize,
    /// The newest offset, received or told.
    offset: u64,
    is_subscribed: bool,
    /// Of each subscription after the first: whether it recovered.
    pub(super) recoveries: Vec<bool>,
    pub(super) joins: Vec<String>,
    pub(super) leaves: Vec<String>,
    pub(super) disconnected: Option<u64>,
    present: Option<Vec<String>>,
}

impl Puppet {
    pub(super) async fn start(kind: Kind, address: SocketAddr, user: &str) -> Self {
        Self::start_with(kind, address, user, None).await
    }

    pub(super) async fn start_with(
        kind: Kind,
        address: SocketAddr,
        user: &str,
        first_token: Option<String>,
    ) -> Self {
        let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/sdk");
        let mut command = match kind {
            Kind::Python => Command::new(python()),
            Kind::Npm => Command::new("node"),
        };
        command.arg(scripts.join(match kind {
            Kind::Python => "client.py",
            Kind::Npm => "client.mjs",
        }));
        command.arg(format!("ws://{address}/connection/websocket")).arg(packages());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("an interpreter");
        let events = BufReader::new(child.stdout.take().unwrap()).lines();
        let mut puppet = Self {
            input: child.stdin.take().unwrap(),
            _child: child,
            events,
            user: user.to_owned(),
            first_token,
            asked: 0,
            connections: 0,
            offset: 0,
            is_subscribed: false,
            recoveries: Vec::new(),
            joins: Vec::new(),
            leaves: Vec::new(),
            disconnected: None,
            present: None,
        };
        puppet.tell(json!({ "do": "connect" })).await;
        puppet.until("a token to be asked for", |puppet| puppet.asked == 1).await;
        puppet
    }

    pub(super) async fn tell(&mut self, command: Value) {
        self.input.write_all(format!("{command}\n").as_bytes()).await.unwrap();
    }

    pub(super) async fn subscribe(&mut self, channel: &str) {
        self.tell(json!({ "do": "subscribe", "channel": channel })).await;
        self.until("a subscription", |puppet| puppet.is_subscribed).await;
    }

    pub(super) async fn presence(&mut self, channel: &str) -> Vec<String> {
        self.tell(json!({ "do": "presence", "channel": channel })).await;
        self.until("an answer", |puppet| puppet.present.is_some()).await;
        self.present.take().unwrap()
    }

    /// Waits until it has, or was told of, everything up to this offset.
    pub(super) async fn reaches(&mut self, offset: u64) {
        self.until("everything that was published", |puppet| puppet.offset >= offset).await;
        assert_eq!(self.offset, offset);
    }

    pub(super) async fn until(&mut self, what: &str, mut is_true: impl FnMut(&Self) -> bool) {
        while !is_true(self) {
            let line = tokio::time::timeout(Duration::from_secs(30), self.events.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("waited in vain for {what}"));
            let line = line.unwrap().unwrap_or_else(|| panic!("it ended before {what}"));
            self.take(&serde_json::from_str(&line).unwrap()).await;
        }
    }

    async fn take(&mut self, event: &Value) {
        let text = |name: &str| event[name].as_str().unwrap_or_default().to_owned();
        let offset = event["offset"].as_u64();
        match event["event"].as_str().unwrap() {
            "token" => {
                self.asked += 1;
                let token = self.first_token.take().unwrap_or_else(|| token(&self.user));
                self.tell(json!({ "do": "token", "token": token })).await;
            }
            "subscribed" => {
                let is_recovered = event["recovered"].as_bool().unwrap();
                if self.is_subscribed {
                    assert_eq!(event["was_recovering"], true, "{event}");
                    self.recoveries.push(is_recovered);
                }
                self.is_subscribed = true;
                if !is_recovered {
                    self.offset = offset.unwrap();
                }
            }
            "publication" => {
                assert_eq!(offset, Some(self.offset + 1), "a gap or a repeat that nobody was told of");
                self.offset += 1;
            }
            "join" => self.joins.push(text("user")),
            "leave" => self.leaves.push(text("user")),
            "disconnected" => self.disconnected = event["code"].as_u64(),
            "presence" => {
                let users = event["users"].as_array().unwrap();
                self.present = Some(users.iter().map(|user| user.as_str().unwrap().to_owned()).collect());
            }
            "connected" => self.connections += 1,
            "connecting" => {}
            other => panic!("{other}: {event}"),
        }
    }
}
