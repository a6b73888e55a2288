//! What becomes of a delivery: success, failure, too late, too new, never.

mod drain;
mod failures;
mod holds;
mod limits;
mod middleware;
mod outputs;
mod refused_retries;
mod timeouts;
