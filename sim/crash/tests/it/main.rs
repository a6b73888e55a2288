//! The loops.

mod kill;
