//! Event types that are known by their name alone.

use std::{collections::HashMap, sync::Arc};

use bytestring::ByteString;

use super::{snapshot::TypeSnapshot, stats::Stats, wild::Wild};
use crate::sync::Mutex;

/// How many names are counted one by one; what comes over it is counted as `other`.
const NAMES_MAX: usize = 1024;

/// Counts by name.
#[derive(Default)]
pub(crate) struct Others(Mutex<HashMap<ByteString, Arc<Stats>>>);

impl Others {
    pub(crate) fn get(&self, event_type: &ByteString) -> Arc<Stats> {
        let mut names = self.0.lock();
        let is_full = names.len() >= NAMES_MAX && !names.contains_key(event_type);
        let name = if is_full { ByteString::from_static("other") } else { event_type.clone() };
        names.entry(name).or_default().clone()
    }

    /// What was counted, but for types that have become known when compiling.
    pub(crate) fn snapshots(&self, wild: &[Wild], is_known: impl Fn(&str) -> bool) -> Vec<TypeSnapshot> {
        let names = self.0.lock();
        let others = names.iter().filter(|(name, _)| !is_known(name));
        let snapshot = |(name, stats): (&ByteString, &Arc<Stats>)| TypeSnapshot {
            event_type: name.clone(),
            emitted: stats.emitted.sum(),
            unheard: stats.unheard_count(),
            handlers: wild
                .iter()
                .filter(|wild| wild.takes(name) && !wild.is_gone())
                .map(Wild::snapshot)
                .collect(),
        };
        others.map(snapshot).collect()
    }
}
