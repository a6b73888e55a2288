//! The API key.

use super::super::config::Secret;
use axum::http::{HeaderMap, header};
use ring::hmac;
use ring::rand::SystemRandom;

/// A key that others are compared with in constant time.
pub(in crate::standalone) struct Key {
    /// A key of this process: what is compared are signatures, which say nothing of what they sign.
    blind: hmac::Key,
    expected: hmac::Tag,
}

impl Key {
    /// # Errors
    /// When the system gives no random numbers.
    pub(in crate::standalone) fn new(secret: &Secret) -> anyhow::Result<Self> {
        let blind = hmac::Key::generate(hmac::HMAC_SHA256, &SystemRandom::new())
            .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let expected = hmac::sign(&blind, secret.reveal().as_bytes());
        Ok(Self { blind, expected })
    }

    /// Whether a request shows it: as `X-API-Key`, else as `Authorization: apikey ..`, else in the query.
    pub(super) fn opens(&self, headers: &HeaderMap, query: Option<&str>) -> bool {
        if let Some(shown) = headers.get("x-api-key") {
            return self.is(shown.as_bytes());
        }
        if let Some(shown) = headers.get(header::AUTHORIZATION) {
            let shown = shown.as_bytes();
            return match shown.split_at_checked("apikey ".len()) {
                Some((scheme, key)) => scheme.eq_ignore_ascii_case(b"apikey ") && self.is(key),
                None => false,
            };
        }
        let shown = query.into_iter().flat_map(|query| query.split('&'));
        shown.filter_map(|pair| pair.strip_prefix("api_key=")).any(|key| self.is(key.as_bytes()))
    }

    fn is(&self, shown: &[u8]) -> bool {
        hmac::verify(&self.blind, shown, self.expected.as_ref()).is_ok()
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opens(headers: &[(&str, &str)], query: Option<&str>) -> bool {
        let key = Key::new(&Secret::new("right".into())).unwrap();
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(axum::http::HeaderName::from_bytes(name.as_bytes()).unwrap(), value.parse().unwrap());
        }
        key.opens(&map, query)
    }

    #[test]
    fn the_key_may_stand_in_three_places_and_the_first_one_counts() {
        assert!(opens(&[("x-api-key", "right")], None));
        assert!(opens(&[("authorization", "apikey right")], None));
        assert!(opens(&[("authorization", "ApiKey right")], None));
        assert!(opens(&[], Some("a=b&api_key=right")));
        assert!(!opens(&[("x-api-key", "wrong"), ("authorization", "apikey right")], None));
        assert!(!opens(&[("authorization", "Bearer right")], Some("api_key=right")));
        for wrong in ["", "righ", "right ", "RIGHT"] {
            assert!(!opens(&[("x-api-key", wrong)], None), "{wrong:?}");
        }
        assert!(!opens(&[], None));
    }
}
