//! Where the journal is kept: the port, and its implementation on files.
//!
//! One writer appends atomic batches; the operating system has them when `append` returns, the disk has
//! them when a [`Syncer::sync`] that came later returned. What a completed sync covered is never lost;
//! what was appended after it is there as a whole prefix, or not at all.

mod batches;
mod error;
pub mod file;
mod port;
mod recovered;

pub use batches::Batches;
pub(crate) use error::is_full;
pub use error::{Error, ErrorKind};
pub use port::{Class, Reader, Snapshots, Space, Storage, Syncer};
pub use recovered::{Cut, Recovered, Report, Snapshot};
