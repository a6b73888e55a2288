//! Doubles for tests of what stands on the storage; only with the feature `testing`.
//!
//! [`FaultDisk`] stands under the file storage's own code and forgets at a power cut a random part of what
//! was not synced. It allows all that POSIX allows and no more: what was synced is there.

mod disk;
mod file;
mod inode;
mod memory;
mod rng;
mod world;

pub use disk::{FaultDisk, Plant};
pub use memory::{MemoryStorage, open_memory};
pub use rng::Rng;
