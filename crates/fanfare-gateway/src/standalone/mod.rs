//! The gateway as a program of its own, for back ends in any language: a file says what is allowed, an HTTP API publishes.
//!
//! ```text
//! clients --WebSocket--> Gateway --asks--> channels (namespaces, permissions) --> broker
//! back end --POST /api/..--> api ------------------^
//! ```
//!
//! It is an application of the library like any other: `channels` implements [`crate::Policy`], `config` reads the file,
//! `api` is the server HTTP API, `run` serves until it is told to end.

#![allow(clippy::disallowed_methods, reason = "a program reads the clock and the environment")]

mod api;
mod channels;
mod cli;
mod config;
mod data;
mod metrics;
mod peer;
mod run;

pub use cli::main;
