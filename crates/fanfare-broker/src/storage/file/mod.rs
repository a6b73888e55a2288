//! The journal in one folder of files.
//!
//! ```text
//!  fanfare.meta                 what is known about the store as a whole
//!  lock                         locked by the process that owns the folder; its pid is inside
//!  journal-<base>-<generation>  segments
//!  snapshot-<lsn>               the newest snapshot
//!  reserve                      space kept for bookkeeping on a full disk
//! ```
//!
//! Everything goes through [`Disk`], so that a double which forgets what was not synced can stand under
//! this code. The invariant: a file gets its final name after its bytes were synced, except the segment
//! that is being appended to, whose bytes prove themselves.

mod disk;
mod failure;
mod lock;
mod meta;
mod names;
mod open;
mod options;
mod reader;
mod real;
mod recover;
mod roll;
mod scan;
mod shared;
mod snapshots;
mod storage;
mod survey;
mod syncer;

pub use disk::{Disk, DiskFile, DiskLock, Locked};
pub use open::{open, open_on, renew_epoch};
pub use options::Options;
pub use real::RealDisk;
pub(crate) use real::create_folder;
pub use storage::FileStorage;
