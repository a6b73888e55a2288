//! From a URL to a transport: the only file that knows every adapter.

use std::sync::Arc;

use fanfare_core::{Clock, Error, ErrorKind, Transport};

/// Opens the transport of a URL.
pub(crate) async fn open(url: &str, _clock: &Arc<dyn Clock>) -> Result<Arc<dyn Transport>, Error> {
    let Some((scheme, _rest)) = url.split_once(':') else {
        return Err(invalid(url, "it has no scheme; write \"file:./data\" or \"memory:\""));
    };
    match scheme {
        "kafka" | "amqp" | "amqps" | "nats" | "redis" | "rediss" | "postgres" | "postgresql" => {
            Err(Error::new(
                ErrorKind::Unsupported,
                format!(
                    "this build of Fanfare has no adapter for `{scheme}:`; use \"file:./data\" or \"memory:\""
                ),
            ))
        }
        _ => Err(invalid(url, "its scheme is not known; write \"file:./data\" or \"memory:\"")),
    }
}

fn invalid(url: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{url}` is not a transport: {reason}"))
}
