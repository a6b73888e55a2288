//! Connections and subscriptions that begin and end, as events.
//!
//! A guard lives as long as what it stands for: making it publishes the beginning, dropping it the end, so that every
//! beginning has its end whatever ended it. Publishing never holds a connection up: events wait in one bounded queue, in the
//! order in which they came. What waits there, and the ends of what is open, is lost when the process is killed: each event carries
//! the start of the gateway that it belongs to, and [`GatewayStarted`] begins another. Only types that somebody claims are published.

mod event;
mod guard;
mod queue;

pub use event::{ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed, GatewayStarted};

pub(crate) use guard::{Connected, Subscribed};
pub(crate) use queue::Lifecycle;
