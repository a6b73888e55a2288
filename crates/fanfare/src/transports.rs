//! From a URL to a transport: the only file that knows every adapter.

use std::{sync::Arc, time::Duration};

use fanfare_broker::{Broker, Options, SyncPolicy, storage::Report};
use fanfare_core::{Clock, Epoch, Error, ErrorKind, Random, Transport};

use crate::clock::{SystemClock, SystemRandom};

/// How often a store is synced whose URL says `sync=interval` and no more.
const SYNC_EVERY: Duration = Duration::from_millis(50);

/// Opens the transport of a URL. Paths are taken as they stand behind the scheme, up to a `?`: `file:./data` is relative.
pub(crate) async fn open(
    url: &str,
    clock: &Arc<dyn Clock>,
    random: &Arc<dyn Random>,
) -> Result<Arc<dyn Transport>, Error> {
    let Some((scheme, rest)) = url.split_once(':') else {
        return Err(invalid(url, "it has no scheme; write \"file:./data\" or \"memory:\""));
    };
    let options = Options::new(clock.clone(), random.clone());
    let (rest, parameters) = rest.split_once('?').map_or((rest, None), |(rest, said)| (rest, Some(said)));
    match scheme {
        "memory" if parameters.is_some() => Err(invalid(url, "`memory:` has no parameters")),
        "memory" if rest.is_empty() => Ok(Arc::new(Broker::memory(options)?)),
        "memory" => Ok(Arc::new(Broker::memory_named(rest, options)?)),
        "file" if !rest.is_empty() => {
            let options = options.sync(sync_policy(url, parameters)?);
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

/// What a `file:` URL says of when an event counts as durable.
fn sync_policy(url: &str, parameters: Option<&str>) -> Result<SyncPolicy, Error> {
    let (mut sync, mut every) = (None, None);
    for parameter in parameters.into_iter().flat_map(|said| said.split('&')) {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let known = match name {
            "sync" => &mut sync,
            "every" => &mut every,
            _ => {
                let reason = format!(
                    "it has no parameter `{name}`; there are `sync`, which is fsync, interval or os, and `every`, \
                     as in \"file:./data?sync=interval&every=50ms\""
                );
                return Err(invalid(url, &reason));
            }
        };
        if known.replace(value).is_some() {
            return Err(invalid(url, &format!("it says `{name}` twice")));
        }
    }
    match (sync.unwrap_or("fsync"), every) {
        ("fsync", None) => Ok(SyncPolicy::Fsync),
        ("os", None) => Ok(SyncPolicy::Os),
        ("interval", None) => Ok(SyncPolicy::Interval(SYNC_EVERY)),
        ("interval", Some(every)) => match duration(every) {
            Some(every) if !every.is_zero() => Ok(SyncPolicy::Interval(every)),
            _ => Err(invalid(url, &format!("`every` is a time such as 50ms or 2s, not `{every}`"))),
        },
        ("fsync" | "os", Some(_)) => Err(invalid(url, "`every` belongs to sync=interval")),
        (sync, _) => Err(invalid(url, &format!("`sync` is fsync, interval or os, not `{sync}`"))),
    }
}

fn duration(text: &str) -> Option<Duration> {
    let number = |digits: &str| digits.parse::<u32>().ok().map(u64::from);
    match text.strip_suffix("ms") {
        Some(millis) => number(millis).map(Duration::from_millis),
        None => number(text.strip_suffix('s')?).map(Duration::from_secs),
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
            let folder = folder.split_once('?').map_or(folder, |(folder, _)| folder);
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
