//! What the embedded broker promises, tested from outside.

mod crash;
mod files;
mod world;
