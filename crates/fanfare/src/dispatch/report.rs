//! What became of an emit.

use std::{any::Any, fmt};

use bytestring::ByteString;
use fanfare_core::{BoxError, DecodeError};

use crate::middleware::{Panicked, TimedOut};

/// How many handlers ran, and which failed and why. Who does not look at it finds failures in the log; who
/// must not go on after one asks for [`Report::into_result`]; who goes on all the same says [`Report::ignore`].
#[must_use = "it says which handlers failed; to go on all the same, `.ignore()` it: failures are in the log too"]
#[derive(Debug, Default)]
pub struct Report {
    // Two words, so that a report travels in registers: the count, or UNHEARD.
    ran: usize,
    more: Option<Box<More>>,
}

const UNHEARD: usize = usize::MAX;

#[derive(Debug, Default)]
pub(crate) struct More {
    pub(crate) failures: Vec<HandlerFailure>,
    pub(crate) not_run: Vec<ByteString>,
    pub(crate) handed_over: usize,
}

impl Report {
    /// How many handlers ran to an end, with success or not; those of events that handlers returned included.
    pub fn ran(&self) -> usize {
        if self.is_unheard() { 0 } else { self.ran }
    }

    /// Whether nobody listens to this event type.
    pub fn is_unheard(&self) -> bool {
        self.ran == UNHEARD
    }

    /// The handlers that failed.
    pub fn failures(&self) -> &[HandlerFailure] {
        self.more.as_ref().map_or(&[], |more| &more.failures)
    }

    /// The names of async handlers that `emit_sync` could not run, and that wanted the event.
    pub fn not_run(&self) -> &[ByteString] {
        self.more.as_ref().map_or(&[], |more| &more.not_run)
    }

    /// How many async handlers, of those that wanted the event, `emit_sync` handed to the runtime; their failures go to the log and to `on_error`.
    pub fn handed_over(&self) -> usize {
        self.more.as_ref().map_or(0, |more| more.handed_over)
    }

    /// Whether no handler failed and none was left out.
    pub fn is_ok(&self) -> bool {
        self.failures().is_empty() && self.not_run().is_empty()
    }

    /// Nothing, or an error that names the handlers that failed or could not run.
    ///
    /// # Errors
    /// When [`Report::is_ok`] is false.
    pub fn into_result(self) -> Result<(), EmitError> {
        if self.is_ok() { Ok(()) } else { Err(EmitError { report: self }) }
    }

    /// Goes on whatever became of the emit: failures are in the log, and `on_error` was told.
    pub fn ignore(self) {}

    pub(crate) fn unheard() -> Self {
        Self { ran: UNHEARD, more: None }
    }

    /// Of an emit that was cut.
    pub(crate) fn of_failure(failure: HandlerFailure) -> Self {
        let more = More { failures: vec![failure], ..More::default() };
        Self { ran: 0, more: Some(Box::new(more)) }
    }

    #[inline]
    pub(crate) fn of(ran: usize, more: Option<Box<More>>) -> Self {
        Self { ran, more }
    }
}

/// What a report is made of beside the count.
pub(crate) trait Notes {
    fn more(&mut self) -> &mut More;
    /// Adds what became of an event that a handler returned; answers how many handlers ran.
    fn absorb(&mut self, other: Report) -> usize;
}

impl Notes for Option<Box<More>> {
    fn more(&mut self) -> &mut More {
        self.get_or_insert_default()
    }

    fn absorb(&mut self, mut other: Report) -> usize {
        if let Some(other) = other.more.take() {
            let more = self.more();
            more.failures.extend(other.failures);
            more.not_run.extend(other.not_run);
            more.handed_over += other.handed_over;
        }
        other.ran()
    }
}

/// Handlers of an emit failed or could not run.
#[derive(Debug)]
pub struct EmitError {
    report: Report,
}

impl EmitError {
    /// The whole report.
    pub fn report(&self) -> &Report {
        &self.report
    }
}

impl fmt::Display for EmitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for failure in self.report.failures() {
            write!(f, "{separator}{failure}")?;
            separator = "; ";
        }
        for handler in self.report.not_run() {
            write!(
                f,
                "{separator}`{handler}` is async and could not run: attach a runtime to the dispatcher, or use `emit`"
            )?;
            separator = "; ";
        }
        Ok(())
    }
}

impl std::error::Error for EmitError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.report.failures().first().map(|failure| failure as _)
    }
}

/// Why a handler failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FailureKind {
    /// It returned an error.
    Error,
    /// It panicked.
    Panic,
    /// The event could not be made into its argument.
    Decode,
    /// It did not end in time.
    Timeout,
    /// An emit was cut to stop a storm; the text carries the chain of event types.
    Storm,
}

impl FailureKind {
    pub(crate) fn of(error: &BoxError) -> Self {
        if error.is::<Panicked>() {
            Self::Panic
        } else if error.is::<TimedOut>() {
            Self::Timeout
        } else if error.is::<DecodeError>() {
            Self::Decode
        } else {
            Self::Error
        }
    }
}

/// One handler that failed on one event.
#[derive(Debug)]
pub struct HandlerFailure {
    pub(crate) handler: ByteString,
    pub(crate) event_type: ByteString,
    pub(crate) kind: FailureKind,
    pub(crate) error: BoxError,
}

impl HandlerFailure {
    /// The handler's name.
    pub fn handler(&self) -> &str {
        &self.handler
    }

    /// The event type.
    pub fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Why it failed.
    pub fn kind(&self) -> FailureKind {
        self.kind
    }

    /// What it failed with.
    pub fn error(&self) -> &(dyn std::error::Error + Send + Sync + 'static) {
        &*self.error
    }
}

impl fmt::Display for HandlerFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let how = match self.kind {
            FailureKind::Error => "failed",
            FailureKind::Panic => "panicked",
            FailureKind::Decode => "could not take the event",
            FailureKind::Timeout => "ran out of time",
            FailureKind::Storm => "was stopped",
        };
        write!(f, "`{}` {how} on `{}`: {}", self.handler, self.event_type, self.error)
    }
}

impl std::error::Error for HandlerFailure {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.error.source()
    }
}

/// What a panic said.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without text".to_owned())
}
