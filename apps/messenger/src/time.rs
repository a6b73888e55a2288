//! The time as it is stored: milliseconds since 1970.

use jiff::Timestamp;

/// Now.
#[must_use]
pub fn now() -> i64 {
    Timestamp::now().as_millisecond()
}

/// A stored time as text (RFC 3339, UTC).
#[must_use]
pub fn text(millis: i64) -> String {
    Timestamp::from_millisecond(millis).unwrap_or_default().to_string()
}
