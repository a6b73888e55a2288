//! Test support for Fanfare: doubles of transports and of the clock.
//!
//! What it is: [`Poor`], a transport that can do next to nothing, on which the emulations of `fanfare` are tested; [`Still`], a clock that stands.
//! What it is not: a stand-in for a server. A server is tested by starting it.

mod poor;
mod still;

pub use poor::Poor;
pub use still::Still;
