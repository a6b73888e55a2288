//! Who is signed in. There are no accounts: a person is a name that somebody chose, with a number behind it.

use anyhow::Result;
use fanfare_gateway::auth::{TokenIssuer, Verifier};
use fanfare_gateway::{Caller, Json};
use serde::{Deserialize, Serialize};
use std::time::{SystemTime, UNIX_EPOCH};

/// Signs people in: a session for their browser to keep, and short tokens for their connections.
#[derive(Debug)]
pub(crate) struct People {
    sessions: TokenIssuer,
    session_check: Verifier,
    connections: TokenIssuer,
    connection_check: Verifier,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Person {
    pub(crate) user: String,
    pub(crate) name: String,
}

#[derive(Serialize, Deserialize)]
struct Info {
    name: String,
}

/// Audiences keep the two kinds of token apart: a session does not connect, a connection's token does not sign in.
const SESSION: &str = "messenger/session";
const CONNECTION: &str = "messenger/connection";

/// How long a browser stays signed in, in seconds.
pub(crate) const SESSION_SECONDS: u64 = 30 * 24 * 3600;

/// How long a connection's token lasts, in seconds; the page asks for the next one by itself.
const CONNECTION_SECONDS: u64 = 10 * 60;

/// The longest name, in characters.
const NAME_LEN_MAX: usize = 40;

impl People {
    pub(crate) fn new(secret: &[u8]) -> Result<Self> {
        Ok(Self {
            sessions: TokenIssuer::hs256(secret, SESSION)?,
            session_check: Verifier::hs256(secret, SESSION)?,
            connections: TokenIssuer::hs256(secret, CONNECTION)?,
            connection_check: Verifier::hs256(secret, CONNECTION)?,
        })
    }

    /// What the gateway checks connections' tokens with.
    pub(crate) fn connection_check(&self) -> Verifier {
        self.connection_check.clone()
    }

    /// A new person of this name.
    pub(crate) fn sign_in(&self, name: &str) -> Result<Person, String> {
        let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
        if name.is_empty() {
            return Err("Please enter a name.".into());
        }
        if name.chars().count() > NAME_LEN_MAX || name.chars().any(char::is_control) {
            return Err(format!("A name has at most {NAME_LEN_MAX} characters, on one line."));
        }
        Ok(Person { user: uuid::Uuid::new_v4().to_string(), name })
    }

    pub(crate) fn session(&self, person: &Person) -> String {
        let info = Info { name: person.name.clone() };
        self.sessions.connection(&person.user, &info, now() + SESSION_SECONDS)
    }

    pub(crate) fn of_session(&self, session: &str) -> Option<Person> {
        let claims = self.session_check.verify(session, now()).ok()?;
        Some(Person { name: name(claims.info.as_ref())?, user: claims.user })
    }

    pub(crate) fn connection_token(&self, person: &Person) -> String {
        let info = Info { name: person.name.clone() };
        self.connections.connection(&person.user, &info, now() + CONNECTION_SECONDS)
    }
}

impl Person {
    /// Who a connection belongs to, by its token.
    pub(crate) fn of(caller: &Caller) -> Option<Self> {
        Some(Self { name: name(caller.info.as_ref())?, user: caller.user.clone() })
    }
}

fn name(info: Option<&Json>) -> Option<String> {
    serde_json::from_str::<Info>(info?.as_str()).ok().map(|info| info.name)
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        People::new(&[7; 32]).unwrap()
    }

    #[test]
    fn a_session_says_who_it_is_and_only_under_its_own_secret() {
        let ann = people().sign_in("  Ann   Lee ").unwrap();
        assert_eq!(ann.name, "Ann Lee");
        let session = people().session(&ann);
        assert_eq!(people().of_session(&session), Some(ann));
        assert_eq!(People::new(&[8; 32]).unwrap().of_session(&session), None);
    }

    #[test]
    fn a_connections_token_does_not_sign_in() {
        let ann = people().sign_in("Ann").unwrap();
        assert_eq!(people().of_session(&people().connection_token(&ann)), None);
    }

    #[test]
    fn names_are_short_lines() {
        for bad in ["", "   ", &"x".repeat(41), "a\u{7}b"] {
            assert!(people().sign_in(bad).is_err(), "{bad:?}");
        }
    }
}
