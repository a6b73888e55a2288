use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use crate::journal::Lsn;

/// What kind of failure it was.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[non_exhaustive]
pub enum ErrorKind {
    /// There is no space for it. Nothing of it was written.
    Full,
    /// Another process, or another part of this one, has the folder open.
    InUse,
    /// The folder was written by a newer version of Fanfare.
    NewerFormat,
    /// Bytes that were known to be on the disk are damaged or missing.
    Corrupt,
    /// A write or a sync failed earlier: the storage must be opened again.
    Poisoned,
    /// The batch is larger than a batch may be.
    TooLarge,
    /// The position is not, or no longer, or not yet in the journal.
    OutOfRange,
    /// The storage was closed.
    Closed,
    /// The file system refused.
    Io,
}

/// A failure of the storage: what failed, where, and what to do.
#[derive(Debug, thiserror::Error)]
#[error("{text}{}", Place(self))]
pub struct Error {
    kind: ErrorKind,
    text: String,
    file: Option<PathBuf>,
    position: Option<u64>,
    lsn: Option<Lsn>,
    source: Option<io::Error>,
}

impl Error {
    /// A failure with a text that follows "failed to ..." and says what to do.
    pub(crate) fn new(kind: ErrorKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), file: None, position: None, lsn: None, source: None }
    }

    /// A refusal of the file system; no space left is `Full`.
    pub(crate) fn io(text: impl Into<String>, source: io::Error) -> Self {
        let kind = if is_full(&source) { ErrorKind::Full } else { ErrorKind::Io };
        let mut text = text.into();
        if kind == ErrorKind::Full {
            text.push_str("; free space on the disk");
        }
        Self { source: Some(source), ..Self::new(kind, text) }
    }

    /// A write that leaves it open what is on the disk.
    pub(crate) fn failed_write(kind: ErrorKind, text: impl Into<String>, source: io::Error) -> Self {
        Self { source: Some(source), ..Self::new(kind, text) }
    }

    pub(crate) fn in_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.file = Some(file.into());
        self
    }

    pub(crate) fn at(mut self, position: u64) -> Self {
        self.position = Some(position);
        self
    }

    pub(crate) fn at_lsn(mut self, lsn: Lsn) -> Self {
        self.lsn = Some(lsn);
        self
    }

    /// What kind of failure it was.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same call may succeed later without anything being opened again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self.kind, ErrorKind::Full | ErrorKind::InUse)
    }

    /// The file or folder.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// The position in the file.
    #[must_use]
    pub fn position(&self) -> Option<u64> {
        self.position
    }

    /// The position in the journal.
    #[must_use]
    pub fn lsn(&self) -> Option<Lsn> {
        self.lsn
    }
}

/// Whether the file system says that there is no space.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

struct Place<'a>(&'a Error);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let error = self.0;
        if let Some(file) = &error.file {
            write!(f, " (file {}", file.display())?;
            if let Some(position) = error.position {
                write!(f, ", byte {position}")?;
            }
            if let Some(lsn) = error.lsn {
                write!(f, ", LSN {lsn}")?;
            }
            f.write_str(")")?;
        } else if let Some(lsn) = error.lsn {
            write!(f, " (LSN {lsn})")?;
        }
        match &error.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}
