//! The format of the journal: what the bytes on the disk mean. No I/O happens here.
//!
//! The journal is one logical sequence of bytes; an [`Lsn`] is a position in it. It is written in atomic
//! batches ([`BatchBuf`] builds one, [`Batch`] is one that was read and checked), which lie in segment
//! files ([`SegmentHeader`]). [`Meta`] and [`SnapshotHeader`] are the formats of the files beside them.
//!
//! Everything is little endian. Whatever is read was checked against a checksum first.

mod batch;
mod buf;
mod bytes;
mod lsn;
mod meta;
mod segment;
mod snapshot;

pub use batch::{Batch, Damage, Header, Record, Records};
pub use buf::{BATCH_HEADER_LEN, BODY_MAX, BatchBuf, RECORD_HEADER_LEN};
pub use lsn::Lsn;
pub use meta::{META_LEN, Meta, Stop};
pub use segment::{SEGMENT_HEADER_LEN, Seed, SegmentHeader};
pub use snapshot::{SNAPSHOT_HEADER_LEN, SnapshotHeader};

/// The version of everything this build writes. A folder of a newer version is refused by name.
pub const FORMAT_VERSION: u32 = 1;
