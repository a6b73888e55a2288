//! The messenger's SQLite file: one writer on a thread of its own, and readers beside it.
//!
//! Accounts and the read model live in one file, so that a question about both is one query and a copy of one file is a
//! copy of both. What a write has done is on the disk when it is answered (WAL, `synchronous=FULL`).

mod error;
mod open;
mod readers;
mod schema;
mod writer;

pub use error::DbError;
pub use open::Db;
