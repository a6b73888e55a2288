//! How one attempt ended, and why it failed.

use std::{any::Any, error::Error as StdError, time::Duration};

use bytestring::ByteString;
use fanfare_core::{BoxError, Failure, Outgoing};

use crate::{dispatch::Storm, middleware::Panicked};

/// How one attempt ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// It succeeded; these events go out with the acknowledgement.
    Done(Vec<Outgoing>),
    /// It failed.
    Failed(Failed),
    /// The record does not fit the handler's event.
    Rejected(ByteString),
    /// The handler does not take this type.
    Unexpected,
    /// The record is of a version that a newer build wrote.
    Newer,
    /// The driver cancelled it.
    Cancelled,
}

/// Why an attempt failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) error: String,
    pub(crate) is_permanent: bool,
    pub(crate) after: Option<Duration>,
    pub(crate) is_panic: bool,
}

impl Failed {
    pub(crate) fn permanent(error: impl ToString) -> Self {
        Self { error: error.to_string(), is_permanent: true, after: None, is_panic: false }
    }

    pub(crate) fn timeout(after: Duration) -> Self {
        Self {
            error: format!("ran longer than the ack timeout of {after:?}"),
            is_permanent: false,
            after: None,
            is_panic: false,
        }
    }

    /// What a handler returned as its error.
    pub(crate) fn of(error: &BoxError) -> Self {
        let is_panic = error.is::<Panicked>();
        Self {
            error: if is_panic { format!("panicked: {error}") } else { chain(&**error) },
            // A publish that the storm guard cut is cut again.
            is_permanent: Failure::is_permanent(&**error) || is_storm(&**error),
            after: Failure::after(&**error),
            is_panic,
        }
    }

    /// What a handler panicked with.
    pub(crate) fn panic(payload: &(dyn Any + Send)) -> Self {
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
            .unwrap_or("a value that is no text");
        Self { error: format!("panicked: {text}"), is_permanent: false, after: None, is_panic: true }
    }
}

fn is_storm(error: &(dyn StdError + 'static)) -> bool {
    error.is::<Storm>() || error.source().is_some_and(is_storm)
}

/// An error with its causes, `a: b: c`.
fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let cause = error.to_string();
        // Many errors already print their cause.
        if !text.ends_with(&cause) {
            text.push_str(": ");
            text.push_str(&cause);
        }
        source = error.source();
    }
    text
}
