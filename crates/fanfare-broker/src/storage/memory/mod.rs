//! The journal in memory: the same port, nothing survives, every sync is done at once.

mod storage;

pub use storage::{MemoryStorage, open};
