//! Signatures: which algorithms there are, and keys that know theirs.

use super::pem::{self, PublicKey};
use ring::{hmac, signature};

/// How tokens are signed. A verifier is given one; what a token's header says cannot change it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256: one secret signs and checks.
    Hs256,
    /// HMAC with SHA-384.
    Hs384,
    /// HMAC with SHA-512.
    Hs512,
    /// RSA (PKCS #1 v1.5) with SHA-256; keys of 2,048 to 8,192 bits.
    Rs256,
    /// RSA (PKCS #1 v1.5) with SHA-384.
    Rs384,
    /// RSA (PKCS #1 v1.5) with SHA-512.
    Rs512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519.
    EdDsa,
}

/// A key that cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// It can be guessed (RFC 7518, sections 3.2 and 3.3).
    #[error(
        "the key has {found} bytes; {algorithm} needs at least {needed}, for instance from `openssl rand -hex {needed}`"
    )]
    Weak {
        /// The algorithm's name.
        algorithm: &'static str,
        /// How many bytes it has.
        found: usize,
        /// How many it needs.
        needed: usize,
    },
    /// Not a public key in PEM.
    #[error("the key is not a public key in PEM (`-----BEGIN PUBLIC KEY-----`): {0}")]
    Malformed(&'static str),
    /// Not a set of public keys in JSON (RFC 7517).
    #[error("the key set cannot be used: {0}")]
    KeySet(String),
    /// A key for another algorithm.
    #[error("the key is {found}, which {algorithm} does not use")]
    OtherKind {
        /// The algorithm's name.
        algorithm: &'static str,
        /// What the key is.
        found: &'static str,
    },
}

impl Algorithm {
    /// The name in a token's header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }
}

/// A key together with the one algorithm that it is used for.
#[derive(Clone)]
pub(crate) struct Key {
    algorithm: Algorithm,
    material: Material,
}

#[derive(Clone)]
enum Material {
    Secret(hmac::Key),
    Public(&'static dyn signature::VerificationAlgorithm, Vec<u8>),
}

impl Key {
    /// A key from what the application was configured with: the secret's bytes for HMAC, PEM for the others.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Result<Self, KeyError> {
        let material = match algorithm {
            Algorithm::Hs256 => secret(algorithm, hmac::HMAC_SHA256, key)?,
            Algorithm::Hs384 => secret(algorithm, hmac::HMAC_SHA384, key)?,
            Algorithm::Hs512 => secret(algorithm, hmac::HMAC_SHA512, key)?,
            _ => public(algorithm, pem::read(key)?)?,
        };
        Ok(Self { algorithm, material })
    }

    /// A secret of any length.
    pub(crate) fn weak(algorithm: Algorithm, secret: &[u8]) -> Result<Self, KeyError> {
        let hash = match algorithm {
            Algorithm::Hs256 => hmac::HMAC_SHA256,
            Algorithm::Hs384 => hmac::HMAC_SHA384,
            Algorithm::Hs512 => hmac::HMAC_SHA512,
            _ => return Err(KeyError::Malformed("only HMAC has secrets")),
        };
        Ok(Self { algorithm, material: Material::Secret(hmac::Key::new(hash, secret)) })
    }

    /// A public key that was read already.
    pub(super) fn of_public(algorithm: Algorithm, key: PublicKey) -> Result<Self, KeyError> {
        Ok(Self { algorithm, material: public(algorithm, key)? })
    }

    pub(crate) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Secrets are compared in constant time.
    pub(crate) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match &self.material {
            Material::Secret(key) => hmac::verify(key, signed, signature).is_ok(),
            Material::Public(algorithm, key) => {
                signature::UnparsedPublicKey::new(*algorithm, key).verify(signed, signature).is_ok()
            }
        }
    }

    /// Signs; `None` when this is the half of a key that only checks.
    pub(crate) fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match &self.material {
            Material::Secret(key) => Some(hmac::sign(key, text).as_ref().to_vec()),
            Material::Public(..) => None,
        }
    }
}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.algorithm.name())
    }
}

fn secret(algorithm: Algorithm, hash: hmac::Algorithm, key: &[u8]) -> Result<Material, KeyError> {
    let (found, needed) = (key.len(), hash.digest_algorithm().output_len());
    if found < needed {
        return Err(KeyError::Weak { algorithm: algorithm.name(), found, needed });
    }
    Ok(Material::Secret(hmac::Key::new(hash, key)))
}

fn public(algorithm: Algorithm, key: PublicKey) -> Result<Material, KeyError> {
    use Algorithm as A;
    let (verification, bytes): (&'static dyn signature::VerificationAlgorithm, _) = match (algorithm, key) {
        (A::Rs256 | A::Rs384 | A::Rs512, PublicKey::Rsa(key)) => {
            // The modulus of a key of 2,048 bits alone has 256 bytes.
            if key.len() < 256 {
                return Err(KeyError::Weak { algorithm: algorithm.name(), found: key.len(), needed: 256 });
            }
            let verification = match algorithm {
                A::Rs384 => &signature::RSA_PKCS1_2048_8192_SHA384,
                A::Rs512 => &signature::RSA_PKCS1_2048_8192_SHA512,
                _ => &signature::RSA_PKCS1_2048_8192_SHA256,
            };
            (verification, key)
        }
        (A::Es256, PublicKey::P256(key)) => (&signature::ECDSA_P256_SHA256_FIXED, key),
        (A::Es384, PublicKey::P384(key)) => (&signature::ECDSA_P384_SHA384_FIXED, key),
        (A::EdDsa, PublicKey::Ed25519(key)) => (&signature::ED25519, key),
        (_, key) => return Err(KeyError::OtherKind { algorithm: algorithm.name(), found: key.kind() }),
    };
    Ok(Material::Public(verification, bytes))
}
