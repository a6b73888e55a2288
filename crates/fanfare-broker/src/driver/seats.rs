use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;

use super::hub::Hub;
use crate::machine::{Joined, Reopened};

/// Where a consumer hears from the state machine.
#[derive(Debug)]
pub(crate) struct Seat {
    /// Its place in the hub.
    pub(crate) place: u64,
    mail: Mutex<Vec<Mail>>,
}

/// What a consumer hears.
#[derive(Debug)]
pub(crate) enum Mail {
    /// It has the group now.
    Joined(Joined),
    /// These come again.
    Reopened(Reopened),
}

impl Seat {
    pub(crate) fn new(place: u64) -> Self {
        Self { place, mail: Mutex::default() }
    }

    pub(crate) fn take(&self) -> Vec<Mail> {
        std::mem::take(&mut self.mail.lock())
    }

    fn put(&self, mail: Mail) {
        self.mail.lock().push(mail);
    }
}

/// Who has each group, and who stands by.
#[derive(Debug, Default)]
pub(crate) struct Seats(HashMap<u32, Seating>);

#[derive(Debug, Default)]
struct Seating {
    active: Option<(u64, Arc<Seat>)>,
    standby: VecDeque<Arc<Seat>>,
}

impl Seats {
    /// Whether anybody consumes, or waits to.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.values().all(|seating| seating.active.is_none() && seating.standby.is_empty())
    }

    /// Lets a consumer stand by.
    pub(crate) fn arrive(&mut self, group: u32, seat: Arc<Seat>) {
        self.0.entry(group).or_default().standby.push_back(seat);
    }

    /// The next consumer that stands by, when nobody has the group.
    pub(crate) fn next(&mut self, group: u32) -> Option<Arc<Seat>> {
        let seating = self.0.get_mut(&group)?;
        if seating.active.is_some() { None } else { seating.standby.pop_front() }
    }

    pub(crate) fn activate(&mut self, group: u32, seat: Arc<Seat>, joined: Joined, hub: &Hub) {
        let place = seat.place;
        let lease = joined.lease;
        seat.put(Mail::Joined(joined));
        self.0.entry(group).or_default().active = Some((lease, seat));
        hub.wake(place);
    }

    /// Takes a consumer away, and answers the group that it had, and its lease.
    pub(crate) fn leave(&mut self, place: u64) -> Option<(u32, u64)> {
        self.0.iter_mut().find_map(|(group, seating)| {
            seating.standby.retain(|seat| seat.place != place);
            let (lease, _) = seating.active.take_if(|(_, seat)| seat.place == place)?;
            Some((*group, lease))
        })
    }

    /// Tells the consumer that has the group.
    pub(crate) fn tell(&self, group: u32, reopened: Reopened, hub: &Hub) {
        let active = self.0.get(&group).and_then(|seating| seating.active.as_ref());
        if let Some((_, seat)) = active {
            seat.put(Mail::Reopened(reopened));
            hub.wake(seat.place);
        }
    }

    /// Groups that a consumer has, and its lease.
    pub(crate) fn active(&self) -> Vec<(u32, u64)> {
        let active = self
            .0
            .iter()
            .filter_map(|(group, seating)| seating.active.as_ref().map(|(lease, _)| (*group, *lease)));
        active.collect()
    }
}
