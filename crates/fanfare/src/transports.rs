//! From a URL to a transport: the only file that knows every adapter.

use std::sync::Arc;

use fanfare_broker::{Broker, Options};
use fanfare_core::{Clock, Error, ErrorKind, Random, Transport};

/// Opens the transport of a URL. Paths are taken as they stand behind the scheme: `file:./data` is relative.
pub(crate) async fn open(
    url: &str,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Transport>, Error> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(invalid(url, "it has no scheme; write \"file:./data\" or \"memory:\""));
    };
    let options = Options::new(clock.clone(), random.clone());
    match scheme {
        "memory" if rest.is_empty() => Ok(Arc::new(Broker::memory(options)?)),
        "memory" => Ok(Arc::new(Broker::memory_named(rest, options)?)),
        "file" if !rest.is_empty() => Ok(Arc::new(Broker::open(rest, options).await?)),
        "file" => Err(invalid(url, "it names no folder; write \"file:./data\"")),
        "kafka" | "amqp" | "amqps" | "nats" | "redis" | "rediss" | "postgres" | "postgresql" => {
            let text = format!(
                "this build of Fanfare has no adapter for `{scheme}:`; use \"file:./data\" or \"memory:\""
            );
            Err(Error::new(ErrorKind::Unsupported, text))
        }
        _ => Err(invalid(url, "its scheme is not known; write \"file:./data\" or \"memory:\"")),
    }
}

fn invalid(url: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{url}` is not a transport: {reason}"))
}
