//! Functions of an event and extractors, matched by arity alone.

use std::future::Future;

/// An async function of an event and up to eight extractors.
///
/// It carries no bounds on purpose: each stands on `App::on` alone, so that the compiler names the one that
/// fails. `M` tells the arities apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a handler function",
    label = "not an async function of an event",
    note = "a handler is `async fn(event, extractors..)` with up to 8 extractors; a synchronous one is registered as `.on(f.blocking())`"
)]
pub trait Shape<M>: Sized {
    /// The first argument: the event.
    type In;
    /// The other arguments, as a tuple.
    type Args;
    /// What it returns.
    type Out;
    /// The future of a call.
    type Fut: Future<Output = Self::Out>;

    /// Calls it.
    fn call(&self, input: Self::In, args: Self::Args) -> Self::Fut;

    /// The name of the function's type, from which the handler's name is taken.
    fn type_name() -> &'static str {
        std::any::type_name::<Self>()
    }
}

macro_rules! shape {
    ($($arg:ident)*) => {
        #[allow(non_snake_case, unused_variables, reason = "the type parameters name the variables")]
        impl<F, Fut, In, $($arg),*> Shape<fn(In, $($arg),*) -> Fut> for F
        where
            F: Fn(In, $($arg),*) -> Fut,
            Fut: Future,
        {
            type In = In;
            type Args = ($($arg,)*);
            type Out = Fut::Output;
            type Fut = Fut;

            fn call(&self, input: In, ($($arg,)*): ($($arg,)*)) -> Fut {
                self(input, $($arg),*)
            }
        }
    };
}
shape!();
shape!(A1);
shape!(A1 A2);
shape!(A1 A2 A3);
shape!(A1 A2 A3 A4);
shape!(A1 A2 A3 A4 A5);
shape!(A1 A2 A3 A4 A5 A6);
shape!(A1 A2 A3 A4 A5 A6 A7);
shape!(A1 A2 A3 A4 A5 A6 A7 A8);
