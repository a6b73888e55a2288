//! Figures, as Prometheus text on a listener of this machine's own.

use super::run::Parts;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is counted while it runs.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Publications that went into the journal.
    pub(super) kept: Count,
    /// Publications that were live only.
    pub(super) live: Count,
    /// Calls of the server HTTP API that came with the key.
    pub(super) calls: Count,
    /// Those that were answered with an error.
    pub(super) errors: Count,
    /// Calls without the key.
    pub(super) strangers: Count,
}

#[derive(Debug, Default)]
pub(super) struct Count(AtomicU64);

impl Count {
    pub(super) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Every figure: those of the application, whose journal's growth is among them, and the gateway's.
pub(super) async fn render(parts: &Arc<Parts>) -> String {
    let mut text = parts.running.metrics().await;
    let counts = &parts.counts;
    let channels = parts.gateway.channels();
    let subscriptions: usize = channels.iter().map(|(_, count)| count).sum();
    let figures = [
        ("connections", "gauge", "Open connections.", parts.gateway.connections() as u64),
        (
            "users",
            "gauge",
            "Users with a connection; those without a name count as one.",
            parts.gateway.users() as u64,
        ),
        ("channels", "gauge", "Channels that somebody is subscribed to.", channels.len() as u64),
        ("subscriptions", "gauge", "Subscriptions.", subscriptions as u64),
        ("kept_publications_total", "counter", "Publications into the journal.", counts.kept.get()),
        ("live_publications_total", "counter", "Publications that no journal keeps.", counts.live.get()),
        ("api_calls_total", "counter", "Calls of the server HTTP API.", counts.calls.get()),
        ("api_errors_total", "counter", "Calls that were answered with an error.", counts.errors.get()),
        ("api_strangers_total", "counter", "Calls without the right key.", counts.strangers.get()),
    ];
    for (name, kind, help, value) in figures {
        let name = format!("fanfare_gateway_{name}");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}\n{name} {value}");
    }
    text
}
