//! Public keys out of PEM: SubjectPublicKeyInfo (RFC 5280, section 4.1), or a bare RSA key.

use super::algorithm::KeyError;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// A public key, as the bytes that checking needs.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PublicKey {
    /// `RSAPublicKey` in DER.
    Rsa(Vec<u8>),
    /// An uncompressed point.
    P256(Vec<u8>),
    /// An uncompressed point.
    P384(Vec<u8>),
    Ed25519(Vec<u8>),
}

impl PublicKey {
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Rsa(_) => "an RSA key",
            Self::P256(_) => "a key on the curve P-256",
            Self::P384(_) => "a key on the curve P-384",
            Self::Ed25519(_) => "an Ed25519 key",
        }
    }
}

const SEQUENCE: u8 = 0x30;
const OBJECT_ID: u8 = 0x06;
const BIT_STRING: u8 = 0x03;

const RSA: &[u8] = &[0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01];
const EC: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01];
const P256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const P384: &[u8] = &[0x2b, 0x81, 0x04, 0x00, 0x22];
const ED25519: &[u8] = &[0x2b, 0x65, 0x70];

pub(super) fn read(pem: &[u8]) -> Result<PublicKey, KeyError> {
    let malformed = KeyError::Malformed;
    let text = std::str::from_utf8(pem).map_err(|_| malformed("it is not text"))?;
    let (_, rest) = text.split_once("-----BEGIN ").ok_or(malformed("it has no BEGIN line"))?;
    let (label, rest) = rest.split_once("-----").ok_or(malformed("its BEGIN line does not end"))?;
    let (body, _) = rest.split_once("-----END ").ok_or(malformed("it has no END line"))?;
    let body: String = body.split_whitespace().collect();
    let der = STANDARD.decode(body).map_err(|_| malformed("what it holds is not base64"))?;
    match label {
        "PUBLIC KEY" => {
            subject_public_key(&der).ok_or(malformed("what it holds is no key that is known here"))
        }
        "RSA PUBLIC KEY" => Ok(PublicKey::Rsa(der)),
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            Err(malformed("it is a private key, which has no business here; give the public half"))
        }
        _ => Err(malformed("it is something else")),
    }
}

/// `SEQUENCE { SEQUENCE { algorithm, parameters }, BIT STRING key }`
fn subject_public_key(der: &[u8]) -> Option<PublicKey> {
    let (all, _) = element(der, SEQUENCE)?;
    let (kind, rest) = element(all, SEQUENCE)?;
    let (algorithm, parameters) = element(kind, OBJECT_ID)?;
    let (bits, _) = element(rest, BIT_STRING)?;
    // The first byte says how many bits of the last one are unused: none.
    let key = bits.strip_prefix(&[0])?.to_vec();
    match algorithm {
        RSA => Some(PublicKey::Rsa(key)),
        ED25519 => Some(PublicKey::Ed25519(key)),
        EC => match element(parameters, OBJECT_ID)?.0 {
            P256 => Some(PublicKey::P256(key)),
            P384 => Some(PublicKey::P384(key)),
            _ => None,
        },
        _ => None,
    }
}

/// The content of a DER element of this type, and what follows it.
fn element(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = der.split_first()?;
    let (&first, mut rest) = rest.split_first()?;
    let mut len = usize::from(first);
    if first & 0x80 != 0 {
        let count = usize::from(first & 0x7f);
        let (bytes, after) = rest.split_at_checked(count).filter(|_| (1..=4).contains(&count))?;
        len = bytes.iter().fold(0, |len, byte| len << 8 | usize::from(*byte));
        rest = after;
    }
    if found == tag { rest.split_at_checked(len) } else { None }
}
