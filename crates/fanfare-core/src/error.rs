//! The error of transports and everything that calls them.

use std::{error::Error as StdError, fmt};

/// What kind of failure it is; callers decide on this, never on the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The caller's input is wrong: a bad name, a missing key, a payload that does not encode.
    Invalid,
    /// Larger than the transport takes.
    TooLarge,
    /// The expected revision is not the newest one, or an idempotency key came with another payload.
    Conflict,
    /// No space: on the disk, among delayed events, behind held keys. Nothing was written. It stays so until somebody makes room.
    Full,
    /// Too much is under way: before the writer, or in memory. Nothing was written. It passes as work goes on.
    Busy,
    /// It is not known whether the event became durable; publish again with the same id.
    Unknown,
    /// The server cannot be reached now.
    Unavailable,
    /// A deadline passed.
    Timeout,
    /// A settlement with the token of an earlier attempt or lease.
    Stale,
    /// The transport does not do this; the text names what it does not do.
    Unsupported,
    /// The application's plan was refused; see [`crate::Refusals`].
    Refused,
    /// No such group, record or dead letter.
    NotFound,
    /// A position of another epoch.
    OtherEpoch,
    /// Another process owns the folder.
    InUse,
    /// The folder was written by a newer version.
    NewerFormat,
    /// Stored bytes are damaged.
    Corrupt,
    /// The operating system reported an error.
    Io,
    /// The transport is closed or was poisoned by an earlier failure.
    Closed,
}

/// A failed operation: what failed, where, and what to do about it.
pub struct Error(Box<Parts>);

/// Boxed, since most results are no errors and are moved about in batches.
struct Parts {
    kind: ErrorKind,
    text: String,
    context: Vec<(&'static str, String)>,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error whose text follows "failed to ..." or stands alone, and says what to do if there is something.
    pub fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self(Box::new(Parts { kind, text: text.into(), context: Vec::new(), source: None }))
    }

    /// Adds where it happened: `topic`, `group`, `transport`.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.0.context.push((name, value.to_string()));
        self
    }

    /// Adds what caused it.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.0.source = Some(source.into());
        self
    }

    /// What kind of failure it is.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// Whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self.0.kind,
            ErrorKind::Full
                | ErrorKind::Busy
                | ErrorKind::Unknown
                | ErrorKind::Unavailable
                | ErrorKind::Timeout
        )
    }

    /// Where it happened: a context value by its name.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.0.context.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.text)?;
        for (index, (name, value)) in self.0.context.iter().enumerate() {
            write!(f, "{}{name} `{value}`", if index == 0 { " (" } else { ", " })?;
        }
        if !self.0.context.is_empty() {
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error({:?}: {self}", self.0.kind)?;
        if let Some(source) = &self.0.source {
            write!(f, "; because {source:?}")?;
        }
        f.write_str(")")
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| &**source as &(dyn StdError + 'static))
    }
}
