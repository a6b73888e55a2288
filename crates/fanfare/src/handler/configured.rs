//! A handler function with its options.

use std::{marker::PhantomData, time::Duration};

use fanfare_core::{Retry, Start};

use super::{Classifies, Fallible, Options, Order, PermanentIf, Shape};
use crate::middleware::Middleware;

/// A handler function with its options, made by [`HandlerExt`].
#[must_use = "a handler does nothing until it is given to `App::on`"]
pub struct Configured<F, M> {
    pub(crate) shape: F,
    pub(crate) options: Options,
    marker: PhantomData<fn() -> M>,
}

impl<F, M> Configured<F, M> {
    pub(crate) fn new(shape: F, options: Options) -> Self {
        Self { shape, options, marker: PhantomData }
    }
}

/// Declares each option once: as a method of a bare function and of a configured one.
macro_rules! options {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $type:ty),*) |$options:ident| $set:expr;)*) => {
        /// Options of a handler: `reserve_stock.retry(Retry::none()).concurrency(8)`.
        pub trait HandlerExt<M>: Shape<M> {
            $(
                $(#[$doc])*
                fn $name(self, $($arg: $type),*) -> Configured<Self, M> {
                    Configured::new(self, Options::default()).$name($($arg),*)
                }
            )*

            /// Failures that no retry will mend: the delivery becomes a dead letter at once.
            fn permanent_if<P>(self, is_permanent: P) -> Configured<PermanentIf<Self, P>, Classifies<M>>
            where
                Self::Out: Fallible,
                P: Fn(&<Self::Out as Fallible>::Err) -> bool,
            {
                Configured::<Self, M>::new(self, Options::default()).permanent_if(is_permanent)
            }
        }

        impl<F: Shape<M>, M> Configured<F, M> {
            $(
                $(#[$doc])*
                pub fn $name(mut self, $($arg: $type),*) -> Self {
                    let $options = &mut self.options;
                    $set;
                    $options.said.push(stringify!($name));
                    self
                }
            )*

            /// Failures that no retry will mend: the delivery becomes a dead letter at once.
            pub fn permanent_if<P>(self, is_permanent: P) -> Configured<PermanentIf<F, P>, Classifies<M>>
            where
                F::Out: Fallible,
                P: Fn(&<F::Out as Fallible>::Err) -> bool,
            {
                Configured::new(PermanentIf::new(self.shape, is_permanent), self.options)
            }
        }
    };
}

options! {
    /// The retry policy. Default: 5 attempts, exponential from 1 s to 5 min, full jitter.
    retry(policy: Retry) |options| options.retry = policy;

    /// How many deliveries run at a time, at least 1. Default: 16.
    concurrency(max: usize) |options| options.concurrency_max = max.max(1);

    /// Gives up the order within a key.
    unordered() |options| options.order = Order::Unordered;

    /// The group's records by global position, one at a time; a retry stops the group. Refused at start on
    /// transports without a global order.
    in_order() |options| options.order = Order::InOrder;

    /// The handler's name, and so the group's, instead of the function's own. Closures need one.
    named(name: impl Into<String>) |options| options.name = Some(name.into());

    /// Takes only event types that match the filter: `chat.>`. Repeated: any of them.
    types(filter: impl Into<String>) |options| options.types.push(filter.into());

    /// The former name of this handler, so that its group goes on where that one stopped. Also
    /// `application/role/handler`. No error when that group is gone.
    renamed_from(name: impl Into<String>) |options| options.renamed_from = Some(name.into());

    /// Where the group starts when it is new. Default: at the earliest record that the transport kept.
    start_at(start: Start) |options| options.start_at = Some(start);

    /// How long one attempt may run, from the start of the handler. Default: 30 s.
    ack_timeout(timeout: Duration) |options| options.ack_timeout = timeout;

    /// How many records are taken from the transport and not settled, beside those that wait. At least 1.
    /// Default: 256.
    in_flight_max(max: usize) |options| options.in_flight_max = max.max(1);

    /// How many records wait for a retry, or behind one; over it the group takes no new record until they
    /// drain. At least 1. Default: 100,000.
    waiting_max(max: usize) |options| options.waiting_max = max.max(1);

    /// A dead letter parks its key: what follows it waits until the dead letter is redriven or the key
    /// resumed. Default: the key goes on.
    park() |options| options.park = true;

    /// Wraps the handler into a middleware, which goes around every attempt and keeps the handler's name. The one that is
    /// added last is outermost. One that does not fit is refused when the application starts, or by the dispatcher.
    wrap(middleware: impl Middleware) |options| options.chain.push(middleware);
}

impl<F: Shape<M>, M> HandlerExt<M> for F {}
