//! Bare and configured functions, told apart by a marker so that `App::on` takes both.

use super::{Configured, Options, Shape};

/// Marks a bare function.
pub struct Bare<M>(M);

/// Marks a configured function.
pub struct Conf<M>(M);

/// A handler function, bare or configured.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler function",
    label = "not an async function of an event",
    note = "a handler is `async fn(event, extractors..)` with up to 8 extractors; a synchronous one is registered as `.on(f.blocking())`"
)]
pub trait IntoHandler<X> {
    /// What tells the function's arity apart.
    type M;
    /// The function.
    type F: Shape<Self::M, In = Self::In, Args = Self::Args, Fut = Self::Fut, Out = Self::Out>;
    /// Its first argument.
    type In;
    /// Its other arguments.
    type Args;
    /// The future of a call.
    type Fut;
    /// What it returns.
    type Out;

    /// The function with its options.
    fn into_configured(self) -> Configured<Self::F, Self::M>;
}

impl<F: Shape<M>, M> IntoHandler<Bare<M>> for F {
    type M = M;
    type F = F;
    type In = F::In;
    type Args = F::Args;
    type Fut = F::Fut;
    type Out = F::Out;

    fn into_configured(self) -> Configured<F, M> {
        Configured::new(self, Options::default())
    }
}

impl<F: Shape<M>, M> IntoHandler<Conf<M>> for Configured<F, M> {
    type M = M;
    type F = F;
    type In = F::In;
    type Args = F::Args;
    type Fut = F::Fut;
    type Out = F::Out;

    fn into_configured(self) -> Self {
        self
    }
}
