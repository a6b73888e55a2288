use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use fanfare_core::Stats;
use parking_lot::Mutex;

/// Syncs whose longest is told.
const RECENT_SYNCS: usize = 1024;

/// Figures that threads leave for whoever asks.
#[derive(Debug, Default)]
pub(crate) struct Figures {
    pub(crate) bytes: AtomicU64,
    pub(crate) repeats: AtomicU64,
    pub(crate) repeats_cut: AtomicU64,
    pub(crate) scheduled: AtomicU64,
    pub(crate) snapshots_failed: AtomicU64,
    syncs: Mutex<Syncs>,
}

#[derive(Debug, Default)]
struct Syncs {
    count: u64,
    total: Duration,
    recent: Vec<Duration>,
}

impl Figures {
    pub(crate) fn synced(&self, took: Duration) {
        let mut syncs = self.syncs.lock();
        let at = (syncs.count % RECENT_SYNCS as u64) as usize;
        match syncs.recent.get_mut(at) {
            Some(oldest) => *oldest = took,
            None => syncs.recent.push(took),
        }
        syncs.count += 1;
        syncs.total += took;
    }

    pub(crate) fn stats(&self, records: u64) -> Stats {
        let syncs = self.syncs.lock();
        let mut stats = Stats::default();
        stats.records = records;
        stats.bytes = self.bytes.load(Ordering::Relaxed);
        stats.syncs = syncs.count;
        stats.sync_time = syncs.total;
        stats.sync_time_max = syncs.recent.iter().max().copied().unwrap_or_default();
        stats.repeats = self.repeats.load(Ordering::Relaxed);
        stats.repeats_window_cut = self.repeats_cut.load(Ordering::Relaxed);
        stats.snapshots_failed = self.snapshots_failed.load(Ordering::Relaxed);
        stats.scheduled = self.scheduled.load(Ordering::Relaxed);
        stats
    }
}
