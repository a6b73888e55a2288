//! What an operator or an application does to groups: resume, redrive, discard, delete, look.

use fanfare_core::{Error, ErrorKind, GroupName, HeldKey, Selection, Topic};

use super::{group::HeldEntry, state::Machine};
use crate::{journal::BatchBuf, record::Record};

/// Positions that their group gets again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reopened {
    /// The lease they are handed out under.
    pub(crate) lease: u64,
    pub(crate) positions: Vec<u64>,
    /// Keys that are no longer passed over.
    pub(crate) keys: Vec<u32>,
}

/// Where a group stands, by numbers only.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    pub(crate) name: GroupName,
    pub(crate) cursor: u64,
    pub(crate) lag: u64,
    pub(crate) oldest: Option<u64>,
    pub(crate) retrying: u64,
    pub(crate) dead: u64,
    pub(crate) held: u64,
    pub(crate) is_active: bool,
}

impl Machine {
    /// Unsettles what was passed over of a key.
    pub(crate) fn resume(&mut self, out: &mut BatchBuf, id: u32, key: &HeldKey) -> Result<Reopened, Error> {
        let number = key.key.as_ref().and_then(|name| self.index.read().key_id(&key.topic, name));
        let group = self.groups.get(&id);
        let by_key = number.and_then(|number| group?.held_keys.get(&number)).copied();
        let position = by_key.unwrap_or(key.position);
        let held = group.and_then(|group| group.held.get(&position));
        let Some(held) = held.cloned() else {
            let text = "resume a key: nothing is held or parked from this position on";
            return Err(Error::new(ErrorKind::NotFound, text).with("position", position));
        };
        self.change(out, &Record::Resumed { group: id, position });
        Ok(self.hand_out(id, held.passed, held.key.into_iter().collect()))
    }

    /// Gives dead letters back to their group, and resumes keys that they parked.
    pub(crate) fn redrive(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        which: &Selection,
    ) -> Result<(u64, Reopened), Error> {
        let mut positions = self.selected(id, which);
        let count = positions.len() as u64;
        if count == 0 {
            return Ok((0, Reopened::default()));
        }
        self.change(out, &Record::Redriven { group: id, positions: positions.clone() });
        let (resumed, keys) = self.unpark(out, id, &positions);
        positions.extend(resumed);
        positions.sort_unstable();
        Ok((count, self.hand_out(id, positions, keys)))
    }

    /// Forgets dead letters, and resumes keys that they parked.
    pub(crate) fn discard(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        which: &Selection,
    ) -> Result<(u64, Reopened), Error> {
        let positions = self.selected(id, which);
        let count = positions.len() as u64;
        if count == 0 {
            return Ok((0, Reopened::default()));
        }
        self.change(out, &Record::Discarded { group: id, positions: positions.clone() });
        let (resumed, keys) = self.unpark(out, id, &positions);
        Ok((count, self.hand_out(id, resumed, keys)))
    }

    /// Deletes a group that no consumer has.
    pub(crate) fn delete(&mut self, out: &mut BatchBuf, id: u32) -> Result<(), Error> {
        let Some(group) = self.groups.get(&id) else { return Ok(()) };
        if group.session.is_some() {
            let text = "delete a group: a consumer has it now; stop that application first";
            return Err(Error::new(ErrorKind::InUse, text).with("group", &group.spec.name));
        }
        self.change(out, &Record::GroupDeleted { group: id });
        Ok(())
    }

    /// Where every group stands, by name.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        let mut all: Vec<Standing> = self
            .groups
            .values()
            .map(|group| Standing {
                name: group.spec.name.clone(),
                cursor: group.cursor,
                lag: group.lag,
                oldest: if group.lag == 0 { None } else { self.oldest_unsettled(group) },
                retrying: group.pending.values().filter(|pending| pending.due.is_some()).count() as u64,
                dead: group.dead.len() as u64,
                held: group.held.len() as u64,
                is_active: group.session.is_some(),
            })
            .collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        all
    }

    /// The keys that a group passes over.
    pub(crate) fn held(&self, id: u32) -> Vec<HeldKey> {
        let Some(group) = self.groups.get(&id) else { return Vec::new() };
        let held = group.held.iter();
        held.filter_map(|(position, held)| self.held_key(*position, held)).collect()
    }

    /// Whether some group may need the record at a position although its cursor has passed it.
    pub(crate) fn is_needed(&self, position: u64) -> bool {
        let is_held = |group: &super::Group| {
            group.held.values().any(|held| held.passed.binary_search(&position).is_ok())
        };
        self.groups.values().any(|group| {
            group.dead.contains_key(&position)
                || group.reopened.contains_key(&position)
                || group.pending.contains_key(&position)
                || is_held(group)
        })
    }

    /// The first position that some group may still need, dead letters left out.
    pub(crate) fn floor(&self) -> u64 {
        let floor = |group: &super::Group| {
            let floor = group.floor();
            if group.lag == 0 && floor == group.cursor {
                // Nothing is to be found, however much there is to look at.
                self.next_position
            } else if floor == group.cursor {
                self.oldest_unsettled(group).unwrap_or(self.next_position)
            } else {
                floor
            }
        };
        self.groups.values().map(floor).min().unwrap_or(self.next_position)
    }

    fn held_key(&self, position: u64, held: &HeldEntry) -> Option<HeldKey> {
        let class = self.catalog.class(held.class)?;
        let topic: Topic = class.topic.clone();
        let key = held.key.and_then(|key| self.keys.name(key)).map(|(_, name)| name.clone());
        let event_type = class.event_type.clone();
        Some(HeldKey::new(topic, key, position, event_type, class.type_version, held.is_parked))
    }

    fn selected(&self, id: u32, which: &Selection) -> Vec<u64> {
        let Some(group) = self.groups.get(&id) else { return Vec::new() };
        match which {
            Selection::All => group.dead.keys().copied().collect(),
            Selection::Positions(positions) => {
                let mut known: Vec<u64> =
                    positions.iter().copied().filter(|position| group.dead.contains_key(position)).collect();
                known.sort_unstable();
                known.dedup();
                known
            }
            _ => Vec::new(),
        }
    }

    fn unpark(&mut self, out: &mut BatchBuf, id: u32, positions: &[u64]) -> (Vec<u64>, Vec<u32>) {
        let (mut resumed, mut keys) = (Vec::new(), Vec::new());
        for position in positions {
            let held = self.groups.get(&id).and_then(|group| group.held.get(position));
            if let Some(held) = held.filter(|held| held.is_parked).cloned() {
                self.change(out, &Record::Resumed { group: id, position: *position });
                resumed.extend(held.passed);
                keys.extend(held.key);
            }
        }
        (resumed, keys)
    }

    /// Leases reopened positions to the consumer that has the group now, if one has.
    fn hand_out(&mut self, id: u32, positions: Vec<u64>, keys: Vec<u32>) -> Reopened {
        let lease = self.next_lease;
        self.next_lease += 1;
        if let Some(group) = self.groups.get_mut(&id) {
            for position in &positions {
                if let Some(known) = group.reopened.get_mut(position) {
                    *known = lease;
                }
            }
        }
        Reopened { lease, positions, keys }
    }
}
