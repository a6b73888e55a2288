//! Consumer groups: how they are named, what they take, and what an application claims at start.

use std::{fmt, str::FromStr};

use bytestring::ByteString;
use jiff::Timestamp;

use crate::{Cursor, Descriptor, InvalidName, Topic, TopicFilter};

/// The name of a consumer group: application, role, handler. Printed `app/role/handler`, and `app//handler`
/// for the default role.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct GroupName {
    application: ByteString,
    role: ByteString,
    handler: ByteString,
}

impl GroupName {
    /// A name of these parts; the role may be empty.
    ///
    /// # Errors
    /// When a part is not a dotted name of ASCII letters, digits, `-` and `_`.
    pub fn new(application: &str, role: &str, handler: &str) -> Result<Self, InvalidName> {
        for part in [application, handler] {
            Topic::new(part)?;
        }
        if !role.is_empty() {
            Topic::new(role)?;
        }
        Ok(Self { application: application.into(), role: role.into(), handler: handler.into() })
    }

    /// The application's name.
    pub fn application(&self) -> &str {
        &self.application
    }

    /// The role; empty by default.
    pub fn role(&self) -> &str {
        &self.role
    }

    /// The handler's name.
    pub fn handler(&self) -> &str {
        &self.handler
    }
}

impl fmt::Display for GroupName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.application, self.role, self.handler)
    }
}

impl FromStr for GroupName {
    type Err = InvalidName;

    fn from_str(name: &str) -> Result<Self, InvalidName> {
        let mut parts = name.splitn(3, '/');
        let mut part = || parts.next().unwrap_or_default();
        Self::new(part(), part(), part())
    }
}

/// Where a new group starts. It counts only when the group is created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Start {
    /// At the earliest record that the transport kept.
    #[default]
    Earliest,
    /// Behind the newest record.
    Latest,
    /// At this place. One of another epoch is refused.
    Position(Cursor),
    /// At the first record that was taken at this time or later.
    Time(Timestamp),
}

/// A group and what it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct GroupSpec {
    /// Its name.
    pub name: GroupName,
    /// The topics it reads.
    pub topics: Vec<TopicFilter>,
    /// The event types it takes; what it does not take counts as settled. Empty: all.
    pub types: Vec<TopicFilter>,
}

impl GroupSpec {
    /// A group of this name over these topics and types.
    pub fn new(name: GroupName, topics: Vec<TopicFilter>, types: Vec<TopicFilter>) -> Self {
        Self { name, topics, types }
    }

    /// Whether a record is the group's.
    pub fn takes(&self, topic: &str, event_type: &str) -> bool {
        self.topics.iter().any(|filter| filter.matches(topic))
            && (self.types.is_empty() || self.types.iter().any(|filter| filter.matches(event_type)))
    }
}

/// What the application says about a group that does not exist yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Claim {
    /// Nothing: it is created unless an orphan with overlapping types exists.
    #[default]
    Unsaid,
    /// It goes on where this group stopped; the old group is gone afterwards. No error when that group is gone.
    RenamedFrom(GroupName),
    /// It is a new group and starts there.
    StartAt(Start),
}

/// A group in a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PlannedGroup {
    /// The group.
    pub spec: GroupSpec,
    /// What is said in case it is new.
    pub claim: Claim,
    /// Whether it asks for `.in_order()`.
    pub is_in_order: bool,
}

impl PlannedGroup {
    /// A group about which nothing special is said.
    pub fn new(spec: GroupSpec) -> Self {
        Self { spec, claim: Claim::Unsaid, is_in_order: false }
    }
}

/// What an application wants from a transport, checked and created as a whole before anything runs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Plan {
    /// The application's name; orphans are looked for under it and the role.
    pub application: String,
    /// The role.
    pub role: String,
    /// Every group that a handler claims.
    pub groups: Vec<PlannedGroup>,
    /// Groups to be deleted, by `App::delete_group`.
    pub delete: Vec<GroupName>,
    /// Event types that this build knows.
    pub types: Vec<Descriptor>,
}

impl Plan {
    /// An empty plan of an application and role.
    pub fn new(application: impl Into<String>, role: impl Into<String>) -> Self {
        Self { application: application.into(), role: role.into(), ..Self::default() }
    }
}

/// One thing that a transport refuses, in words that name it and say what to do.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The group it concerns, if one.
    pub group: Option<GroupName>,
    /// What is refused, why, and what to do.
    pub reason: String,
}

impl Refusal {
    /// A refusal that concerns one group.
    pub fn of(group: &GroupName, reason: impl Into<String>) -> Self {
        Self { group: Some(group.clone()), reason: reason.into() }
    }

    /// A refusal of the plan as such.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { group: None, reason: reason.into() }
    }
}

/// All that a transport refuses of a plan, at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusals(pub Vec<Refusal>);

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, refusal) in self.0.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            match &refusal.group {
                Some(group) => write!(f, "group `{group}`: {}", refusal.reason)?,
                None => f.write_str(&refusal.reason)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Refusals {}

#[cfg(test)]
mod tests {
    use super::GroupName;

    #[test]
    fn a_group_name_reads_back_as_it_prints() {
        for (role, text) in [("", "shop//reserve"), ("workers", "shop/workers/reserve")] {
            let name = GroupName::new("shop", role, "reserve").unwrap();
            assert_eq!(name.to_string(), text);
            assert_eq!(text.parse::<GroupName>().unwrap(), name);
        }
        assert!("shop".parse::<GroupName>().is_err());
    }
}
