//! The event types that this build knows, by name.

use std::{
    collections::HashMap,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
};

use bytestring::ByteString;
use fanfare_core::{Descriptor, Topic, TopicFilter};
use parking_lot::RwLock;

use crate::{fold::FoldState, metrics::Counter};

/// One event type.
#[derive(Debug)]
pub(crate) struct KnownType {
    pub(crate) descriptor: Descriptor,
    pub(crate) name: ByteString,
    pub(crate) topic: Topic,
    pub(crate) published: Counter,
    pub(crate) unhandled: Counter,
    /// Whether a handler of this application takes it.
    pub(crate) is_handled: bool,
    is_reported: AtomicBool,
}

impl KnownType {
    fn new(descriptor: Descriptor, is_handled: bool) -> Self {
        Self {
            descriptor,
            name: ByteString::from_static(descriptor.event_type),
            topic: Topic::from_static(descriptor.topic),
            published: Counter::default(),
            unhandled: Counter::default(),
            is_handled,
            is_reported: AtomicBool::new(false),
        }
    }
}

/// Every type that handlers take or publishers publish.
#[derive(Debug, Default)]
pub(crate) struct Types {
    known: HashMap<&'static str, KnownType, FoldState>,
    /// Types that no handler names, met at run time: published ones and received ones.
    others: RwLock<HashMap<ByteString, Other>>,
    filters: Vec<TopicFilter>,
    has_handlers: bool,
}

#[derive(Debug, Default)]
struct Other {
    published: u64,
    unhandled: u64,
}

/// How many types met at run time are counted by name; what comes over it is counted as `other`.
const OTHERS_MAX: usize = 1024;

impl Types {
    /// The types of an application: what its handlers take by name and by filter, and what else it registered.
    pub(crate) fn new(
        handled: impl IntoIterator<Item = Descriptor>,
        registered: impl IntoIterator<Item = Descriptor>,
        filters: Vec<TopicFilter>,
        has_handlers: bool,
    ) -> Self {
        let matches = |name: &str| filters.iter().any(|filter| filter.matches(name));
        let mut known = HashMap::default();
        for descriptor in handled {
            known.entry(descriptor.event_type).or_insert_with(|| KnownType::new(descriptor, true));
        }
        for descriptor in registered {
            known
                .entry(descriptor.event_type)
                .or_insert_with(|| KnownType::new(descriptor, matches(descriptor.event_type)));
        }
        Self { known, others: RwLock::default(), filters, has_handlers }
    }

    pub(crate) fn get(&self, event_type: &str) -> Option<&KnownType> {
        self.known.get(event_type)
    }

    /// Whether a handler takes events of this type.
    pub(crate) fn handles(&self, event_type: &str) -> bool {
        match self.known.get(event_type) {
            Some(known) => known.is_handled,
            None => self.filters.iter().any(|filter| filter.matches(event_type)),
        }
    }

    /// Counts a publish; a type that no handler of this application takes is counted and told once.
    pub(crate) fn published(&self, event_type: &ByteString) {
        match self.known.get(&**event_type) {
            Some(known) => {
                known.published.add(1);
                if !known.is_handled && self.has_handlers {
                    known.unhandled.add(1);
                    if !known.is_reported.swap(true, Relaxed) {
                        report(event_type);
                    }
                }
            }
            None => {
                let is_handled = self.filters.iter().any(|filter| filter.matches(event_type));
                let is_unhandled = self.has_handlers && !is_handled;
                self.count_other(event_type, 1, u64::from(is_unhandled));
            }
        }
    }

    /// Counts a record that came to a handler which does not take its type.
    pub(crate) fn unhandled(&self, event_type: &ByteString) {
        match self.known.get(&**event_type) {
            Some(known) if known.is_handled => {}
            Some(known) => {
                known.unhandled.add(1);
                if !known.is_reported.swap(true, Relaxed) {
                    report(event_type);
                }
            }
            None => self.count_other(event_type, 0, 1),
        }
    }

    /// Calls `each` with type, published and unhandled counts.
    pub(crate) fn counts(&self, mut each: impl FnMut(&str, u64, u64)) {
        let mut names: Vec<_> = self.known.values().collect();
        names.sort_by_key(|known| known.descriptor.event_type);
        for known in names {
            each(known.descriptor.event_type, known.published.get(), known.unhandled.get());
        }
        for (name, other) in &*self.others.read() {
            each(name, other.published, other.unhandled);
        }
    }

    fn count_other(&self, event_type: &ByteString, published: u64, unhandled: u64) {
        let mut others = self.others.write();
        let is_full = others.len() >= OTHERS_MAX && !others.contains_key(event_type);
        let name = if is_full { ByteString::from_static("other") } else { event_type.clone() };
        let other = others.entry(name).or_default();
        other.published += published;
        let is_first = other.unhandled == 0 && unhandled > 0;
        other.unhandled += unhandled;
        drop(others);
        if is_first && !is_full {
            report(event_type);
        }
    }
}

fn report(event_type: &str) {
    tracing::warn!(event_type, "no handler of this application takes events of this type");
}

#[cfg(test)]
mod tests {
    use super::{OTHERS_MAX, Types};

    #[test]
    fn types_met_at_run_time_are_counted_by_name_up_to_a_limit_and_together_beyond_it() {
        let types = Types::default();
        let name = |number: usize| format!("met.{number}").into();
        for number in 0..OTHERS_MAX + 10 {
            types.published(&name(number));
        }
        types.published(&name(0));
        let mut counts = std::collections::HashMap::new();
        types.counts(|name, published, _| assert!(counts.insert(name.to_owned(), published).is_none()));
        assert_eq!(counts.len(), OTHERS_MAX + 1);
        assert_eq!((counts["met.0"], counts["met.1023"], counts["other"]), (2, 1, 10));
    }
}
