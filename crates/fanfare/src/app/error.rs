//! Why an application did not start, or ended.

use std::{fmt, panic::Location};

use fanfare_core::Error;

/// One mistake in the application's own text, with the line that holds it.
#[derive(Debug, Clone)]
pub struct Mistake {
    location: Option<&'static Location<'static>>,
    text: String,
}

impl Mistake {
    pub(super) fn new(location: &'static Location<'static>, text: impl Into<String>) -> Self {
        Self { location: Some(location), text: text.into() }
    }

    pub(super) fn somewhere(text: impl Into<String>) -> Self {
        Self { location: None, text: text.into() }
    }

    /// What is wrong and what to do.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The line that holds it, where there is one.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.location
    }
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.location {
            Some(at) => write!(f, "{}:{}: {}", at.file(), at.line(), self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Why an application did not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum StartError {
    /// What the application says of itself cannot be: every mistake at once. Nothing was changed on the
    /// transport.
    Mistakes(Vec<Mistake>),
    /// The transport could not be opened, or failed while the application started.
    Transport(Error),
    /// The address for metrics could not be bound.
    Listen(std::io::Error),
}

impl StartError {
    /// The mistakes, if it is those.
    pub fn mistakes(&self) -> &[Mistake] {
        match self {
            Self::Mistakes(mistakes) => mistakes,
            _ => &[],
        }
    }
}

impl fmt::Display for StartError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mistakes(mistakes) => {
                write!(f, "failed to start: {} to mend", mistakes.len())?;
                mistakes.iter().try_for_each(|mistake| write!(f, "\n  {mistake}"))
            }
            Self::Transport(error) => write!(f, "failed to start: {error}"),
            Self::Listen(error) => write!(f, "failed to listen for metrics: {error}"),
        }
    }
}

impl std::error::Error for StartError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Mistakes(_) => None,
            Self::Transport(error) => error.source(),
            Self::Listen(error) => Some(error),
        }
    }
}

/// Why an application ended other than by being asked to.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// It did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A transport failed while it ran, or did not flush at the end.
    #[error("the transport failed: {0}")]
    Transport(#[from] Error),
    /// The operating system gave no way to wait for its signals.
    #[error("failed to wait for signals: {0}")]
    Signals(#[from] std::io::Error),
}
