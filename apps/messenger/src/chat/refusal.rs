//! What an RPC is refused with.

use crate::db::DbError;
use crate::model::ModelError;
use fanfare_gateway::ErrorReply;
use std::time::Duration;

/// A refusal, as the client sees it.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) ErrorReply);

impl Refusal {
    pub(super) fn invalid(words: &'static str) -> Self {
        Self(ErrorReply::new(400, words))
    }

    pub(super) fn forbidden(words: &'static str) -> Self {
        Self(ErrorReply::new(403, words))
    }

    /// Also for what exists and must not be seen.
    pub(super) fn missing() -> Self {
        Self(ErrorReply::new(404, "there is no such thing here"))
    }

    pub(super) fn conflict(words: &'static str) -> Self {
        Self(ErrorReply::new(409, words))
    }

    pub(super) fn too_long(words: String) -> Self {
        Self(ErrorReply::new(413, words))
    }

    pub(super) fn too_many(wait: Duration) -> Self {
        Self(ErrorReply::new(429, format!("too fast; try again in {} ms", wait.as_millis() + 1)).temporary())
    }

    pub(super) fn not_yet(words: &'static str) -> Self {
        Self(ErrorReply::new(501, words))
    }

    pub(super) fn late() -> Self {
        Self(ErrorReply::new(504, "it took too long; it may have happened, ask again").temporary())
    }

    pub(super) fn internal(error: &dyn std::fmt::Display) -> Self {
        tracing::error!(%error, "a call failed");
        Self(ErrorReply::INTERNAL)
    }
}

impl From<Refusal> for ErrorReply {
    fn from(refusal: Refusal) -> Self {
        refusal.0
    }
}

impl From<DbError> for Refusal {
    fn from(error: DbError) -> Self {
        Self::internal(&error)
    }
}

impl From<rusqlite::Error> for Refusal {
    fn from(error: rusqlite::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<fanfare_core::Error> for Refusal {
    fn from(error: fanfare_core::Error) -> Self {
        Self::internal(&error)
    }
}

impl From<ModelError> for Refusal {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Late => Self::late(),
            error => Self::internal(&error),
        }
    }
}
