//! Reading a channel's history.

use super::join::is_same_epoch;
use crate::gateway::Inner;
use crate::hub::encode;
use crate::policy::{Caller, ChannelKey};
use crate::protocol::ErrorReply;
use crate::session::{History, HistoryRange};
use fanfare_core::KeyRange;

pub(super) async fn history(
    gateway: &Inner,
    caller: &Caller,
    channel: &str,
    key: Option<ChannelKey>,
    range: &HistoryRange,
) -> Result<History, ErrorReply> {
    let policy = gateway.hub.policy();
    let key = match key {
        Some(key) => key,
        None => policy.history(caller, channel).await?,
    };
    let log = gateway.hub.log();
    let epoch = log.epoch().to_string();
    if range.since.as_ref().is_some_and(|since| !is_same_epoch(since, &epoch)) {
        return Err(ErrorReply::UNRECOVERABLE_POSITION);
    }
    let offset = log.head(&key.topic, &key.key);
    let Some(wanted) = wanted(range, offset) else {
        return Ok(History { publications: Vec::new(), offset, epoch });
    };
    let records = log.read_key(&key.topic, &key.key, wanted).await.map_err(|error| {
        tracing::error!(channel, %error, "a history read failed");
        ErrorReply::INTERNAL
    })?;
    Ok(History { publications: encode(policy, channel, &key, &records).await, offset, epoch })
}

/// What to read, given the newest offset; `None` when there is nothing.
fn wanted(range: &HistoryRange, top: u64) -> Option<KeyRange> {
    let since = range.since.as_ref().map(|since| since.offset);
    let (from, left) = if range.is_reverse {
        let from = since.map_or(top, |before| top.min(before.saturating_sub(1)));
        (from, from)
    } else {
        let after = since.unwrap_or(0);
        (after.saturating_add(1), top.saturating_sub(after))
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
        wanted(&HistoryRange { max, since, is_reverse }, top).map(|range| (range.from, range.max))
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
