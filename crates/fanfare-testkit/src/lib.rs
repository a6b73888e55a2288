//! Test support for Fanfare: doubles of transports.
//!
//! What it is: [`Poor`], a transport that can do next to nothing, on which the emulations of `fanfare` are tested.
//! What it is not: a stand-in for a server. A server is tested by starting it.

mod poor;

pub use poor::Poor;
