//! The names of the storage's files.

use crate::journal::Lsn;

pub(crate) const META: &str = "fanfare.meta";
pub(crate) const LOCK: &str = "lock";
pub(crate) const RESERVE: &str = "reserve";
pub(crate) const META_TEMP: &str = "fanfare.meta.tmp";
pub(crate) const SEGMENT_TEMP: &str = "journal.tmp";
pub(crate) const SNAPSHOT_TEMP: &str = "snapshot.tmp";

/// What a file in the folder is, by its name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Name {
    Meta,
    Lock,
    Reserve,
    /// Left over from a write that did not come to its end.
    Temp,
    Segment {
        base: Lsn,
        generation: u64,
    },
    Snapshot(Lsn),
    Unknown,
}

pub(crate) fn segment(base: Lsn, generation: u64) -> String {
    format!("journal-{:020}-{generation:010}", base.0)
}

pub(crate) fn snapshot(lsn: Lsn) -> String {
    format!("snapshot-{:020}", lsn.0)
}

pub(crate) fn parse(name: &str) -> Name {
    match name {
        META => Name::Meta,
        LOCK => Name::Lock,
        RESERVE => Name::Reserve,
        META_TEMP | SEGMENT_TEMP | SNAPSHOT_TEMP => Name::Temp,
        _ => parse_numbered(name).unwrap_or(Name::Unknown),
    }
}

fn parse_numbered(name: &str) -> Option<Name> {
    let (found, again) = if let Some(numbers) = name.strip_prefix("journal-") {
        let (base, generation) = numbers.split_once('-')?;
        let (base, generation) = (Lsn(base.parse().ok()?), generation.parse().ok()?);
        (Name::Segment { base, generation }, segment(base, generation))
    } else {
        let lsn = Lsn(name.strip_prefix("snapshot-")?.parse().ok()?);
        (Name::Snapshot(lsn), snapshot(lsn))
    };
    (again == name).then_some(found)
}
