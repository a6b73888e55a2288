//! Values that are more than numbers and texts.

use serde::Deserialize;
use serde::de::{Deserializer, Error, Visitor};
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// A length of time: `"90s"`, `"5m"`, `"24h"`, `"30d"`, `"500ms"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::standalone) struct Age(pub(in crate::standalone) Duration);

/// A text that is never printed.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub(in crate::standalone) struct Secret(String);

/// An address and a port.
#[derive(Clone, Copy, Debug)]
pub(super) struct Address(pub(super) SocketAddr);

impl Age {
    fn parse(text: &str) -> Option<Self> {
        let digits = text.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = text.split_at_checked(digits)?;
        let millis = match unit.trim() {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return None,
        };
        let number: u64 = number.parse().ok()?;
        // A thousand years: more than any clock shows.
        let millis = number.checked_mul(millis).filter(|millis| *millis <= 365_000 * 86_400_000)?;
        Some(Self(Duration::from_millis(millis)))
    }
}

impl<'de> Deserialize<'de> for Age {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;

        impl Visitor<'_> for Text {
            type Value = Age;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a length of time in quotes: \"90s\", \"5m\", \"24h\", \"30d\" or \"500ms\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Age, E> {
                Age::parse(text).ok_or_else(|| E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }
        }

        deserializer.deserialize_str(Text)
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let words = || {
            format!(
                "`{text}` is not an address of this machine and a port, as in \"127.0.0.1:8000\" or \"[::1]:8000\""
            )
        };
        text.parse().map(Self).map_err(|_| D::Error::custom(words()))
    }
}

impl Secret {
    pub(in crate::standalone) fn new(text: String) -> Self {
        Self(text)
    }

    pub(in crate::standalone) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_have_a_unit() {
        for (text, seconds) in [("90s", 90), ("5m", 300), ("24h", 86_400), ("30d", 2_592_000), ("2000ms", 2)]
        {
            assert_eq!(Age::parse(text), Some(Age(Duration::from_secs(seconds))), "{text}");
        }
        for text in ["", "5", "m", "5 weeks", "-1s", "1.5h", "99999999999999999999s", "99999999999d"] {
            assert_eq!(Age::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", Secret::new("hunter2".into())), "(secret)");
    }
}
