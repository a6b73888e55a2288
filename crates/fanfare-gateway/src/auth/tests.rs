//! Tokens that another implementation has signed (Node.js, with OpenSSL), one for each public-key algorithm.

use super::{Algorithm, KeyError, TokenError, Verifier};

/// Algorithm, public key, token for the audience "web" that is good until second 1,001.
const SIGNED: [(Algorithm, &str, &str); 6] = [
    (
        Algorithm::Rs256,
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAmH4CTAg4oeCUuHmTo180\njyVfbOLeS1vwY+08YxpuoB9D/3aDfB+0YqNS4jVag4x7yVNt5xbWl5RKv4S03a0q\ny+LNnBPq9u8782Oj947g+QXtptBio+x5dEBki2p/7U7OGEO02s/IdLaxKJwGTJ6X\nX53/g9VM4ngW7zmnFmcMdhkgpZA8HCHfCpOynDHpAqRzoYfuYHHvmrvgNBM8ZuzH\n9pLEWktb7i0p1uyHAOK4gXMCQJNlfe34zR5zQMgOSEHrP/6VwdsblLtZfmvqJkud\nVLuUW2b62gZSXjHNbBCpEwcMw7tdPVSYf3+TKp5mPgN3mDWYFTdjzfM7Uy02NdHk\n/QIDAQAB\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.YDq-HzV6vTe47GEDCB4p3WyZITd_N6BcTpWH3U1l4zyClSUw_TUwBPXDS7n-0CtRpyrmpERqUkU8Tfx_9TCQJ448Vknq0DWa3Uvnp_dMrjD33pJs4yV4YY7kJlyrWD60KURlBtiy4ojMOSK_-YWD0s_0XoZKxhtjNVG8-dGUjIXalBIjNYsMYB6w69VQuJb8ofAQCj4B5jrstf-fj7xEjItSvJWCGT3mlScAWCJzjrH--PKoI28t6STGrJLiaiUqZ7lZ77JNU6N6pSg4jT0FQfz1r16JugYvuOsmx1qJ-ubpi94NpZbnK1yKCdcsLO7-LmYAFBaGGS2k3VNSsqDC1Q",
    ),
    (
        Algorithm::Rs384,
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAuvambyUD0/E9JhLLh3Q3\n5XdnQbxAKvr9ki9lOco1QTKaC7axZHH5qbZYWgpCR+y5pEcJTslEfUIX+F5o+Etu\nxt6fy35a3+pl0c99b13GxzPikGv8m1zLntfMBxoWerqz97CMLVzYJg9+tR/CZRZS\nvJLzPDuvLQIocpt9QM38hTniEwyINw2C7M5KnZ0+dUSv0rkZ4OC7FgL79LcDKEPn\ntj3xpNAkE7z3ZsH9GvUGympkk7ZzE226sRN1GTs7qCc7eGG/JFzGWu29OW/BOECg\nMaFoGd312NVLDeFaBMUjh5OPJozUkLb7mURTLuwryU1wAbGlgrqpSlTk170bvHHj\nmwIDAQAB\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJSUzM4NCJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.GOIqByoshwFVNNyGRupI5bB00uVvOAedvQ5rSZyQJq_5ihFXCmWljBchtvDkuoS9_q4k17c_Pf5MgcxKINjicnfPi6LvFpoFt-Z1-48qi3HaC2zhGvaGKWUu5fJMyYU9hSZgXMFHgs7dkIRPkccrwazKcFRgcXZ4SPrNLe0H_UI8TJ6WU7TGG68_sXotRw9XhBWG3WoCo8Vv8zyWLsmA31ga5PSWbrMH7u1ohUN-q9NjfDTnPXCZNiP-HnmK6vj9BvUKvJl8wrtT_UuTY2kjzX_Rm0mKzyCm7kMJJvmyv7Zpa3sJqXwfv_6lQpuLUYmxhR-EX2cwDRpUfoImd6magQ",
    ),
    (
        Algorithm::Rs512,
        "-----BEGIN PUBLIC KEY-----\nMIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtLzeoAHuygT4p3buW1Lo\naiA0KZdMLrZQXMO0ZcrOROY1B8pbmE1iu6Mx8yBb1jYN7mhBcDg9lplOKYk+wmws\nkyK58gxfjZe3kH8DH1vq7ibZxEnLYwE8+OKe3XtUXop5J2MGo6gem3q3zdFuFcVF\nHJpMu1D1owm8QXzDlzILil9yk6tOm//wDxIhWAuTlceh8zDeQz7DC5ZxQAZmn3n8\n+yFbsqPG0XGp4pOZGv93Rzq+RqOTjYBAoo4nbit/Tp+KgQttG/ZI+GjKdiH7GBVz\nk44vV+1Q7bkpSDZD/nD+hz1Xcarrx1gTsNx9MLLku71yHqmcTcG7bpaBP0M4FZCz\njwIDAQAB\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJSUzUxMiJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.Z_NIP1JTHIDI7rbtGG671NhP7ZencHqcq0JQ_FrQVaqs7VED4_FF-gebPsPifrBQ8yfcbuSGCRTTMIz2S0Sjog4oAgK72kdAYMjtqpVWpioWDSZ9NNx9Extr2iSuRbQ6WPtveeSCuTpICoI6cqBSvUvdySOuj79zGLZ1AyrGJMActsvjem-sXzLHx4GDPyLtsigSjupDe2jHm99fpSKvKvLJjZJEMAn0gNWi1ViY-rHQRtFJP3V80-xSU-0NPZhucSGdvUWkTjnR28NCOucyjlMpOt5GOSBYHaK5-tS_APvqt9vu67CH2oSzSUxGHNWd_Wb6DN8f5SRqQEl5v4tdSQ",
    ),
    (
        Algorithm::Es256,
        "-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEmf8bRdjAIkR0barZvOhw5mHeJ6FK\naRAhArGEmLOzGcEh1gfka/VG5aDW6lMUw76bfIogM6t54nWF74/UQKb1pA==\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJFUzI1NiJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.xMy1uBIYQY9FwBwDicbv6Z1yY7BXkpybMua-8tcUKd5XobZ5QcXiYcwmI_WE6XgrpbVG40yOGI5UiBRy2d2orQ",
    ),
    (
        Algorithm::Es384,
        "-----BEGIN PUBLIC KEY-----\nMHYwEAYHKoZIzj0CAQYFK4EEACIDYgAEPEWznSmfKNOSuxWhSYmVJ0Re5VZEFDKe\ng/fgsQtSzpLr+7QOwIfrUrJonnFr/8V7Yz/qyGGXb+TwSZoFFMv2sH8t/G3sByGJ\n3uK+ecp2b675JwSFD2qU5L1LLkIa5u0T\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJFUzM4NCJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.JZqWaqYUv_I1iRsEKdMqKJQtpu4nkcgu_ahnT_CGN5Z0oLc_zSIwpMB5MdWWZznIvkEi5t2v4xgY_OosjucfRRMZhLcEEokLqNAkxFoRwkPVstS5Dz6jZ4T4mdV3UROz",
    ),
    (
        Algorithm::EdDsa,
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAcOboayFI5PMXMU9r8HDJckPGVSfHPw97aFJGlZ7OHbI=\n-----END PUBLIC KEY-----",
        "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbm4iLCJhdWQiOiJ3ZWIiLCJleHAiOjEwMDF9.ADNaHyfORfUTcnJjX1qopjTW0NGprZO4BOcaeu263dI4NZW2SYN-rB600jyzNvc0c7fv5-KOLc3-plAQl6I3CA",
    ),
];

#[test]
fn tokens_of_every_public_key_algorithm_are_checked() {
    for (algorithm, key, token) in SIGNED {
        let verifier = Verifier::new(algorithm, key.as_bytes(), "web").unwrap();
        assert_eq!(verifier.verify(token, 1_000).unwrap().user, "ann", "{algorithm:?}");
        assert_eq!(verifier.verify(token, 1_001).unwrap_err(), TokenError::Expired, "{algorithm:?}");
        let mut forged = token.to_owned().into_bytes();
        let last = forged.len() - 10;
        forged[last] = if forged[last] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(forged).unwrap();
        assert!(matches!(verifier.verify(&forged, 1_000), Err(TokenError::Invalid(_))), "{algorithm:?}");
    }
}

#[test]
fn a_public_key_is_never_taken_for_a_secret() {
    // The classic confusion: a token signed by HMAC with the public key's own text as the secret.
    let (algorithm, key, _) = SIGNED[0];
    let verifier = Verifier::new(algorithm, key.as_bytes(), "web").unwrap();
    let issuer = super::TokenIssuer::hs256(key.as_bytes(), "web").unwrap();
    let token = issuer.connection("ann", &(), 1_001);
    assert!(matches!(verifier.verify(&token, 1_000), Err(TokenError::Invalid(_))));
}

#[test]
fn a_key_for_another_algorithm_is_refused_by_name() {
    for (algorithm, _, _) in SIGNED {
        for (other, key, _) in SIGNED {
            let is_rsa = |algorithm: Algorithm| algorithm.name().starts_with("RS");
            let made = Verifier::new(algorithm, key.as_bytes(), "web");
            if algorithm == other || is_rsa(algorithm) && is_rsa(other) {
                assert!(made.is_ok(), "{algorithm:?} {other:?}");
            } else {
                assert!(matches!(made, Err(KeyError::OtherKind { .. })), "{algorithm:?} {other:?}");
            }
        }
    }
}

#[test]
fn what_is_no_public_key_is_refused_with_the_reason() {
    for (bad, words) in [
        ("secret", "no BEGIN line"),
        ("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----", "private key"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----", "no key that is known"),
        ("-----BEGIN PUBLIC KEY-----\n?\n-----END PUBLIC KEY-----", "not base64"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----", "something else"),
    ] {
        let error = Verifier::new(Algorithm::Es256, bad.as_bytes(), "web").unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_cut_key_is_refused_and_nothing_panics() {
    for (algorithm, key, _) in SIGNED {
        for len in 0..key.len() {
            let _ = Verifier::new(algorithm, &key.as_bytes()[..len], "web");
        }
    }
}
