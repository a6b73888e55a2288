use fanfare_core::{GroupSpec, TopicFilter};

use crate::{index::Inner, machine::Class};

/// Which classes a reader wants, decided once per class.
#[derive(Debug)]
pub(crate) struct Filter {
    wanted: Wanted,
    classes: Vec<bool>,
}

#[derive(Debug)]
enum Wanted {
    Topic(TopicFilter),
    Group(GroupSpec),
}

impl Filter {
    pub(crate) fn topics(filter: TopicFilter) -> Self {
        Self { wanted: Wanted::Topic(filter), classes: Vec::new() }
    }

    pub(crate) fn group(spec: GroupSpec) -> Self {
        Self { wanted: Wanted::Group(spec), classes: Vec::new() }
    }

    /// Takes in classes that are new.
    pub(crate) fn learn(&mut self, inner: &Inner) {
        while let Some(class) = inner.class(self.classes.len() as u32) {
            let is_wanted = self.wanted.wants(class);
            self.classes.push(is_wanted);
        }
    }

    pub(crate) fn wants(&self, class: u32) -> bool {
        self.classes.get(class as usize).copied().unwrap_or(false)
    }
}

impl Wanted {
    fn wants(&self, class: &Class) -> bool {
        match self {
            Self::Topic(filter) => filter.matches(class.topic.as_str()),
            Self::Group(spec) => spec.takes(class.topic.as_str(), &class.event_type),
        }
    }
}
