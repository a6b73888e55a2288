//! Topics, and filters over topics and event types.

use std::{fmt, str::FromStr};

use bytestring::ByteString;

/// Longest topic, event type or filter, in bytes.
const NAME_LEN_MAX: usize = 255;

/// A name that is not a valid topic, event type or filter.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is not a valid {what}: {reason}")]
pub struct InvalidName {
    name: String,
    what: &'static str,
    reason: &'static str,
}

/// Where an event is kept and with what it is ordered: dot-separated segments of ASCII letters, digits,
/// `-` and `_`, 1 to 255 bytes.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Topic(ByteString);

impl Topic {
    /// Checks and takes a name.
    ///
    /// # Errors
    /// When a segment is empty or holds another character, or the name is too long.
    pub fn new(name: impl Into<ByteString>) -> Result<Self, InvalidName> {
        let name = name.into();
        check(&name, "topic", |segment, _| plain(segment))?;
        Ok(Self(name))
    }

    /// A topic that is known to be valid, such as [`crate::Event::TOPIC`], which the derive checks.
    ///
    /// # Panics
    /// When it is not valid.
    pub fn from_static(name: &'static str) -> Self {
        Self::new(ByteString::from_static(name)).expect("a topic in the program's text is valid")
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, shared.
    pub fn to_byte_string(&self) -> ByteString {
        self.0.clone()
    }
}

impl FromStr for Topic {
    type Err = InvalidName;
    fn from_str(name: &str) -> Result<Self, InvalidName> {
        Self::new(name)
    }
}

impl AsRef<str> for Topic {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Topic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

/// A pattern over topics or event types: `*` stands for one segment, a final `>` for one or more.
///
/// `chat.>` matches `chat.room` and `chat.room.sent`, not `chat`; `*.placed` matches `order.placed`; `>`
/// matches everything; a filter without either matches that very name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TopicFilter(ByteString);

impl TopicFilter {
    /// Checks and takes a pattern.
    ///
    /// # Errors
    /// When a segment is neither plain nor `*` nor a final `>`, or the pattern is too long.
    pub fn new(pattern: impl Into<ByteString>) -> Result<Self, InvalidName> {
        let pattern = pattern.into();
        check(&pattern, "filter", |segment, is_last| {
            plain(segment) || segment == "*" || (is_last && segment == ">")
        })?;
        Ok(Self(pattern))
    }

    /// The filter that matches everything.
    pub fn all() -> Self {
        Self(ByteString::from_static(">"))
    }

    /// The filter that matches this name and no other.
    pub fn exactly(topic: &Topic) -> Self {
        Self(topic.to_byte_string())
    }

    /// Whether a topic or event type matches.
    pub fn matches(&self, name: &str) -> bool {
        if &*self.0 == ">" {
            return true;
        }
        let mut names = name.split('.');
        for pattern in self.0.split('.') {
            match (pattern, names.next()) {
                (">", Some(_)) => return true,
                ("*", Some(_)) => {}
                (pattern, Some(name)) if pattern == name => {}
                _ => return false,
            }
        }
        names.next().is_none()
    }

    /// The only name that it matches, when it has no wildcard.
    pub fn as_exact(&self) -> Option<&str> {
        (!self.0.contains(['*', '>'])).then_some(&*self.0)
    }

    /// Whether some name could match both filters.
    pub fn overlaps(&self, other: &Self) -> bool {
        let (mut left, mut right) = (self.0.split('.'), other.0.split('.'));
        loop {
            match (left.next(), right.next()) {
                (Some(">"), Some(_)) | (Some(_), Some(">")) | (None, None) => return true,
                (Some(a), Some(b)) if a == "*" || b == "*" || a == b => {}
                _ => return false,
            }
        }
    }

    /// The pattern.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicFilter {
    type Err = InvalidName;
    fn from_str(pattern: &str) -> Result<Self, InvalidName> {
        Self::new(pattern)
    }
}

impl From<Topic> for TopicFilter {
    fn from(topic: Topic) -> Self {
        Self(topic.0)
    }
}

impl fmt::Display for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

fn plain(segment: &str) -> bool {
    !segment.is_empty()
        && segment.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_')
}

fn check(name: &str, what: &'static str, is_valid: impl Fn(&str, bool) -> bool) -> Result<(), InvalidName> {
    let refuse = |reason| Err(InvalidName { name: name.chars().take(80).collect(), what, reason });
    if name.len() > NAME_LEN_MAX {
        return refuse("it is longer than 255 bytes");
    }
    let mut segments = name.split('.').peekable();
    while let Some(segment) = segments.next() {
        if segment.is_empty() {
            return refuse("a segment between the dots is empty");
        }
        if !is_valid(segment, segments.peek().is_none()) {
            return refuse(
                "segments are ASCII letters, digits, `-` and `_`; a filter may hold `*`, and `>` at its end",
            );
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Topic, TopicFilter};

    fn filter(pattern: &str) -> TopicFilter {
        pattern.parse().unwrap()
    }

    #[test]
    fn star_is_one_segment_and_the_arrow_one_or_more() {
        assert!(filter("chat.*").matches("chat.room"));
        assert!(!filter("chat.*").matches("chat.room.sent"));
        assert!(filter("chat.>").matches("chat.room.sent"));
        assert!(!filter("chat.>").matches("chat"));
        assert!(filter("*.placed").matches("order.placed"));
        assert!(!filter("order.placed").matches("order"));
    }

    #[test]
    fn bad_names_are_refused() {
        for name in ["", ".", "a..b", "a b", "a.>", "ü", &"x".repeat(256)] {
            assert!(Topic::new(name).is_err(), "{name}");
        }
        for pattern in ["a.>.b", ">>", "a*"] {
            assert!(TopicFilter::new(pattern).is_err(), "{pattern}");
        }
    }

    proptest! {
        #[test]
        fn filters_that_match_one_name_overlap(name in "[a-c](\\.[a-c]){0,3}", a in "([a-c*]\\.){0,3}[a-c*>]", b in "([a-c*]\\.){0,3}[a-c*>]") {
            let (a, b) = (filter(&a), filter(&b));
            if a.matches(&name) && b.matches(&name) {
                prop_assert!(a.overlaps(&b) && b.overlaps(&a));
            }
        }
    }
}
