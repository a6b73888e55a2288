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

/// Keeps the spans that name handler, event and correlation on every line about an attempt, also where a filter of yours
/// says nothing of Fanfare: a directive to add to it.
pub const HANDLER_SPANS: &str = "fanfare::handler=error";

/// Writes log lines to standard error. The environment variable `RUST_LOG` says which; `info` by default. Answers
/// whether this took effect: a program has one subscriber. [`HANDLER_SPANS`] is always part of the filter.
pub fn init(format: Format) -> bool {
    let filter = EnvFilter::builder().with_default_directive(tracing::Level::INFO.into()).from_env_lossy();
    let registry = tracing_subscriber::registry().with(with_handler_spans(filter));
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

fn with_handler_spans(filter: EnvFilter) -> EnvFilter {
    match HANDLER_SPANS.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

    use super::with_handler_spans;

    #[test]
    fn a_filter_that_names_only_the_application_keeps_the_spans_of_handlers() {
        let is_enabled = |filter| {
            let _subscriber = tracing_subscriber::fmt().with_env_filter(filter).set_default();
            let span = tracing::error_span!(target: "fanfare::handler", "handle");
            !span.is_disabled()
        };
        assert!(!is_enabled(EnvFilter::new("shop=debug")));
        assert!(is_enabled(with_handler_spans(EnvFilter::new("shop=debug"))));
    }
}
