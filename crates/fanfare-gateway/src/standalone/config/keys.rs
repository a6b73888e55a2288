//! How tokens are checked.

use super::check::Findings;
use super::file::Tokens;
use super::mistake::nearest;
use super::value::Secret;
use crate::auth::{Algorithm, KeyError, Verifier};
use std::path::Path;
use toml::Spanned;

/// Secrets that count before the file's.
const HMAC_KEY: &str = "FANFARE_GATEWAY_HMAC_KEY";
const HMAC_KEY_PREVIOUS: &str = "FANFARE_GATEWAY_HMAC_KEY_PREVIOUS";

/// What `algorithm` may be.
const ALGORITHMS: [(&str, Algorithm); 9] = [
    ("HS256", Algorithm::Hs256),
    ("HS384", Algorithm::Hs384),
    ("HS512", Algorithm::Hs512),
    ("RS256", Algorithm::Rs256),
    ("RS384", Algorithm::Rs384),
    ("RS512", Algorithm::Rs512),
    ("ES256", Algorithm::Es256),
    ("ES384", Algorithm::Es384),
    ("EdDSA", Algorithm::EdDsa),
];

pub(super) fn verifier(
    tokens: Option<&Spanned<Tokens>>,
    environment: &dyn Fn(&str) -> Option<String>,
    findings: &mut Findings<'_>,
) -> Option<Verifier> {
    let section = tokens?;
    let tokens = section.get_ref();
    let audience = audience(section, findings);
    let mut verifier = match &tokens.jwks {
        Some(jwks) => of_jwks(jwks, tokens, &audience, findings),
        None => of_key(section, &audience, environment, findings),
    }?;
    if tokens.require_audience == Some(false) {
        findings
            .warnings
            .push("tokens for any audience are accepted, also those made for another service".into());
        verifier = verifier.any_audience();
    }
    if tokens.require_expiry == Some(false) {
        findings.warnings.push("tokens that never expire are accepted: who steals one keeps it".into());
        verifier = verifier.without_expiry();
    }
    if let Some(issuer) = &tokens.issuer {
        verifier = verifier.issuer(issuer);
    }
    Some(verifier)
}

fn audience(section: &Spanned<Tokens>, findings: &mut Findings<'_>) -> String {
    let tokens = section.get_ref();
    let is_required = tokens.require_audience != Some(false);
    match &tokens.audience {
        None if is_required => findings.at(
            section.span(),
            "give the audience that tokens must name (their `aud`), or say require_audience = false",
        ),
        Some(audience) if !is_required => {
            findings.at(
                audience.span(),
                "with require_audience = false no audience is looked at: say one of them",
            );
        }
        _ => {}
    }
    tokens.audience.as_ref().map(|audience| audience.get_ref().clone()).unwrap_or_default()
}

fn of_key(
    section: &Spanned<Tokens>,
    audience: &str,
    environment: &dyn Fn(&str) -> Option<String>,
    findings: &mut Findings<'_>,
) -> Option<Verifier> {
    let tokens = section.get_ref();
    let algorithm = algorithm(tokens, findings)?;
    let is_hmac = algorithm.name().starts_with("HS");
    let (current, previous) = if is_hmac {
        if let Some(path) = &tokens.public_key {
            findings.at(path.span(), format!("{} has no public key but an hmac_key", algorithm.name()));
        }
        let secret = |name: &str, given: &Option<Spanned<Secret>>| {
            let bytes = environment(name).or_else(|| Some(given.as_ref()?.get_ref().reveal().to_owned()));
            bytes.map(String::into_bytes)
        };
        (secret(HMAC_KEY, &tokens.hmac_key), secret(HMAC_KEY_PREVIOUS, &tokens.hmac_key_previous))
    } else {
        if let Some(key) = &tokens.hmac_key {
            findings.at(key.span(), format!("{} has no hmac_key but a public_key", algorithm.name()));
        }
        let mut pem = |path: &Option<Spanned<std::path::PathBuf>>| read(path.as_ref()?, findings);
        (pem(&tokens.public_key), pem(&tokens.public_key_previous))
    };
    let Some(current) = current else {
        let words = match (is_hmac, &tokens.public_key) {
            (true, _) => format!("give the hmac_key, here or as {HMAC_KEY} in the environment"),
            (false, None) => "give the public_key: a PEM file".to_owned(),
            // Said already.
            (false, Some(_)) => return None,
        };
        findings.at(section.span(), words);
        return None;
    };
    let span = match (is_hmac, &tokens.hmac_key, &tokens.public_key) {
        (true, Some(key), _) => key.span(),
        (false, _, Some(path)) => path.span(),
        _ => section.span(),
    };
    let made = match Verifier::new(algorithm, &current, audience) {
        Err(error @ KeyError::Weak { .. }) if is_hmac && !current.is_empty() => {
            findings.warnings.push(format!("tokens can be forged by guessing: {error}"));
            Verifier::weak(algorithm, &current, audience)
        }
        made => made,
    };
    let made = made.and_then(|verifier| match &previous {
        Some(key) if is_hmac => verifier.or_weak_key(key),
        Some(key) => verifier.or_key(key),
        None => Ok(verifier),
    });
    made.map_err(|error| findings.at(span, error.to_string())).ok()
}

fn algorithm(tokens: &Tokens, findings: &mut Findings<'_>) -> Option<Algorithm> {
    let Some(given) = &tokens.algorithm else { return Some(Algorithm::Hs256) };
    let found = ALGORITHMS.iter().find(|(name, _)| name == given.get_ref());
    if found.is_none() {
        let names = ALGORITHMS.map(|(name, _)| name);
        let meant = match nearest(given.get_ref(), &names) {
            Some(nearest) => format!("; did you mean `{nearest}`?"),
            None => ";".to_owned(),
        };
        let words =
            format!("there is no value `{}`{meant} Allowed here: {}", given.get_ref(), names.join(", "));
        findings.at(given.span(), words);
    }
    found.map(|(_, algorithm)| *algorithm)
}

fn of_jwks(
    jwks: &Spanned<std::path::PathBuf>,
    tokens: &Tokens,
    audience: &str,
    findings: &mut Findings<'_>,
) -> Option<Verifier> {
    let others = [
        tokens.algorithm.as_ref().map(Spanned::span),
        tokens.hmac_key.as_ref().map(Spanned::span),
        tokens.public_key.as_ref().map(Spanned::span),
    ];
    for span in others.into_iter().flatten() {
        findings.at(span, "the keys of a jwks file know their algorithms: leave this out");
    }
    let set = read(jwks, findings)?;
    Verifier::jwks(&set, audience).map_err(|error| findings.at(jwks.span(), error.to_string())).ok()
}

fn read(path: &Spanned<impl AsRef<Path>>, findings: &mut Findings<'_>) -> Option<Vec<u8>> {
    let file = path.get_ref().as_ref();
    let say = |error: std::io::Error| format!("failed to read {}: {error}", file.display());
    std::fs::read(file).map_err(|error| findings.at(path.span(), say(error))).ok()
}
