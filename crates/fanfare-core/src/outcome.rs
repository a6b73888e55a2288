//! What a handler may return: events to publish, and how it fails.

use std::{any::Any, error::Error as StdError, fmt, time::Duration};

use bytes::Bytes;
use bytestring::ByteString;

use crate::{Descriptor, EncodeError, Event, RawEvent};

/// Any error that may be sent between threads.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// One event that a handler returned.
#[non_exhaustive]
pub enum Output {
    /// An event of a type known at compile time.
    Typed {
        /// Its type.
        descriptor: Descriptor,
        /// Its key.
        key: Option<ByteString>,
        /// The event, for those that hand it on in process: a `Box<E>`.
        event: Box<dyn Any + Send + Sync>,
        /// Encodes the event; `None` inside for one that never leaves its process.
        encode: fn(&(dyn Any + Send + Sync)) -> Option<Result<Bytes, EncodeError>>,
    },
    /// An event of a type known at run time.
    Raw(RawEvent),
}

impl Output {
    /// The output of a typed event.
    pub fn typed<E: Event>(event: E) -> Self {
        Self::Typed {
            descriptor: Descriptor::of::<E>(),
            key: event.key(),
            event: Box::new(event),
            encode: |event| event.downcast_ref::<E>().and_then(Event::encode_payload),
        }
    }

    /// The event type.
    pub fn event_type(&self) -> &str {
        match self {
            Self::Typed { descriptor, .. } => descriptor.event_type,
            Self::Raw(event) => event.event_type(),
        }
    }
}

impl fmt::Debug for Output {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Output").field(&self.event_type()).finish()
    }
}

/// Collects what a handler returned, in order.
#[derive(Debug, Default)]
pub struct Sink(Vec<Output>);

impl Sink {
    /// Adds an output.
    pub fn push(&mut self, output: Output) {
        self.0.push(output);
    }

    /// The outputs, in order.
    pub fn into_outputs(self) -> Vec<Output> {
        self.0
    }

    /// Whether nothing was returned.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The events that a handler returns: none, one, several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a handler",
    label = "not an event to publish",
    note = "return `()`, an event, an `Option`, `Vec` or tuple of events, or a `Result` of these"
)]
pub trait Outputs: Send {
    /// Whether every event of it may leave the process.
    const PORTABLE: bool;

    /// Writes the events to the sink, in order.
    fn write(self, sink: &mut Sink);
}

impl Outputs for () {
    const PORTABLE: bool = true;

    fn write(self, _: &mut Sink) {}
}

impl<E: Event> Outputs for E {
    const PORTABLE: bool = E::PORTABLE;

    fn write(self, sink: &mut Sink) {
        sink.push(Output::typed(self));
    }
}

impl Outputs for RawEvent {
    const PORTABLE: bool = true;

    fn write(self, sink: &mut Sink) {
        sink.push(Output::Raw(self));
    }
}

impl<O: Outputs> Outputs for Option<O> {
    const PORTABLE: bool = O::PORTABLE;

    fn write(self, sink: &mut Sink) {
        if let Some(outputs) = self {
            outputs.write(sink);
        }
    }
}

impl<O: Outputs> Outputs for Vec<O> {
    const PORTABLE: bool = O::PORTABLE;

    fn write(self, sink: &mut Sink) {
        for outputs in self {
            outputs.write(sink);
        }
    }
}

macro_rules! tuple {
    ($($name:ident)+) => {
        #[allow(non_snake_case, reason = "the type parameters name the variables")]
        impl<$($name: Outputs),+> Outputs for ($($name,)+) {
            const PORTABLE: bool = $($name::PORTABLE)&&+;

            fn write(self, sink: &mut Sink) {
                let ($($name,)+) = self;
                $($name.write(sink);)+
            }
        }
    };
}
tuple!(A);
tuple!(A B);
tuple!(A B C);
tuple!(A B C D);
tuple!(A B C D E);
tuple!(A B C D E F);

/// What a handler's return value means: success with outputs, or failure.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be returned by a handler",
    label = "not an event to publish, nor a result of one",
    note = "return `()`, an event, an `Option`, `Vec` or tuple of events, or a `Result` of these",
    note = "the `Err` of a `Result` is anything that becomes a `Box<dyn Error + Send + Sync>`: an error type of your own that is `Send` and `Sync`, `anyhow::Error`, `String`"
)]
pub trait IntoOutcome {
    /// Whether every event of it may leave the process.
    const PORTABLE: bool;

    /// The outputs, or why it failed.
    ///
    /// # Errors
    /// What the handler failed with.
    fn into_outcome(self, sink: &mut Sink) -> Result<(), BoxError>;
}

impl<O: Outputs> IntoOutcome for O {
    const PORTABLE: bool = O::PORTABLE;

    fn into_outcome(self, sink: &mut Sink) -> Result<(), BoxError> {
        self.write(sink);
        Ok(())
    }
}

impl<O: Outputs, X: Into<BoxError>> IntoOutcome for Result<O, X> {
    const PORTABLE: bool = O::PORTABLE;

    fn into_outcome(self, sink: &mut Sink) -> Result<(), BoxError> {
        self.map(|outputs| outputs.write(sink)).map_err(Into::into)
    }
}

/// An error that says what should become of the delivery. Any other error is a retry by the handler's policy.
///
/// It is found wherever it stands in a chain of causes, so that `anyhow::Error` and errors with a `#[source]`
/// pass it on.
#[derive(Debug)]
pub struct Failure(Advised);

/// What a failure says, as its own first cause: an error that wraps it hides its type, never its causes.
#[derive(Debug)]
struct Advised {
    error: BoxError,
    advice: Advice,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Advice {
    Permanent,
    RetryAfter(Duration),
}

impl Failure {
    /// A failure that no retry will mend: the delivery becomes a dead letter.
    pub fn permanent(error: impl Into<BoxError>) -> Self {
        Self(Advised { error: error.into(), advice: Advice::Permanent })
    }

    /// A failure that is retried after this long rather than by the policy's backoff. The attempt counts.
    pub fn retry_after(error: impl Into<BoxError>, after: Duration) -> Self {
        Self(Advised { error: error.into(), advice: Advice::RetryAfter(after) })
    }

    /// Whether an error, or one of its causes, says that no retry will mend it.
    pub fn is_permanent(error: &(dyn StdError + 'static)) -> bool {
        advice(error) == Some(Advice::Permanent)
    }

    /// After how long an error, or one of its causes, wants to be retried.
    pub fn after(error: &(dyn StdError + 'static)) -> Option<Duration> {
        match advice(error)? {
            Advice::RetryAfter(after) => Some(after),
            Advice::Permanent => None,
        }
    }
}

fn advice(error: &(dyn StdError + 'static)) -> Option<Advice> {
    let mut error = Some(error);
    while let Some(at) = error {
        if let Some(advised) = at.downcast_ref::<Advised>() {
            return Some(advised.advice);
        }
        error = at.source();
    }
    None
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

impl fmt::Display for Advised {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl StdError for Advised {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.error.source()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Failure;

    #[derive(Debug, thiserror::Error)]
    #[error("while reserving")]
    struct Wrapped(#[source] Failure);

    #[test]
    fn a_failure_is_found_behind_the_errors_that_wrap_it() {
        assert!(Failure::is_permanent(&Failure::permanent("sold out")));
        assert!(Failure::is_permanent(&Wrapped(Failure::permanent("sold out"))));
        let later = Wrapped(Failure::retry_after("busy", Duration::from_secs(3)));
        assert_eq!(Failure::after(&later), Some(Duration::from_secs(3)));
        assert!(!Failure::is_permanent(&later) && !Failure::is_permanent(&std::fmt::Error));
    }
}
