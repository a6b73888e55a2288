//! Which attempt this is.

use super::{Context, Extract, Missing, Registry};

/// The attempt at this delivery, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Attempt(pub u32);

impl Attempt {
    /// Whether nothing was tried before.
    pub fn is_first(self) -> bool {
        self.0 == 1
    }
}

impl Extract for Attempt {
    type Prepared = ();

    fn prepare(_: &Registry) -> Result<(), Missing> {
        Ok(())
    }

    fn extract((): &(), context: &Context) -> Self {
        Self(context.attempt())
    }
}
