//! A place in a room, given up by dropping it.

use super::feed::Hub;
use super::room::Room;
use crate::protocol::ClientInfo;
use std::sync::Arc;

/// One subscription's place in its room. Dropping it leaves the room, and tells the others where they are told.
#[derive(Debug)]
pub(crate) struct Membership(Option<Place>);

#[derive(Debug)]
struct Place {
    hub: Arc<Hub>,
    room: Arc<Room>,
    number: usize,
    /// Set once the others were told that it came, so that they are told when it goes.
    announced: Option<Arc<ClientInfo>>,
}

impl Membership {
    pub(super) fn new(hub: Arc<Hub>, room: Arc<Room>, number: usize) -> Self {
        Self(Some(Place { hub, room, number, announced: None }))
    }

    /// A place in no room, for tests of what holds one.
    #[cfg(test)]
    pub(crate) fn nowhere() -> Self {
        Self(None)
    }

    /// Tells the room, this subscription too, that it came. To be called after the answer was queued.
    pub(crate) fn announce(&mut self, info: Arc<ClientInfo>) {
        if let Some(place) = &mut self.0 {
            place.hub.joined(&place.room, &info);
            place.announced = Some(info);
        }
    }

    /// Who is present in the room.
    pub(crate) fn present(&self) -> Vec<Arc<ClientInfo>> {
        self.0.as_ref().map(|place| place.room.present()).unwrap_or_default()
    }
}

impl Drop for Membership {
    fn drop(&mut self) {
        if let Some(place) = self.0.take() {
            place.hub.leave(&place.room, place.number);
            if let Some(info) = place.announced {
                place.hub.left(&place.room, &info);
            }
        }
    }
}
