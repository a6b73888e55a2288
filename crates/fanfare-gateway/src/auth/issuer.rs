//! Making tokens, for applications that sign their users in themselves.

use super::algorithm::{Algorithm, Key, KeyError};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde_json::json;

/// Signs tokens that a [`super::Verifier`] with the same secret and audience accepts.
#[derive(Clone, Debug)]
pub struct TokenIssuer {
    pub(super) key: Key,
    pub(super) audience: String,
}

impl TokenIssuer {
    /// Signs with HMAC-SHA256.
    ///
    /// # Errors
    /// When the secret has fewer than 32 bytes.
    pub fn hs256(secret: &[u8], audience: impl Into<String>) -> Result<Self, KeyError> {
        Ok(Self { key: Key::new(Algorithm::Hs256, secret)?, audience: audience.into() })
    }

    /// A connection token for this user, with what others may see of them, until the given second since 1970.
    #[must_use]
    pub fn connection(&self, user: &str, info: &impl Serialize, expires_at: u64) -> String {
        self.sign(&json!({ "sub": user, "info": info, "aud": self.audience, "exp": expires_at }))
    }

    /// A subscription token: this user may have this channel until the given second since 1970.
    #[must_use]
    pub fn subscription(&self, user: &str, channel: &str, expires_at: u64) -> String {
        self.sign(&json!({ "sub": user, "channel": channel, "aud": self.audience, "exp": expires_at }))
    }

    /// A token with any claims.
    #[must_use]
    pub fn sign(&self, claims: &serde_json::Value) -> String {
        let header = json!({ "alg": self.key.algorithm().name(), "typ": "JWT" }).to_string();
        let signed =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let signature = self.key.sign(signed.as_bytes()).expect("an issuer holds a key that signs");
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}
