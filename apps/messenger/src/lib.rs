//! The messenger: a real-time messaging platform, and the application by which Fanfare is judged.
//!
//! `README.md` beside this crate lists every endpoint, RPC, event and channel.

#![allow(clippy::disallowed_methods, reason = "a program reads the machine's clock")]

pub mod accounts;
pub mod backup;
pub mod chat;
pub mod data;
pub mod db;
pub mod events;
pub mod flow;
pub mod limits;
pub mod messenger;
pub mod model;
pub mod text;
pub mod time;
pub mod web;
pub mod workers;
