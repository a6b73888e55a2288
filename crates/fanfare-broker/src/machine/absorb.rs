//! How each record changes the state: the same for a call that has just made it and for its replay.

use fanfare_core::Place;

use super::{group::Group, identity::Identity, schedule::Waiting, state::Machine, window::First};
use crate::{index::NewKey, record::Record};

impl Machine {
    pub(super) fn absorb(&mut self, record: &Record) {
        match record {
            Record::Store { seed } => {
                self.seed = *seed;
                self.index.set_seed(*seed);
            }
            Record::Clock { open_ms } => self.window.age(*open_ms),
            Record::Class { topic, event_type, type_version, .. } => {
                self.catalog.add(topic.clone(), event_type.clone(), *type_version);
                if let Some(class) = self.catalog.classes().last() {
                    self.groups.values_mut().for_each(|group| group.learn(class));
                }
            }
            Record::Attempts { group, positions } => {
                self.with(*group, |group| group.count_attempts(positions));
            }
            Record::Settled { group, acked } => self.with(*group, |group| group.settle(acked)),
            Record::Retried(retried) => self.with(retried.group, |group| group.retry(retried)),
            Record::Dead(dead) => self.with(dead.group, |group| group.give_up(dead)),
            Record::Redriven { group, positions } => self.with(*group, |group| group.redrive(positions)),
            Record::Discarded { group, positions } => self.with(*group, |group| group.discard(positions)),
            Record::Held(held) => self.with(held.group, |group| group.hold(held)),
            Record::Resumed { group, position } => self.with(*group, |group| group.resume(*position)),
            Record::Released { group, positions } => self.with(*group, |group| group.release(positions)),
            Record::Recovered => self.groups.values_mut().for_each(Group::suspect),
            Record::Scheduled { id, due, class, identity, message } => {
                if let Some((identity, content)) = *identity {
                    self.window.add(identity, content, First::Scheduled(*id));
                }
                self.schedule.add(*id, Waiting { due: *due, class: *class, message: message.clone() });
            }
            Record::ScheduleDone { id } => drop(self.schedule.remove(*id)),
            Record::GroupCreated(created) => {
                let group =
                    Group::new(created.spec.clone(), created.cursor, created.lag, self.catalog.classes());
                self.names.insert(created.spec.name.clone(), created.group);
                self.groups.insert(created.group, group);
                self.next_group = self.next_group.max(created.group + 1);
            }
            Record::GroupRenamed { group: id, name } => {
                if let Some(group) = self.groups.get_mut(id) {
                    self.names.remove(&group.spec.name);
                    group.spec.name = name.clone();
                    self.names.insert(name.clone(), *id);
                }
            }
            Record::GroupDeleted { group } => {
                if let Some(group) = self.groups.remove(group) {
                    self.names.remove(&group.spec.name);
                }
            }
            Record::GroupFilter(change) => {
                let classes = self.catalog.classes();
                if let Some(group) = self.groups.get_mut(&change.group) {
                    group.spec.topics = change.topics.clone();
                    group.spec.types = change.types.clone();
                    group.refilter(classes);
                    group.unsettle(&change.unsettled);
                    group.lag = change.lag;
                }
            }
        }
    }

    /// Takes in an event. `known`: its key's number, if it appeared before.
    /// Answers the key's number, and for a new key what the index wants to know.
    pub(super) fn absorb_event(
        &mut self,
        place: &Place,
        key: Option<&str>,
        class: u32,
        known: Option<u32>,
        identity: Option<Identity>,
    ) -> (Option<u32>, Option<NewKey>) {
        let topic_id = self.catalog.class(class).map_or(0, |class| class.topic_id);
        let mut new_key = None;
        let key = match (key, known) {
            (None, _) => None,
            (Some(_), Some(known)) => Some(known),
            (Some(name), None) => {
                let hash = crate::index::key_hash(self.seed, topic_id, name);
                let name = Self::own(name);
                let key = self.keys.add(hash, topic_id, name.clone());
                self.heads.push(0);
                new_key = Some((hash, topic_id, name));
                Some(key)
            }
        };
        if let Some(head) = key.and_then(|key| self.heads.get_mut(key as usize)) {
            *head = place.revision;
        }
        if let Some(topic) = self.catalog.topic_mut(topic_id) {
            topic.next_offset = place.offset + 1;
        }
        self.next_position = place.position + 1;
        self.last_time = self.last_time.max(place.recorded_at);
        if let Some((identity, content)) = identity {
            let first = First::Placed {
                position: place.position,
                offset: place.offset,
                revision: place.revision,
                recorded_at: place.recorded_at,
            };
            self.window.add(identity, content, first);
        }
        for group in self.groups.values_mut() {
            group.add_event(place.position, class, key);
        }
        (key, new_key)
    }

    fn with(&mut self, group: u32, change: impl FnOnce(&mut Group)) {
        if let Some(group) = self.groups.get_mut(&group) {
            change(group);
        }
    }
}
