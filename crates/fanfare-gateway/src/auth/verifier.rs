//! Checking a token.

use super::algorithm::{Algorithm, Key, KeyError};
use super::claims::{ConnectionClaims, Registered, SubscriptionClaims};
use super::jwks;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use parking_lot::RwLock;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::sync::Arc;

/// Checks tokens with one algorithm, one audience, and the current or the previous key.
///
/// Its keys can be replaced while a gateway runs with it: see [`replace_keys`](Self::replace_keys).
#[derive(Clone, Debug)]
pub struct Verifier {
    /// The same for a verifier and its clones.
    keys: Arc<RwLock<Arc<[Key]>>>,
    /// `None`: any.
    audience: Option<String>,
    issuer: Option<String>,
    needs_expiry: bool,
}

/// Why a token was not accepted. What the peer is told is less than what the log says.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// A new token would help.
    #[error("the token has expired or is not yet valid")]
    Expired,
    /// Not ours, or not for this.
    #[error("the token is invalid: {0}")]
    Invalid(&'static str),
}

impl Verifier {
    /// Tokens signed with this algorithm for this audience. The key is the secret's bytes for HMAC, and the public key in
    /// PEM for the others.
    ///
    /// # Errors
    /// When the key is too short, or not one for this algorithm.
    pub fn new(algorithm: Algorithm, key: &[u8], audience: impl Into<String>) -> Result<Self, KeyError> {
        Ok(Self::of_keys(vec![Key::new(algorithm, key)?], audience))
    }

    /// The same with a secret of any length, which may be guessed: whoever does makes tokens.
    ///
    /// # Errors
    /// When the algorithm is not one with a secret, or the key not one for it.
    pub fn weak(algorithm: Algorithm, secret: &[u8], audience: impl Into<String>) -> Result<Self, KeyError> {
        Ok(Self::of_keys(vec![Key::weak(algorithm, secret)?], audience))
    }

    /// Tokens signed with any key of a JSON Web Key Set (RFC 7517). Each key is used with one algorithm: its `alg`, or the one
    /// that its curve has.
    ///
    /// # Errors
    /// When it is no such set, holds no public key for signatures, or one that cannot be used.
    pub fn jwks(set: &[u8], audience: impl Into<String>) -> Result<Self, KeyError> {
        Ok(Self::of_keys(jwks::read(set)?, audience))
    }

    fn of_keys(keys: Vec<Key>, audience: impl Into<String>) -> Self {
        let keys = Arc::new(RwLock::new(keys.into()));
        Self { keys, audience: Some(audience.into()), issuer: None, needs_expiry: true }
    }

    /// Tokens signed with HMAC-SHA256 for this audience.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn hs256(secret: &[u8], audience: impl Into<String>) -> Result<Self, KeyError> {
        Self::new(Algorithm::Hs256, secret, audience)
    }

    /// Also accepts what another key signs, while keys are rotated. It is of the same algorithm.
    ///
    /// # Errors
    /// When the key is too short, or not one for this algorithm.
    pub fn or_key(self, key: &[u8]) -> Result<Self, KeyError> {
        let key = Key::new(self.algorithm(), key)?;
        Ok(self.with(key))
    }

    /// Also accepts what another secret signs, of any length.
    ///
    /// # Errors
    /// When the algorithm is not one with a secret.
    pub fn or_weak_key(self, secret: &[u8]) -> Result<Self, KeyError> {
        let key = Key::weak(self.algorithm(), secret)?;
        Ok(self.with(key))
    }

    fn algorithm(&self) -> Algorithm {
        self.keys.read().first().map_or(Algorithm::Hs256, Key::algorithm)
    }

    /// Apart from its clones: they keep the keys they have.
    fn with(self, key: Key) -> Self {
        let keys = self.keys.read().iter().cloned().chain([key]).collect();
        Self { keys: Arc::new(RwLock::new(keys)), ..self }
    }

    /// Tokens for any audience, or none: also those that were made for another service.
    #[must_use]
    pub fn any_audience(self) -> Self {
        Self { audience: None, ..self }
    }

    /// Tokens need no `exp`. One that has none connects for ever.
    #[must_use]
    pub fn without_expiry(self) -> Self {
        Self { needs_expiry: false, ..self }
    }

    /// Tokens must name this issuer.
    #[must_use]
    pub fn issuer(mut self, issuer: impl Into<String>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// From now on this verifier, and every clone of it, checks with the keys of `fresh` alone. Keep a clone of what the gateway was
    /// built with, and keys rotate without a restart: first to a set with the old key and the new one, and without the old
    /// one when the tokens that it signed have expired. Audience, issuer and what else was asked for stay as they are.
    ///
    /// Who is connected stays until their token expires; what a key that is gone has signed neither connects nor refreshes.
    ///
    /// ```
    /// use fanfare_gateway::auth::{KeyError, TokenIssuer, Verifier};
    ///
    /// # fn main() -> Result<(), KeyError> {
    /// let (old, new) = (b"the-secret-of-last-year-32-bytes", b"the-secret-of-this-year-32-bytes");
    /// let verifier = Verifier::hs256(old, "web")?;
    /// let of_the_gateway = verifier.clone(); // Gateway::builder(..).tokens(of_the_gateway)
    ///
    /// let token = TokenIssuer::hs256(new, "web")?.connection("ann", &(), 2_000);
    /// assert!(of_the_gateway.verify(&token, 1_000).is_err());
    /// verifier.replace_keys(Verifier::hs256(new, "web")?.or_key(old)?);
    /// assert!(of_the_gateway.verify(&token, 1_000).is_ok());
    /// # Ok(())
    /// # }
    /// ```
    pub fn replace_keys(&self, fresh: Self) {
        // Not both locks at once: `fresh` may be a clone of this one.
        let keys = Arc::clone(&fresh.keys.read());
        *self.keys.write() = keys;
    }

    /// Checks a connection token at a time, in seconds since 1970.
    ///
    /// # Errors
    /// [`TokenError::Expired`] when it was or will be good at another time, [`TokenError::Invalid`] for everything else.
    pub fn verify(&self, token: &str, now: u64) -> Result<ConnectionClaims, TokenError> {
        let claims: ConnectionClaims = self.claims(token, now)?;
        if claims.channel.is_some() {
            return Err(TokenError::Invalid("it is for a subscription"));
        }
        Ok(claims)
    }

    pub(crate) fn subscription(&self, token: &str, now: u64) -> Result<SubscriptionClaims, TokenError> {
        self.claims(token, now)
    }

    fn claims<C: DeserializeOwned>(&self, token: &str, now: u64) -> Result<C, TokenError> {
        let invalid = TokenError::Invalid;
        let (signed, signature) = token.rsplit_once('.').ok_or(invalid("it has no three parts"))?;
        let (header, payload) = signed.split_once('.').ok_or(invalid("it has no three parts"))?;
        let header: Header = decode(header).ok_or(invalid("its header is not JSON in base64url"))?;
        if header.crit.is_some() {
            return Err(invalid("it has a critical extension"));
        }
        let signature =
            URL_SAFE_NO_PAD.decode(signature).map_err(|_| invalid("its signature is not base64url"))?;
        let is_signed =
            |key: &Key| key.algorithm().name() == header.alg && key.verifies(signed.as_bytes(), &signature);
        let keys = Arc::clone(&self.keys.read());
        if !keys.iter().any(is_signed) {
            return Err(invalid("no key and algorithm of ours made its signature"));
        }
        let payload = URL_SAFE_NO_PAD.decode(payload).map_err(|_| invalid("its claims are not base64url"))?;
        self.check(&payload, now)?;
        serde_json::from_slice(&payload).map_err(|_| invalid("its claims have other types"))
    }

    fn check(&self, payload: &[u8], now: u64) -> Result<(), TokenError> {
        let claims: Registered =
            serde_json::from_slice(payload).map_err(|_| TokenError::Invalid("its claims are not JSON"))?;
        if let Some(wanted) = &self.audience
            && !claims.aud.is_some_and(|audience| audience.contains(wanted))
        {
            return Err(TokenError::Invalid("it is for another audience"));
        }
        if self.issuer.is_some() && claims.iss != self.issuer {
            return Err(TokenError::Invalid("it is from another issuer"));
        }
        if self.needs_expiry && claims.exp.is_none() {
            return Err(TokenError::Invalid("it never expires"));
        }
        let now = now as f64;
        if claims.exp.is_some_and(|exp| exp <= now) || claims.nbf.is_some_and(|nbf| nbf > now) {
            return Err(TokenError::Expired);
        }
        Ok(())
    }
}

#[derive(Deserialize)]
struct Header {
    #[serde(default)]
    alg: String,
    #[serde(default)]
    crit: Option<serde::de::IgnoredAny>,
}

fn decode<T: DeserializeOwned>(part: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::TokenIssuer;
    use serde_json::{Value, json};

    const SECRET: &[u8] = b"0123456789abcdef0123456789abcdef";
    const OTHER: &[u8] = b"another-secret-another-secret-32";
    const NOW: u64 = 1_000;

    fn token(secret: &[u8], claims: &Value) -> String {
        TokenIssuer::hs256(secret, "web").unwrap().sign(claims)
    }

    fn verdict(token: &str) -> Result<String, TokenError> {
        Verifier::hs256(SECRET, "web").unwrap().verify(token, NOW).map(|claims| claims.user)
    }

    #[test]
    fn a_good_token_names_its_user() {
        assert_eq!(
            verdict(&token(SECRET, &json!({"sub": "ann", "aud": "web", "exp": 1001}))),
            Ok("ann".into())
        );
        assert_eq!(
            verdict(&token(SECRET, &json!({"sub": "ann", "aud": ["x", "web"], "exp": 1001}))),
            Ok("ann".into())
        );
    }

    #[test]
    fn expiry_and_audience_are_required() {
        for claims in [json!({"aud": "web"}), json!({"exp": 1001}), json!({"exp": 1001, "aud": "api"})] {
            assert!(matches!(verdict(&token(SECRET, &claims)), Err(TokenError::Invalid(_))), "{claims}");
        }
    }

    #[test]
    fn both_can_be_relaxed_and_a_weak_secret_be_asked_for() {
        let token = TokenIssuer {
            key: Key::weak(Algorithm::Hs256, b"x").unwrap(),
            ..TokenIssuer::hs256(SECRET, "").unwrap()
        };
        let (forever, other) = (json!({"sub": "ann"}), json!({"sub": "ann", "aud": "api", "exp": 999}));
        let strict = Verifier::weak(Algorithm::Hs256, b"x", "web").unwrap();
        assert!(strict.verify(&token.sign(&forever), NOW).is_err());
        let relaxed = strict.any_audience().without_expiry();
        assert_eq!(relaxed.verify(&token.sign(&forever), NOW).unwrap().user, "ann");
        assert_eq!(relaxed.verify(&token.sign(&other), NOW).unwrap_err(), TokenError::Expired);
        assert!(Verifier::weak(Algorithm::Es256, b"x", "web").is_err());
    }

    #[test]
    fn the_past_and_the_future_are_expired() {
        for claims in [json!({"aud": "web", "exp": 1000}), json!({"aud": "web", "exp": 1002, "nbf": 1001})] {
            assert_eq!(verdict(&token(SECRET, &claims)), Err(TokenError::Expired), "{claims}");
        }
    }

    #[test]
    fn the_header_does_not_choose_the_algorithm() {
        let claims = URL_SAFE_NO_PAD.encode(json!({"sub": "ann", "aud": "web", "exp": 1001}).to_string());
        for alg in ["none", "None", "HS384", "RS256", ""] {
            let header = URL_SAFE_NO_PAD.encode(json!({ "alg": alg }).to_string());
            let signed = format!("{header}.{claims}");
            let signature = URL_SAFE_NO_PAD
                .encode(Key::new(Algorithm::Hs256, SECRET).unwrap().sign(signed.as_bytes()).unwrap());
            for signature in [signature.as_str(), ""] {
                assert!(
                    matches!(verdict(&format!("{signed}.{signature}")), Err(TokenError::Invalid(_))),
                    "{alg}"
                );
            }
        }
    }

    #[test]
    fn the_previous_key_is_accepted_while_keys_rotate() {
        let old = token(OTHER, &json!({"sub": "ann", "aud": "web", "exp": 1001}));
        assert!(verdict(&old).is_err());
        let verifier = Verifier::hs256(SECRET, "web").unwrap().or_key(OTHER).unwrap();
        assert_eq!(verifier.verify(&old, NOW).unwrap().user, "ann");
    }

    #[test]
    fn replaced_keys_count_for_every_clone_and_nothing_else_changes() {
        let running = Verifier::hs256(SECRET, "web").unwrap().issuer("us");
        let ours = running.clone();
        let sign = |key, audience: &str| {
            token(key, &json!({"sub": "ann", "aud": audience, "iss": "us", "exp": 1001}))
        };
        assert!(running.verify(&sign(SECRET, "web"), NOW).is_ok());
        ours.replace_keys(Verifier::hs256(OTHER, "mobile").unwrap());
        assert!(running.verify(&sign(OTHER, "web"), NOW).is_ok());
        assert!(running.verify(&sign(SECRET, "web"), NOW).is_err());
        assert!(running.verify(&sign(OTHER, "mobile"), NOW).is_err());
        running.replace_keys(running.clone());
        assert!(running.verify(&sign(OTHER, "web"), NOW).is_ok());
        // One that is given a key more is another one.
        let both = running.clone().or_key(SECRET).unwrap();
        assert!(both.verify(&sign(SECRET, "web"), NOW).is_ok());
        assert!(running.verify(&sign(SECRET, "web"), NOW).is_err());
    }

    #[test]
    fn nonsense_is_invalid_and_says_why() {
        for bad in ["", "a", "a.b", "a.b.c", "..", "\u{1F600}.b.c"] {
            assert!(matches!(verdict(bad), Err(TokenError::Invalid(_))), "{bad}");
        }
    }

    #[test]
    fn a_subscription_token_does_not_connect() {
        let claims = json!({"sub": "ann", "aud": "web", "exp": 1001, "channel": "room:1"});
        assert!(matches!(verdict(&token(SECRET, &claims)), Err(TokenError::Invalid(_))));
    }

    #[test]
    fn a_short_secret_is_refused() {
        assert!(Verifier::hs256(b"secret", "web").unwrap_err().to_string().contains("at least 32"));
    }
}
