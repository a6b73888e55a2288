//! Live publications: one tail per topic, fanned out to the connections.
//!
//! A room is one channel name on one key of a topic, and exists while somebody is in it. A publication is viewed and
//! encoded once for each room. The hub never waits for a connection: it fills [`Outbox`]es, which are bounded.
//! The invariant: a record that became readable after [`Hub::join`] returned reaches the joined outbox, or the
//! subscription is told that the feed lost its place.

mod feed;
mod membership;
mod news;
mod outbox;
mod room;
mod view;

pub(crate) use feed::{Hub, Telling};
pub(crate) use membership::Membership;
pub(crate) use outbox::{Item, Outbox, Ticket};
pub(crate) use room::Member;
pub(crate) use view::encode;
