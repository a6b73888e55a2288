//! `.permanent_if(..)`: a function whose failures are looked at before they are erased.

use std::{
    future::Future,
    marker::PhantomData,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::{BoxError, Failure, Outputs};

use super::Shape;

/// A return value that can be a failure.
#[diagnostic::on_unimplemented(
    message = "`permanent_if` needs a handler that returns a `Result`, this one returns `{Self}`",
    label = "this handler cannot fail",
    note = "return `Result<_, YourError>` from the handler"
)]
pub trait Fallible {
    /// The outputs.
    type Ok;
    /// The failure.
    type Err;

    /// As a result.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_result(self) -> Result<Self::Ok, Self::Err>;
}

impl<O: Outputs, X: Into<BoxError>> Fallible for Result<O, X> {
    type Ok = O;
    type Err = X;

    fn into_result(self) -> Self {
        self
    }
}

/// A handler function with its test for permanent failures.
pub struct PermanentIf<F, P> {
    shape: F,
    is_permanent: Arc<P>,
}

impl<F, P> PermanentIf<F, P> {
    pub(super) fn new(shape: F, is_permanent: P) -> Self {
        Self { shape, is_permanent: Arc::new(is_permanent) }
    }
}

/// Marks a function with `.permanent_if(..)`.
pub struct Classifies<M>(PhantomData<fn() -> M>);

impl<F, M, P> Shape<Classifies<M>> for PermanentIf<F, P>
where
    F: Shape<M>,
    F::Out: Fallible,
    <F::Out as Fallible>::Err: Into<BoxError>,
    P: Fn(&<F::Out as Fallible>::Err) -> bool,
{
    type In = F::In;
    type Args = F::Args;
    type Out = Result<<F::Out as Fallible>::Ok, BoxError>;
    type Fut = Classified<F::Fut, P>;

    fn call(&self, input: F::In, args: F::Args) -> Self::Fut {
        Classified { call: self.shape.call(input, args), is_permanent: self.is_permanent.clone() }
    }

    fn type_name() -> &'static str {
        F::type_name()
    }
}

pin_project_lite::pin_project! {
    /// The future of a call whose failure is looked at.
    pub struct Classified<Fut, P> {
        #[pin]
        call: Fut,
        is_permanent: Arc<P>,
    }
}

impl<Fut, P> Future for Classified<Fut, P>
where
    Fut: Future<Output: Fallible>,
    <Fut::Output as Fallible>::Err: Into<BoxError>,
    P: Fn(&<Fut::Output as Fallible>::Err) -> bool,
{
    type Output = Result<<Fut::Output as Fallible>::Ok, BoxError>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let outcome = ready!(this.call.poll(cx)).into_result();
        Poll::Ready(outcome.map_err(|error| {
            if (this.is_permanent)(&error) { Failure::permanent(error).into() } else { error.into() }
        }))
    }
}
