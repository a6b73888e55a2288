use std::collections::HashMap;

use bytestring::ByteString;
use fanfare_core::Topic;
use hashbrown::HashTable;

use super::hash::Hasher;

/// What all events of one topic, type and type version share. Its number stands in each event record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Class {
    pub(crate) topic: Topic,
    /// The topic's number, given in order of appearance.
    pub(crate) topic_id: u32,
    pub(crate) event_type: ByteString,
    pub(crate) type_version: u32,
}

/// Every class and topic that the store has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Catalog {
    classes: Vec<Class>,
    table: HashTable<u32>,
    topics: Vec<TopicState>,
    topic_ids: TopicIds,
    /// The class that was asked for last: publishes come in runs of one class.
    last: u32,
}

/// A topic and the offset of its next event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TopicState {
    pub(crate) topic: Topic,
    pub(crate) next_offset: u64,
}

/// Topics' numbers by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct TopicIds(HashMap<Box<str>, u32>);

impl TopicIds {
    pub(crate) fn find(&self, topic: &str) -> Option<u32> {
        self.0.get(topic).copied()
    }

    /// Notes a topic's number, if it has none.
    pub(crate) fn add(&mut self, topic: &str, id: u32) {
        if !self.0.contains_key(topic) {
            self.0.insert(topic.into(), id);
        }
    }
}

impl Catalog {
    pub(crate) fn find(&mut self, topic: &str, event_type: &str, type_version: u32) -> Option<u32> {
        let is_it = |class: &Class| {
            class.type_version == type_version
                && class.topic.as_str() == topic
                && *class.event_type == *event_type
        };
        if self.class(self.last).is_some_and(is_it) {
            return Some(self.last);
        }
        let hash = hash(topic, event_type, type_version);
        let found = *self.table.find(hash, |id| self.class(*id).is_some_and(is_it))?;
        self.last = found;
        Some(found)
    }

    pub(crate) fn class(&self, id: u32) -> Option<&Class> {
        self.classes.get(id as usize)
    }

    pub(crate) fn classes(&self) -> &[Class] {
        &self.classes
    }

    /// The number of a topic.
    pub(crate) fn topic_id(&self, topic: &str) -> Option<u32> {
        self.topic_ids.find(topic)
    }

    pub(crate) fn topics(&self) -> &[TopicState] {
        &self.topics
    }

    pub(crate) fn topic_mut(&mut self, id: u32) -> Option<&mut TopicState> {
        self.topics.get_mut(id as usize)
    }

    /// Adds the class whose number is the next one.
    pub(crate) fn add(&mut self, topic: Topic, event_type: ByteString, type_version: u32) {
        let topic_id = self.topic_id(topic.as_str()).unwrap_or_else(|| {
            let id = self.topics.len() as u32;
            self.topics.push(TopicState { topic: topic.clone(), next_offset: 0 });
            self.topic_ids.add(topic.as_str(), id);
            id
        });
        let id = self.classes.len() as u32;
        let key = hash(topic.as_str(), &event_type, type_version);
        self.classes.push(Class { topic, topic_id, event_type, type_version });
        let classes = &self.classes;
        self.table.insert_unique(key, id, |id| {
            classes
                .get(*id as usize)
                .map_or(0, |class| hash(class.topic.as_str(), &class.event_type, class.type_version))
        });
    }
}

fn hash(topic: &str, event_type: &str, type_version: u32) -> u64 {
    let hasher = Hasher::new([0, 0]).bytes(topic.as_bytes()).bytes(event_type.as_bytes());
    hasher.number(u64::from(type_version)).finish()
}
