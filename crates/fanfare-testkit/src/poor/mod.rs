//! A deliberately poor transport: no partitions, no delay, no attempts, no acknowledgement out of order, no dead
//! letters, in memory. It delivers in order, to one consumer per group, and a group is one cursor.

mod consumer;
mod store;
mod tail;
mod transport;

pub use transport::Poor;
