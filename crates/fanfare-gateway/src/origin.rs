//! Which pages may connect.

use crate::gateway::BuildError;
use axum::http::{HeaderMap, header};

/// An allow-list. Browsers name the page's origin and cannot be made to lie about it; without this check any page that
/// somebody visits could open a connection in their name.
#[derive(Debug)]
pub(crate) struct Origins(Vec<String>);

impl Origins {
    pub(crate) fn new(origins: Vec<String>) -> Result<Self, BuildError> {
        let is_origin = |origin: &String| {
            let rest = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
            rest.is_some_and(|host| !host.is_empty() && !host.contains(['/', '?', '#', '*']))
        };
        match origins.iter().find(|origin| !is_origin(origin)) {
            Some(bad) => Err(BuildError::InvalidOrigin(bad.clone())),
            None => Ok(Self(origins)),
        }
    }

    /// Whether a request may go on: it names no origin, or one of ours.
    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        let mut named = headers.get_all(header::ORIGIN).iter();
        match (named.next(), named.next()) {
            (None, _) => true,
            (Some(origin), None) => {
                self.0.iter().any(|allowed| origin.as_bytes().eq_ignore_ascii_case(allowed.as_bytes()))
            }
            (Some(_), Some(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(named: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for origin in named {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(vec!["https://chat.example".into()]).unwrap().allows(&headers)
    }

    #[test]
    fn only_listed_origins_and_none_at_all_may_connect() {
        assert!(allows(&[]));
        assert!(allows(&["https://chat.example"]));
        for foreign in
            ["http://chat.example", "https://chat.example.evil", "https://chat.example:444", "null", ""]
        {
            assert!(!allows(&[foreign]), "{foreign}");
        }
        assert!(!allows(&["https://chat.example", "https://evil.example"]));
    }

    #[test]
    fn what_is_no_origin_is_refused_at_once() {
        for bad in ["chat.example", "https://chat.example/", "https://*", "https://"] {
            assert!(Origins::new(vec![bad.into()]).is_err(), "{bad}");
        }
    }
}
