use fanfare_core::{Error, ErrorKind, Promise, Receipt, Rejected};

use super::command::{Receipts, Units};

/// An answer that waits for its batch.
pub(crate) enum Answer {
    Receipt(Promise<Result<Receipt, Rejected>>, Result<Receipt, Rejected>),
    Receipts(Promise<Receipts>, Receipts),
    Units(Promise<Units>, Units),
    /// Called with what became of the batch.
    Other(Box<dyn FnOnce(Result<(), Error>) + Send>),
}

impl Answer {
    /// An answer of any other kind.
    pub(crate) fn of<T: Send + 'static>(promise: Promise<T>, answer: Result<T, Error>) -> Self {
        Self::Other(Box::new(move |outcome| {
            promise.fulfil(match outcome {
                Ok(()) => answer,
                Err(error) => Err(error),
            });
        }))
    }

    /// The batch is where it has to be.
    pub(crate) fn give(self) {
        match self {
            Self::Receipt(promise, answer) => promise.fulfil(Ok(answer)),
            Self::Receipts(promise, answer) => promise.fulfil(Ok(answer)),
            Self::Units(promise, answer) => promise.fulfil(Ok(answer)),
            Self::Other(give) => give(Ok(())),
        }
    }

    /// The batch may or may not be where it has to be.
    pub(crate) fn fail(self, why: &str) {
        let unknown = || {
            let text = format!("it is not known whether it is on the disk: {why}");
            Error::new(ErrorKind::Unknown, text)
        };
        match self {
            Self::Receipt(promise, _) => promise.fulfil(Err(unknown())),
            Self::Receipts(promise, _) => promise.fulfil(Err(unknown())),
            Self::Units(promise, _) => promise.fulfil(Err(Error::new(ErrorKind::Closed, why))),
            Self::Other(give) => give(Err(unknown())),
        }
    }
}
