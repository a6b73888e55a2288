//! From a URL to a transport: the only file that knows every adapter.

use std::sync::Arc;

use fanfare_broker::{Broker, Options, storage::Report};
use fanfare_core::{Clock, Epoch, Error, ErrorKind, Random, Transport};

use crate::clock::{SystemClock, SystemRandom};

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
        "file" if !rest.is_empty() => {
            let options = options.on_failure(|error| {
                tracing::error!(%error, "the broker could not save its state; the next start takes longer");
            });
            let broker = Broker::open(rest, options).await?;
            if let Some(report) = broker.recovery() {
                tell(rest, report);
            }
            Ok(Arc::new(broker))
        }
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

/// Gives the store behind a URL another epoch, so that cursors, read models and clients of before do not go on from
/// positions that are given a second time: for a data folder that was put back from a backup. Nobody may have it open.
///
/// # Errors
/// When there is no store, somebody has it open, it cannot be written, or the transport keeps no epoch.
pub fn renew_epoch(url: &str) -> Result<Epoch, Error> {
    match url.split_once(':') {
        Some(("file", folder)) if !folder.is_empty() => {
            let options = Options::new(Arc::new(SystemClock::new()), Arc::new(SystemRandom::new()));
            Broker::renew_epoch(folder, &options)
        }
        _ => {
            let text =
                format!("`{url}` keeps no epoch that could be renewed; name a data folder, \"file:./data\"");
            Err(Error::new(ErrorKind::Unsupported, text))
        }
    }
}

/// Says how the last run ended and what was done about it; nothing when there is nothing to say.
fn tell(folder: &str, report: &Report) {
    if !report.clean && !report.created {
        let (rewritten, same_boot) = (report.rewritten_bytes, report.same_boot);
        tracing::info!(
            folder,
            rewritten,
            same_boot,
            "the last run did not stop cleanly: what was not surely on the disk was written again"
        );
    }
    if let Some(cut) = &report.cut {
        let (file, position, bytes) = (&cut.file, cut.position, cut.bytes);
        tracing::warn!(
            folder,
            file,
            position,
            bytes,
            "a torn tail was cut off: a write that had not ended and was told to nobody as durable"
        );
    }
    if report.epoch_changed {
        let epoch = report.epoch;
        tracing::warn!(
            folder,
            epoch,
            "the epoch has changed: events of the last run may be lost, cursors begin anew"
        );
    }
    for file in &report.damaged_snapshots {
        tracing::warn!(folder, file, "a snapshot is damaged and was passed over; the start takes longer");
    }
    for file in &report.unknown_files {
        tracing::warn!(folder, file, "a file in the data folder is not Fanfare's; it was left alone");
    }
}

fn invalid(url: &str, reason: &str) -> Error {
    Error::new(ErrorKind::Invalid, format!("`{url}` is not a transport: {reason}"))
}
