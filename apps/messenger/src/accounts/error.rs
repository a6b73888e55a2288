//! What can be wrong, as the page branches on it.

use crate::db::DbError;

/// Why something about accounts was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Not a name.
    #[error("a name is 1 to 32 letters, digits, `-`, `_` or `.`")]
    Name,
    /// Not a password.
    #[error("a password has 8 to 256 characters")]
    Password,
    /// Somebody has that name.
    #[error("that name is taken")]
    Taken,
    /// Nobody may sign up.
    #[error("sign-up is closed; ask the administrator")]
    Closed,
    /// No invitation, or not a valid one.
    #[error("this needs an invitation that was not used and has not run out")]
    Invitation,
    /// Wrong name or password.
    #[error("the name or the password is wrong")]
    Credentials,
    /// Too many attempts.
    #[error("too many attempts; try again in {0} s")]
    TooMany(u64),
    /// Not signed in.
    #[error("sign in first")]
    SignedOut,
    /// The first password must be replaced first.
    #[error("choose a password of your own first")]
    MustChange,
    /// Not theirs to do.
    #[error("only an administrator may do this")]
    Forbidden,
    /// No such person.
    #[error("there is no such person")]
    Unknown,
    /// Nobody would be left to administer.
    #[error("this is the last administrator")]
    LastAdmin,
    /// Not a valid reset.
    #[error("this link was used, has run out, or was never made")]
    Reset,
    /// The database failed.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<rusqlite::Error> for AccountError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}

impl AccountError {
    /// The word for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Password => "password",
            Self::Taken => "taken",
            Self::Closed => "closed",
            Self::Invitation => "invitation",
            Self::Credentials => "credentials",
            Self::TooMany(_) => "too_many",
            Self::SignedOut => "signed_out",
            Self::MustChange => "must_change",
            Self::Forbidden => "forbidden",
            Self::Unknown => "unknown",
            Self::LastAdmin => "last_admin",
            Self::Reset => "reset",
            Self::Db(_) => "internal",
        }
    }
}
