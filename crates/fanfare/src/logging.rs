//! A subscriber for programs that have none of their own.

use std::io::IsTerminal;

use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line, for machines.
    Json,
}

/// Writes log lines to standard error. The environment variable `RUST_LOG` says which; `info` by default. Answers
/// whether this took effect: a program has one subscriber.
pub fn init(format: Format) -> bool {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let registry = tracing_subscriber::registry().with(filter);
    match format {
        Format::Text => {
            // Colour is for terminals: a file or a pipe gets plain text.
            let is_terminal = std::io::stderr().is_terminal();
            let lines = fmt::layer().with_ansi(is_terminal).with_writer(std::io::stderr);
            registry.with(lines).try_init().is_ok()
        }
        Format::Json => registry
            .with(fmt::layer().json().flatten_event(true).with_writer(std::io::stderr))
            .try_init()
            .is_ok(),
    }
}
