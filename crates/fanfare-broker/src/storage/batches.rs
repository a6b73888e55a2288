use std::fmt;

use super::Error;
use crate::journal::Batch;

/// Batches in the order of the journal. After an error there is nothing more.
pub struct Batches {
    inner: Option<Box<dyn Iterator<Item = Result<Batch, Error>> + Send>>,
}

impl Batches {
    /// The batches of this iterator.
    pub(crate) fn new(inner: impl Iterator<Item = Result<Batch, Error>> + Send + 'static) -> Self {
        Self { inner: Some(Box::new(inner)) }
    }
}

impl Iterator for Batches {
    type Item = Result<Batch, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let next = self.inner.as_mut()?.next();
        if !matches!(next, Some(Ok(_))) {
            self.inner = None;
        }
        next
    }
}

impl fmt::Debug for Batches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Batches").finish_non_exhaustive()
    }
}
