//! Reading a channel's history.

use super::join::is_same_epoch;
use super::read::{fitting, read_within};
use super::window::first_served;
use crate::gateway::Inner;
use crate::hub::encode;
use crate::policy::{Caller, ChannelKey};
use crate::protocol::ErrorReply;
use crate::session::{History, HistoryRange};
use fanfare_core::{Error, KeyRange};
use std::sync::Arc;
use tokio::sync::Semaphore;

pub(super) async fn history(
    gateway: &Inner,
    reads: Arc<Semaphore>,
    caller: &Caller,
    channel: &str,
    key: Option<ChannelKey>,
    range: &HistoryRange,
) -> Result<History, ErrorReply> {
    let key = match key {
        Some(key) => key,
        None => gateway.hub.policy().history(caller, channel).await?,
    };
    let reading = reads.acquire_owned().await.ok();
    Ok(History { reading, ..read(gateway, channel, &key, range).await? })
}

/// Reads what a channel's window shows.
pub(crate) async fn read(
    gateway: &Inner,
    channel: &str,
    key: &ChannelKey,
    range: &HistoryRange,
) -> Result<History, ErrorReply> {
    let policy = gateway.hub.policy();
    let log = gateway.hub.log();
    let epoch = log.epoch().to_string();
    if range.since.as_ref().is_some_and(|since| !is_same_epoch(since, &epoch)) {
        return Err(ErrorReply::UNRECOVERABLE_POSITION);
    }
    let offset = log.head(&key.topic, &key.key);
    let bytes_max = gateway.settings().publications_bytes_max;
    let records = async {
        if range.max == 0 {
            return Ok(Vec::new());
        }
        let first = first_served(log, key, offset, policy.window(key), gateway.clock.now()).await?;
        match wanted(range, first, offset) {
            Some(wanted) => read_within(log, key, wanted, bytes_max).await,
            None => Ok(Vec::new()),
        }
    };
    let records = records.await.map_err(|error: Error| {
        tracing::error!(channel, %error, "a history read failed");
        ErrorReply::INTERNAL
    })?;
    let mut publications = encode(policy, channel, key, &records).await;
    publications.truncate(fitting(&publications, bytes_max));
    Ok(History { publications, offset, epoch, reading: None })
}

/// What to read, given the first offset that is served and the newest one; `None` when there is nothing.
fn wanted(range: &HistoryRange, first: u64, top: u64) -> Option<KeyRange> {
    let since = range.since.as_ref().map(|since| since.offset);
    let (from, left) = if range.is_reverse {
        let from = since.map_or(top, |before| top.min(before.saturating_sub(1)));
        (from, (from + 1).saturating_sub(first))
    } else {
        let from = since.unwrap_or(0).saturating_add(1).max(first);
        (from, (top + 1).saturating_sub(from))
    };
    let max = range.max.min(usize::try_from(left).unwrap_or(usize::MAX));
    let read = if range.is_reverse { KeyRange::back_from } else { KeyRange::from };
    (max > 0).then(|| read(from, max))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session::Resume;

    fn reads(max: usize, since: Option<u64>, is_reverse: bool, top: u64) -> Option<(u64, usize)> {
        let since = since.map(|offset| Resume { epoch: String::new(), offset });
        wanted(&HistoryRange { max, since, is_reverse }, 1, top).map(|range| (range.from, range.max))
    }

    #[test]
    fn forwards_is_strictly_after_and_backwards_strictly_before() {
        assert_eq!(reads(2, None, false, 10), Some((1, 2)));
        assert_eq!(reads(2, Some(3), false, 10), Some((4, 2)));
        assert_eq!(reads(2, Some(9), false, 10), Some((10, 1)));
        assert_eq!(reads(2, None, true, 10), Some((10, 2)));
        assert_eq!(reads(2, Some(3), true, 10), Some((2, 2)));
        assert_eq!(reads(2, Some(2), true, 10), Some((1, 1)));
        assert_eq!(reads(2, Some(99), true, 10), Some((10, 2)));
    }

    #[test]
    fn what_lies_before_the_window_is_not_read() {
        let reads = |since: Option<u64>, is_reverse| {
            let since = since.map(|offset| Resume { epoch: String::new(), offset });
            wanted(&HistoryRange { max: 99, since, is_reverse }, 8, 10).map(|range| (range.from, range.max))
        };
        assert_eq!(reads(None, false), Some((8, 3)));
        assert_eq!(reads(Some(2), false), Some((8, 3)));
        assert_eq!(reads(Some(8), false), Some((9, 2)));
        assert_eq!(reads(None, true), Some((10, 3)));
        assert_eq!(reads(Some(10), true), Some((9, 2)));
        assert_eq!(reads(Some(8), true), None);
    }

    #[test]
    fn beyond_the_ends_there_is_nothing() {
        for (max, since, is_reverse, top) in [
            (0, None, false, 10),
            (5, Some(10), false, 10),
            (5, Some(u64::MAX), false, 10),
            (5, Some(1), true, 10),
            (5, None, true, 0),
        ] {
            assert_eq!(reads(max, since, is_reverse, top), None);
        }
    }
}
