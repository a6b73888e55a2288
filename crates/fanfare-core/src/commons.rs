//! What the users of one store in one process have in common.

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

/// A place on a store for one thing that everybody who has it open in this process shares, such as whose turn it is. The
/// store carries it and knows nothing of it.
#[derive(Default)]
pub struct Commons(OnceLock<Arc<dyn Any + Send + Sync>>);

impl Commons {
    /// Empty.
    pub fn new() -> Self {
        Self::default()
    }

    /// The thing, made by whoever asks first; `None` when that was one of another type.
    pub fn get_or_init<T: Any + Send + Sync>(&self, make: impl FnOnce() -> T) -> Option<Arc<T>> {
        self.0.get_or_init(|| Arc::new(make())).clone().downcast().ok()
    }
}

impl fmt::Debug for Commons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Commons").finish_non_exhaustive()
    }
}
