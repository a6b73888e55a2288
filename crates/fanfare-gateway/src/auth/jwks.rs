//! Public keys out of a JSON Web Key Set (RFC 7517), with the parameters of RFC 7518, section 6, and RFC 8037.

use super::algorithm::{Algorithm, Key, KeyError};
use super::pem::PublicKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

#[derive(Deserialize)]
struct Set {
    keys: Vec<Jwk>,
}

#[derive(Deserialize)]
struct Jwk {
    kty: String,
    #[serde(default, rename = "use")]
    purpose: Option<String>,
    #[serde(default)]
    alg: Option<String>,
    #[serde(default)]
    kid: Option<String>,
    #[serde(default)]
    crv: Option<String>,
    #[serde(default)]
    x: Option<String>,
    #[serde(default)]
    y: Option<String>,
    #[serde(default)]
    n: Option<String>,
    #[serde(default)]
    e: Option<String>,
    #[serde(default)]
    d: Option<serde::de::IgnoredAny>,
}

/// The keys of a set that check signatures; those for encryption are passed by.
pub(super) fn read(set: &[u8]) -> Result<Vec<Key>, KeyError> {
    let set: Set = serde_json::from_slice(set).map_err(|error| KeyError::KeySet(error.to_string()))?;
    let for_signatures = set.keys.iter().filter(|key| key.purpose.as_deref() != Some("enc"));
    let keys: Vec<Key> = for_signatures.map(key).collect::<Result<_, _>>()?;
    if keys.is_empty() {
        return Err(KeyError::KeySet("it holds no key for signatures".into()));
    }
    Ok(keys)
}

fn key(jwk: &Jwk) -> Result<Key, KeyError> {
    let say = |what: &str| {
        KeyError::KeySet(format!("the key `{}` {what}", jwk.kid.as_deref().unwrap_or("(without kid)")))
    };
    if jwk.d.is_some() {
        return Err(say("is private, which has no business here; give the public half"));
    }
    let part = |name: &str, value: &Option<String>| {
        let bytes = value.as_ref().and_then(|text| URL_SAFE_NO_PAD.decode(text).ok());
        bytes.ok_or_else(|| say(&format!("has no `{name}` in base64url")))
    };
    let (default, public) = match (jwk.kty.as_str(), jwk.crv.as_deref()) {
        ("RSA", _) => (None, PublicKey::Rsa(rsa(&part("n", &jwk.n)?, &part("e", &jwk.e)?))),
        ("EC", Some("P-256")) => {
            (Some(Algorithm::Es256), PublicKey::P256(point(&part("x", &jwk.x)?, &part("y", &jwk.y)?)))
        }
        ("EC", Some("P-384")) => {
            (Some(Algorithm::Es384), PublicKey::P384(point(&part("x", &jwk.x)?, &part("y", &jwk.y)?)))
        }
        ("OKP", Some("Ed25519")) => (Some(Algorithm::EdDsa), PublicKey::Ed25519(part("x", &jwk.x)?)),
        _ => return Err(say("is of a kind that is not known here; RSA, P-256, P-384 and Ed25519 are")),
    };
    let algorithm = match jwk.alg.as_deref() {
        None => default.ok_or_else(|| say("is RSA and names no `alg`: RS256, RS384 or RS512"))?,
        Some("RS256") => Algorithm::Rs256,
        Some("RS384") => Algorithm::Rs384,
        Some("RS512") => Algorithm::Rs512,
        Some("ES256") => Algorithm::Es256,
        Some("ES384") => Algorithm::Es384,
        Some("EdDSA" | "Ed25519") => Algorithm::EdDsa,
        Some(other) => return Err(say(&format!("is for `{other}`, which is not known here"))),
    };
    Key::of_public(algorithm, public)
}

/// An uncompressed point.
fn point(x: &[u8], y: &[u8]) -> Vec<u8> {
    [&[4], x, y].concat()
}

/// `RSAPublicKey` in DER (RFC 8017, appendix A.1.1).
fn rsa(n: &[u8], e: &[u8]) -> Vec<u8> {
    element(0x30, &[integer(n), integer(e)].concat())
}

/// Unsigned, so that a leading zero stands before a high bit.
fn integer(bytes: &[u8]) -> Vec<u8> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let bytes = bytes.get(zeros..).unwrap_or_default();
    let sign: &[u8] = if bytes.first().is_none_or(|byte| byte & 0x80 != 0) { &[0] } else { &[] };
    element(0x02, &[sign, bytes].concat())
}

fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let len = content.len().to_be_bytes();
    let zeros = len.iter().take_while(|byte| **byte == 0).count();
    let len = len.get(zeros..).unwrap_or_default();
    let head = match content.len() {
        short @ 0..0x80 => vec![tag, u8::try_from(short).unwrap_or(0)],
        _ => [&[tag, 0x80 | u8::try_from(len.len()).unwrap_or(8)], len].concat(),
    };
    [head, content.to_vec()].concat()
}
