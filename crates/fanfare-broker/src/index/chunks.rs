use std::collections::VecDeque;

const CHUNK_LEN: usize = 4096;

/// A long list that grows without being copied, and shrinks from the front.
#[derive(Clone, Debug)]
pub(crate) struct Chunks<T> {
    chunks: VecDeque<Vec<T>>,
    /// Chunks that were dropped from the front.
    dropped: usize,
    len: u64,
}

impl<T> Chunks<T> {
    pub(crate) fn new() -> Self {
        Self { chunks: VecDeque::new(), dropped: 0, len: 0 }
    }

    pub(crate) fn push(&mut self, item: T) {
        if self.len.is_multiple_of(CHUNK_LEN as u64) {
            self.chunks.push_back(Vec::with_capacity(CHUNK_LEN));
        }
        self.chunks.back_mut().expect("a chunk was added before its first item").push(item);
        self.len += 1;
    }

    pub(crate) fn get(&self, at: u64) -> Option<&T> {
        let at = usize::try_from(at).ok()?;
        self.chunks.get((at / CHUNK_LEN).checked_sub(self.dropped)?)?.get(at % CHUNK_LEN)
    }

    /// Items ever pushed.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Gives up whole chunks before `at`.
    pub(crate) fn drop_before(&mut self, at: u64) {
        while (self.dropped as u64 + 1) * CHUNK_LEN as u64 <= at && self.chunks.len() > 1 {
            self.chunks.pop_front();
            self.dropped += 1;
        }
    }
}
