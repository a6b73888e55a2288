//! Async functions that stay on the thread on which they subscribed.

use std::marker::PhantomData;

use send_wrapper::SendWrapper;

use crate::handler::Shape;

/// A function that is called, polled and dropped on its own thread alone; the local dispatcher, which cannot leave
/// that thread, sees to it.
pub(super) struct Here<F>(SendWrapper<F>);

impl<F> Here<F> {
    pub(super) fn new(f: F) -> Self {
        Self(SendWrapper::new(f))
    }
}

/// Marks such a function.
pub(super) struct Stays<M>(PhantomData<fn() -> M>);

impl<M, F: Shape<M>> Shape<Stays<M>> for Here<F> {
    type In = F::In;
    type Args = F::Args;
    type Out = F::Out;
    type Fut = SendWrapper<F::Fut>;

    fn call(&self, input: F::In, args: F::Args) -> Self::Fut {
        SendWrapper::new(self.0.call(input, args))
    }

    fn type_name() -> &'static str {
        F::type_name()
    }
}
