//! Random tokens, and what is kept of them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// A new token of 32 random bytes, as text for links and cookies.
pub(crate) fn token() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// A password that a person can type: 20 letters and digits in groups, about 100 bits.
pub(super) fn password() -> String {
    const SIGNS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567890";
    let signs = rand::random::<[u8; 20]>();
    let mut text = String::with_capacity(23);
    for (index, sign) in signs.iter().enumerate() {
        if index > 0 && index % 5 == 0 {
            text.push('-');
        }
        let sign = SIGNS.get(usize::from(sign % 32)).copied().unwrap_or(b'a');
        text.push(char::from(sign));
    }
    text
}

/// A password of [`password`]'s making as people type it: however they write its groups.
pub(super) fn typed(code: &str) -> String {
    code.chars().filter(|sign| sign.is_alphanumeric()).take(64).flat_map(char::to_lowercase).collect()
}

/// What is kept of a token.
pub(super) fn kept(token: &str) -> Vec<u8> {
    ring::digest::digest(&ring::digest::SHA256, token.as_bytes()).as_ref().to_vec()
}
