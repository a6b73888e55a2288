use std::time::Duration;

/// How a folder is opened.
#[derive(Clone, Debug)]
#[must_use]
pub struct Options {
    pub(crate) entropy: u64,
    pub(crate) segment_bytes: u64,
    pub(crate) reserve_bytes: u64,
    pub(crate) lock_wait: Duration,
    pub(crate) is_lossy: bool,
}

impl Options {
    /// Options with 64 bits of randomness, of which the store's id and its epoch are made if it is created
    /// now, or a new epoch if that must change.
    pub fn new(entropy: u64) -> Self {
        Self {
            entropy,
            segment_bytes: 64 << 20,
            reserve_bytes: 64 << 20,
            lock_wait: Duration::from_secs(30),
            is_lossy: false,
        }
    }

    /// Bytes of a segment file, allocated in one piece. 64 MiB unless given; at least 4 KiB. A batch that
    /// is larger gets a segment of its own size.
    pub fn segment_bytes(mut self, bytes: u64) -> Self {
        self.segment_bytes = bytes.max(4096);
        self
    }

    /// Bytes kept for bookkeeping on a full disk. 64 MiB unless given; at least 4 KiB.
    pub fn reserve_bytes(mut self, bytes: u64) -> Self {
        self.reserve_bytes = bytes.max(4096);
        self
    }

    /// How long to wait for the process that has the folder now. 30 s unless given.
    pub fn lock_wait(mut self, wait: Duration) -> Self {
        self.lock_wait = wait;
        self
    }

    /// Whether receipts are given before the sync (durability `os` and `interval`). Then the epoch changes
    /// at the next open that finds neither a clean stop nor the same boot of the machine.
    pub fn lossy(mut self, is_lossy: bool) -> Self {
        self.is_lossy = is_lossy;
        self
    }
}
