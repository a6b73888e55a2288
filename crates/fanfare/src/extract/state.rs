//! A value of the application or the dispatcher.

use std::ops::Deref;

use super::{Context, Extract, Missing, Registry};

/// A clone of the value that `App::state`, or `state` of a dispatcher's builder, was given.
#[derive(Clone, Copy, Debug)]
pub struct State<T>(pub T);

impl<T> Deref for State<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Clone + Send + Sync + 'static> Extract for State<T> {
    const USES_CONTEXT: bool = false;

    type Prepared = T;

    fn prepare(registry: &Registry) -> Result<T, Missing> {
        registry.get::<T>().cloned().ok_or_else(|| {
            let name = std::any::type_name::<T>();
            Missing::new(format!("it takes State<{name}>, and there is no such state; add .state(value)"))
        })
    }

    fn extract(prepared: &T, _: &Context) -> Self {
        Self(prepared.clone())
    }
}
