//! Log lines, as text or as JSON, on standard error.

use crate::cli::{LogFormat, Options};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Libraries that would log what people write.
const QUIET: [&str; 2] = ["tungstenite", "tokio_tungstenite"];

pub(crate) fn start(options: &Options) {
    let filter = EnvFilter::try_new(&options.log).unwrap_or_else(|error| {
        eprintln!("messenger: --log `{}` is not understood ({error}); using `info`", options.log);
        EnvFilter::new("info")
    });
    let filter = with_handler_spans(filter);
    // At the level `trace` the WebSocket library logs every message as it stands, also those of two people.
    let filter = QUIET.iter().fold(filter, |filter, name| {
        filter.add_directive(format!("{name}=info").parse().expect("this is a directive"))
    });
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match options.log_format {
        LogFormat::Text => lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
}

/// Handlers' lines say which event they are about, whatever `--log` names.
fn with_handler_spans(filter: EnvFilter) -> EnvFilter {
    match fanfare::logging::HANDLER_SPANS.parse() {
        Ok(directive) => filter.add_directive(directive),
        Err(_) => filter,
    }
}

#[cfg(test)]
mod tests {
    use super::with_handler_spans;
    use tracing_subscriber::{EnvFilter, util::SubscriberInitExt};

    #[test]
    fn a_filter_that_names_only_the_messenger_keeps_the_spans_of_handlers() {
        let is_enabled = |filter| {
            let _subscriber = tracing_subscriber::fmt().with_env_filter(filter).set_default();
            !tracing::error_span!(target: "fanfare::handler", "handle").is_disabled()
        };
        assert!(!is_enabled(EnvFilter::new("messenger=debug")));
        assert!(is_enabled(with_handler_spans(EnvFilter::new("messenger=debug"))));
    }
}
