//! The handle of an application that runs.

use std::{future::Future, net::SocketAddr, sync::Arc, time::Duration};

use fanfare_core::{BoxFuture, Clock, Error, Operator, Transport};
use tokio::{
    net::TcpListener,
    sync::watch,
    task::{AbortHandle, JoinHandle, JoinSet},
};

use crate::{
    consume::{Group, Phase, STUCK_AFTER},
    metrics::{self, GroupMetrics},
    publish::{Encoder, Publisher},
};

/// An application that runs. Dropped without [`Running::shutdown`], it stops where it is: what was not settled is handled
/// again at the next start.
pub struct Running {
    parts: Arc<Parts>,
    supervisor: JoinHandle<()>,
    failure: watch::Receiver<Option<Arc<Error>>>,
    listener: Option<(SocketAddr, AbortHandle)>,
}

pub(super) struct Parts {
    pub(super) publisher: Publisher,
    pub(super) transport: Arc<dyn Transport>,
    pub(super) encoder: Arc<Encoder>,
    pub(super) groups: Vec<Arc<Group>>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) drain_timeout: Duration,
    /// Whether the transport ends with the application.
    pub(super) is_ours: bool,
}

impl Running {
    pub(super) fn new(
        parts: Parts,
        tasks: JoinSet<Result<(), Error>>,
        listener: Option<TcpListener>,
    ) -> Self {
        let parts = Arc::new(parts);
        let (sender, failure) = watch::channel(None);
        let supervisor = tokio::spawn(supervise(tasks, sender));
        let listener = listener.and_then(|listener| {
            let address = listener.local_addr().ok()?;
            let parts = parts.clone();
            let clock = parts.clock.clone();
            let render = move || {
                let parts = parts.clone();
                async move { parts.metrics().await }
            };
            Some((
                address,
                tokio::spawn(metrics::listen(listener, metrics::Limits::default(), clock, render))
                    .abort_handle(),
            ))
        });
        Self { parts, supervisor, failure, listener }
    }

    /// Publishes events of this application.
    pub fn publisher(&self) -> &Publisher {
        &self.parts.publisher
    }

    /// The transport, for its log and for tails.
    pub fn transport(&self) -> &Arc<dyn Transport> {
        &self.parts.transport
    }

    /// Groups, dead letters and redrive, where the transport has them.
    pub fn operator(&self) -> Option<&dyn Operator> {
        self.parts.transport.operator()
    }

    /// Whether a handler of this application takes events of this type.
    pub fn handles(&self, event_type: &str) -> bool {
        self.parts.encoder.types.handles(event_type)
    }

    /// Every figure as Prometheus text.
    pub async fn metrics(&self) -> String {
        self.parts.metrics().await
    }

    /// Where the metrics are served.
    pub fn metrics_address(&self) -> Option<SocketAddr> {
        self.listener.as_ref().map(|(address, _)| *address)
    }

    /// Whether anything is taken and neither settled nor waiting.
    pub(crate) fn is_busy(&self) -> bool {
        self.parts.groups.iter().any(|group| group.is_busy())
    }

    /// A figure of one handler.
    #[track_caller]
    pub(crate) fn count(&self, handler: &str, read: impl Fn(&GroupMetrics) -> u64) -> u64 {
        match self.parts.groups.iter().find(|group| group.name().handler() == handler) {
            Some(group) => read(&group.metrics),
            None => panic!("there is no handler called `{handler}`"),
        }
    }

    /// Completes when the transport has failed under a handler; then nothing is handled any more.
    pub async fn failed(&self) {
        let mut failure = self.failure.clone();
        if failure.wait_for(Option::is_some).await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Drains: takes nothing more, waits for handlers that run, hands back the rest uncounted, flushes.
    ///
    /// # Errors
    /// When the transport failed before or does not flush.
    pub async fn shutdown(self) -> Result<(), Error> {
        self.shutdown_unless(std::future::pending()).await
    }

    /// The same; once `hurry` completes, handlers that run are cancelled at once.
    pub(super) async fn shutdown_unless(mut self, hurry: impl Future<Output = ()>) -> Result<(), Error> {
        let parts = self.parts.clone();
        if let Some((_, listener)) = self.listener.take() {
            listener.abort();
        }
        let started = parts.clock.monotonic();
        parts.advance(Phase::Draining);
        let is_done = tokio::select! {
            _ = &mut self.supervisor => true,
            () = parts.clock.sleep(parts.drain_timeout) => false,
            () = hurry => false,
        };
        if !is_done {
            parts.advance(Phase::Ending);
            let grace: BoxFuture<'_, ()> = parts.clock.sleep(STUCK_AFTER);
            tokio::select! {
                _ = &mut self.supervisor => {}
                () = grace => {
                    for group in parts.groups.iter().filter(|group| group.is_busy()) {
                        tracing::error!(group = %group.printed, "handlers go on although they were told to stop; they are left behind");
                    }
                    self.supervisor.abort();
                }
            }
        }
        let failure = self.failure.borrow().clone();
        if parts.is_ours {
            let spent = parts.clock.monotonic().saturating_sub(started);
            let left = parts.drain_timeout.saturating_sub(spent).max(STUCK_AFTER);
            parts.transport.drain(left).await?;
        }
        match failure {
            Some(error) => Err(Error::new(error.kind(), error.to_string())),
            None => Ok(()),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.supervisor.abort();
        if let Some((_, listener)) = &self.listener {
            listener.abort();
        }
    }
}

impl std::fmt::Debug for Running {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Running").field("groups", &self.parts.groups.len()).finish_non_exhaustive()
    }
}

impl Parts {
    fn advance(&self, phase: Phase) {
        for group in &self.groups {
            group.control.advance(phase);
        }
    }

    async fn metrics(&self) -> String {
        let operator = self.transport.operator();
        let statuses = match operator {
            Some(operator) => operator.groups().await.unwrap_or_default(),
            None => Vec::new(),
        };
        let stats = operator.map(Operator::stats);
        metrics::render(&self.groups, &self.encoder.types, &statuses, stats.as_ref(), &*self.clock)
    }
}

/// Owns the tasks, so that they end with it; tells the first failure.
async fn supervise(mut tasks: JoinSet<Result<(), Error>>, failure: watch::Sender<Option<Arc<Error>>>) {
    while let Some(ended) = tasks.join_next().await {
        match ended {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::error!(%error, "the transport failed: nothing of this group is handled any more");
                failure.send_if_modified(|first| {
                    let is_first = first.is_none();
                    first.get_or_insert(Arc::new(error));
                    is_first
                });
            }
            Err(error) => tracing::error!(%error, "a task of the application ended early"),
        }
    }
}
