//! Key order and retry against a reference model, under paused time, on the embedded broker and on the poor
//! transport.

mod model;
mod proofs;
mod sequence;
mod story;
