//! A dispatcher as it stands: who listens to what, and how that goes.

use std::{fmt, panic::Location};

use bytestring::ByteString;

use crate::middleware::Latencies;

/// Who listens to what, with counts; made by [`super::Dispatcher::snapshot`].
///
/// Prints as a table; [`Snapshot::mermaid`] draws it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Snapshot {
    /// The event types that the dispatcher has met, by name.
    pub types: Vec<TypeSnapshot>,
}

/// One event type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct TypeSnapshot {
    /// The event type.
    pub event_type: ByteString,
    /// How many emits began.
    pub emitted: u64,
    /// How many of them nobody heard.
    pub unheard: u64,
    /// Who listens, in the order in which they run: the synchronous ones first.
    pub handlers: Vec<HandlerSnapshot>,
}

/// One subscription to one event type.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HandlerSnapshot {
    /// The handler's name.
    pub name: ByteString,
    /// Its priority.
    pub priority: i32,
    /// Whether it is async.
    pub is_async: bool,
    /// Where it subscribed.
    pub location: &'static Location<'static>,
    /// How often it was called. A subscription to many types counts them together.
    pub called: u64,
    /// How often it failed.
    pub failed: u64,
    /// How long its calls took, where that is measured: see [`super::Builder::timing`]. Handlers of one name share it.
    pub latencies: Option<Latencies>,
}

impl Snapshot {
    /// The event types and their handlers as a Mermaid flowchart.
    pub fn mermaid(&self) -> String {
        let mut chart = String::from("flowchart LR\n");
        let mut handlers: Vec<&ByteString> = Vec::new();
        for (at, event) in self.types.iter().enumerate() {
            chart.push_str(&format!("    e{at}([\"{}\"])\n", quoted(&event.event_type)));
            for handler in &event.handlers {
                let known = handlers.iter().position(|known| **known == handler.name);
                let number = known.unwrap_or(handlers.len());
                if known.is_none() {
                    chart.push_str(&format!("    h{number}[\"{}\"]\n", quoted(&handler.name)));
                    handlers.push(&handler.name);
                }
                let arrow = if handler.is_async { "-.->" } else { "-->" };
                chart.push_str(&format!("    e{at} {arrow} h{number}\n"));
            }
        }
        chart
    }
}

fn quoted(name: &str) -> String {
    name.replace('"', "#quot;")
}

impl fmt::Display for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for event in &self.types {
            write!(f, "{} (emitted {}", event.event_type, event.emitted)?;
            if event.unheard > 0 {
                write!(f, ", unheard {}", event.unheard)?;
            }
            f.write_str(")\n")?;
            for (at, handler) in event.handlers.iter().enumerate() {
                let branch = if at + 1 == event.handlers.len() { "└─" } else { "├─" };
                let kind = if handler.is_async { "async" } else { "sync" };
                write!(f, "{branch} {} ({kind}, called {}", handler.name, handler.called)?;
                if handler.priority != 0 {
                    write!(f, ", priority {}", handler.priority)?;
                }
                if handler.failed > 0 {
                    write!(f, ", failed {}", handler.failed)?;
                }
                if let Some(took) = &handler.latencies {
                    write!(f, ", mean {:?}, p99 {:?}", took.mean, took.p99)?;
                }
                f.write_str(")\n")?;
            }
        }
        Ok(())
    }
}
