use fanfare_core::{Error, ErrorKind};

use crate::{
    journal::{BatchBuf, Lsn},
    storage::{self, Class, Storage},
};

/// Where the engine's batches go.
pub(crate) enum Store {
    Journal(Box<dyn Storage>),
    /// Nowhere: what is decoded is all there is. `end` counts as if they were written.
    Memory {
        end: Lsn,
    },
}

impl Store {
    /// Makes sure that a batch of this length can be written.
    pub(crate) fn prepare(&mut self, len: u64, class: Class) -> Result<(), Error> {
        match self {
            Self::Journal(storage) => storage.prepare(len, class).map_err(lift),
            Self::Memory { .. } => Ok(()),
        }
    }

    /// Writes a batch and answers where it is.
    pub(crate) fn append(&mut self, batch: &mut BatchBuf, class: Class) -> Result<Lsn, Error> {
        match self {
            Self::Journal(storage) => storage.append(batch, class).map_err(lift),
            Self::Memory { end } => {
                let lsn = *end;
                *end = lsn.advance(batch.len() as u64);
                Ok(lsn)
            }
        }
    }

    pub(crate) fn end(&self) -> Lsn {
        match self {
            Self::Journal(storage) => storage.end(),
            Self::Memory { end } => *end,
        }
    }
}

/// A storage's error in the words of the port.
pub(crate) fn lift(error: storage::Error) -> Error {
    let kind = match error.kind() {
        storage::ErrorKind::Full => ErrorKind::Full,
        storage::ErrorKind::InUse => ErrorKind::InUse,
        storage::ErrorKind::NewerFormat => ErrorKind::NewerFormat,
        storage::ErrorKind::Corrupt => ErrorKind::Corrupt,
        storage::ErrorKind::TooLarge => ErrorKind::TooLarge,
        storage::ErrorKind::Poisoned | storage::ErrorKind::Closed => ErrorKind::Closed,
        _ => ErrorKind::Io,
    };
    Error::new(kind, error.to_string()).because(error)
}
