//! Connections and subscriptions that begin and end, as events.
//!
//! A guard lives as long as what it stands for: making it publishes the beginning, dropping it the end, so that every
//! beginning has its end whatever ended it. Publishing never holds a connection up: events wait in one bounded queue, in the
//! order in which they came. Only types that somebody claims are published.

mod event;
mod guard;
mod queue;

pub use event::{ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed};

pub(crate) use guard::{Connected, Subscribed};
pub(crate) use queue::Lifecycle;
