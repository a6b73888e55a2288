//! Who a connection is: JSON Web Tokens, checked with one pinned algorithm.
//!
//! The header of a token never chooses how it is checked: a [`Verifier`] knows its algorithm, and a token that names
//! another one is invalid. Signature first, then audience and issuer, then the times.

mod algorithm;
mod claims;
mod issuer;
mod jwks;
mod pem;
#[cfg(test)]
mod tests;
mod verifier;

pub use algorithm::{Algorithm, KeyError};
pub use claims::ConnectionClaims;
pub use issuer::TokenIssuer;
pub use verifier::{TokenError, Verifier};

pub(crate) use claims::SubscriptionClaims;
