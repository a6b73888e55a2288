//! Reading records of a key, not more bytes at once than one answer may have.

use crate::policy::ChannelKey;
use crate::protocol::Encoded;
use fanfare_core::{Error, KeyRange, Log, Recorded};
use std::sync::Arc;

/// Records that one turn of a read takes at most.
const PART_MAX: usize = 64;

/// The records of a range, as many as fit into so many bytes; one at least.
pub(super) async fn read_within(
    log: &dyn Log,
    key: &ChannelKey,
    range: KeyRange,
    bytes_max: usize,
) -> Result<Vec<Arc<Recorded>>, Error> {
    let (mut records, mut bytes, mut from) = (Vec::new(), 0, range.from);
    while records.len() < range.max && from > 0 {
        let max = PART_MAX.min(range.max - records.len());
        let part = if range.is_reverse { KeyRange::back_from(from, max) } else { KeyRange::from(from, max) };
        let read = log.read_key(&key.topic, &key.key, part).await?;
        let is_last = read.len() < part.max;
        for record in read {
            bytes += record.message.payload.len();
            if bytes > bytes_max && !records.is_empty() {
                return Ok(records);
            }
            let revision = record.place.revision;
            from = if range.is_reverse { revision.saturating_sub(1) } else { revision.saturating_add(1) };
            records.push(record);
        }
        if is_last {
            break;
        }
    }
    Ok(records)
}

/// How many of the first publications fit into so many bytes; one at least. The application's view may have made them longer than
/// their records.
pub(super) fn fitting(publications: &[Encoded], bytes_max: usize) -> usize {
    let mut bytes = 0;
    let fitting = publications.iter().take_while(|publication| {
        bytes += publication.body().len();
        bytes <= bytes_max
    });
    fitting.count().max(publications.len().min(1))
}
