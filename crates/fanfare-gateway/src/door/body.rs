use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::Response;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::time::Sleep;

/// A request's body, all of which comes within a time from when somebody begins to read it.
pub(super) struct Timed {
    body: Incoming,
    within: Duration,
    /// Once somebody reads.
    until: Option<Pin<Box<Sleep>>>,
    is_late: Late,
}

/// Whether a body did not come in time.
#[derive(Clone, Debug, Default)]
pub(super) struct Late(Arc<AtomicBool>);

impl Timed {
    pub(super) fn new(body: Incoming, within: Duration, is_late: Late) -> Self {
        Self { body, within, until: None, is_late }
    }
}

impl Late {
    /// What is answered: that it was too late, in place of what somebody made of half a body.
    pub(super) fn answer(&self, mut response: Response) -> Response {
        let has_failed = response.status().is_client_error() || response.status().is_server_error();
        if self.0.load(Ordering::Relaxed) && has_failed {
            *response.status_mut() = StatusCode::REQUEST_TIMEOUT;
        }
        response
    }
}

impl Body for Timed {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        let Self { body, within, until, is_late } = self.get_mut();
        if let Poll::Ready(frame) = Pin::new(body).poll_frame(context) {
            return Poll::Ready(frame.map(|frame| frame.map_err(io::Error::other)));
        }
        let until = until.get_or_insert_with(|| Box::pin(sleep(*within)));
        ready!(until.as_mut().poll(context));
        is_late.0.store(true, Ordering::Relaxed);
        let words = format!("it did not come within {within:?}");
        Poll::Ready(Some(Err(io::Error::new(io::ErrorKind::TimedOut, words))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[expect(clippy::disallowed_methods, reason = "how long a peer takes is of this machine's time")]
fn sleep(within: Duration) -> Sleep {
    tokio::time::sleep(within)
}

impl fmt::Debug for Timed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timed").field("within", &self.within).field("is_late", &self.is_late).finish()
    }
}
