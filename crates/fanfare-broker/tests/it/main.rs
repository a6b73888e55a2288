//! What the embedded broker promises, tested from outside.

mod files;
