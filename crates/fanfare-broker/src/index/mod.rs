//! Look-ups that are derived from the journal: where a position's bytes are, which positions a key has, and
//! the newest records, decoded. The one writer adds to it, every reader reads it itself.
//!
//! What is added becomes visible later, when it is durable: readers see only positions before
//! [`Index::visible`].

mod chunks;
mod source;
mod table;

pub(crate) use chunks::Chunks;
pub(crate) use source::{Found, Source};
pub(crate) use table::{Entry, Fresh, Index, Inner, NewKey, Print, key_hash};
