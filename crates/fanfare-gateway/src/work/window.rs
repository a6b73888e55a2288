//! How far back a channel's past is served.

use crate::policy::{ChannelKey, Window};
use fanfare_core::{Error, KeyRange, Log, Timestamp};

/// The first offset that a window lets through, given the newest one; one past the newest when it lets nothing through.
pub(super) async fn first_served(
    log: &dyn Log,
    key: &ChannelKey,
    top: u64,
    window: Window,
    now: Timestamp,
) -> Result<u64, Error> {
    let mut first = top.saturating_sub(window.count_max.min(top)) + 1;
    let Some(age_max) = window.age_max else { return Ok(first) };
    let Some(oldest) = jiff::SignedDuration::try_from(age_max).ok().and_then(|age| now.checked_sub(age).ok())
    else {
        return Ok(first);
    };
    // The first that is young enough lies between these two; records of a key are in the order of their times.
    let mut beyond = top + 1;
    while first < beyond {
        let middle = first + (beyond - first) / 2;
        let read = log.read_key(&key.topic, &key.key, KeyRange::from(middle, 1)).await?;
        match read.first() {
            Some(record) if record.place.recorded_at >= oldest => beyond = middle,
            _ => first = middle + 1,
        }
    }
    Ok(first)
}
