use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use fanfare_core::{
    BoxFuture, Capabilities, Commons, Cursor, Epoch, Error, ErrorKind, GroupSpec, Log, Operator, Outgoing,
    Plan, PlanReport, Promise, Receipt, Refusal, Refusals, Rejected, Subscription, Support, Tail, Ticket,
    TopicFilter, Transport,
};

use super::{
    consumer::GroupConsumer,
    options::Options,
    registry::{Name, share},
    tail::LiveTail,
};
use crate::{
    driver::{
        BATCH_MAX, Command, Core, closed, lift, message_size_max, open_file, open_memory, outgoing_size_max,
        refuse_all,
    },
    machine::Draft,
    storage,
};

/// The embedded broker: a transport that keeps its events in a folder, or in memory.
///
/// Whoever opens the same folder in one process, or the same named memory, gets a handle on the same broker;
/// it is closed when the last handle is drained or dropped.
pub struct Broker {
    pub(super) core: Arc<Core>,
    capabilities: Capabilities,
    is_drained: AtomicBool,
}

impl Broker {
    /// An empty broker in memory, which ends with this handle.
    ///
    /// # Errors
    /// None today.
    pub fn memory(options: Options) -> Result<Self, Error> {
        let (policy, limits) = (options.policy(true), options.limits());
        let core = open_memory(options.clock, &*options.random, policy, limits);
        Ok(Self::on(core, "memory"))
    }

    /// The broker in memory of this name; an empty one if nobody in this process has it open. The options
    /// count for the one that makes it.
    ///
    /// # Errors
    /// None today.
    pub fn memory_named(name: &str, options: Options) -> Result<Self, Error> {
        let open = || {
            let (policy, limits) = (options.policy(true), options.limits());
            Ok(open_memory(options.clock, &*options.random, policy, limits))
        };
        Ok(Self::on(share(Name::Memory(name.to_owned()), open)?, "memory"))
    }

    /// The broker in this folder, made if there is none. The options count for the one that opens it first.
    /// Another process that has it is waited for. Reads the journal: this blocks, in a large store for
    /// seconds.
    ///
    /// # Errors
    /// `InUse`, `NewerFormat`, `Corrupt`, `Full` and `Io`; each says what to do.
    pub fn open_blocking(folder: impl AsRef<Path>, options: Options) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let failed = |error| {
            let text = "make the data folder; choose another one, or mend its permissions";
            Error::new(ErrorKind::Io, text).with("folder", folder.display()).because(error)
        };
        storage::file::create_folder(folder).map_err(failed)?;
        let folder = folder.canonicalize().map_err(failed)?;
        let open = || {
            let opened = storage::file::open(&folder, options.storage()).map_err(lift)?;
            Self::start(opened, &options)
        };
        Ok(Self::on(share(Name::Folder(folder.clone()), open)?, "embedded"))
    }

    /// As [`Broker::open_blocking`], in a thread of its own.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Cancel safety
    /// Dropped before it is done, the broker is closed again.
    pub async fn open(folder: impl Into<PathBuf>, options: Options) -> Result<Self, Error> {
        let (folder, (promise, ticket)) = (folder.into(), Ticket::pair());
        let run = move || promise.fulfil(Self::open_blocking(&folder, options));
        let started = std::thread::Builder::new().name("fanfare-open".into()).spawn(run);
        started.map_err(|error| Error::new(ErrorKind::Io, "start a thread").because(error))?;
        ticket.await
    }

    /// A broker on any disk, for tests of crashes.
    ///
    /// # Errors
    /// As [`Broker::open_blocking`].
    #[doc(hidden)]
    pub fn open_on(disk: Arc<dyn storage::file::Disk>, options: Options) -> Result<Self, Error> {
        let core = Self::start(storage::file::open_on(disk, options.storage()).map_err(lift)?, &options)?;
        Ok(Self::on(core, "embedded"))
    }

    fn start(
        (storage, recovered): (storage::file::FileStorage, storage::Recovered),
        options: &Options,
    ) -> Result<Arc<Core>, Error> {
        let (policy, limits) = (options.policy(false), options.limits());
        let clock = options.clock.clone();
        let on_failure = options.on_failure.clone();
        open_file(Box::new(storage), recovered, clock, &*options.random, policy, limits, on_failure)
    }

    /// How the last run of this store ended, and what was done about it; `None` in memory.
    pub fn recovery(&self) -> Option<&storage::Report> {
        self.core.report.as_ref()
    }

    /// Gives the store in a folder another epoch, so that cursors from before are refused by name: for one that was put
    /// back from a backup, whose positions are given a second time. Nobody may have the folder open. Answers the
    /// new epoch.
    ///
    /// # Errors
    /// When there is no store, somebody has it open, or it cannot be written.
    pub fn renew_epoch(folder: impl AsRef<Path>, options: &Options) -> Result<Epoch, Error> {
        storage::file::renew_epoch(folder, &options.storage()).map(Epoch).map_err(lift)
    }

    fn on(core: Arc<Core>, name: &'static str) -> Self {
        let mut capabilities = Capabilities::none(name, core.policy.durability);
        for support in [
            &mut capabilities.delay,
            &mut capabilities.attempts,
            &mut capabilities.range_acks,
            &mut capabilities.dead_letters,
            &mut capabilities.revisions,
            &mut capabilities.atomic_outputs,
            &mut capabilities.in_order,
            &mut capabilities.hold,
            &mut capabilities.deduplication,
            &mut capabilities.replay,
        ] {
            *support = Support::Native;
        }
        Self { core, capabilities, is_drained: AtomicBool::new(false) }
    }

    /// Fails when the broker, or this handle on it, was closed.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.core.is_closed() {
            return Err(self.core.ended());
        }
        if self.is_drained.load(Ordering::Acquire) { Err(closed()) } else { Ok(()) }
    }

    pub(super) fn ask<T>(&self, command: impl FnOnce(Promise<T>) -> Command) -> Ticket<T> {
        if let Err(error) = self.check() {
            return Ticket::ready(Err(error));
        }
        let (promise, ticket) = Ticket::pair();
        self.core.tick();
        self.core.send(command(promise));
        ticket
    }

    /// Messages that are over the limit.
    fn is_too_large(&self, outgoing: &Outgoing) -> bool {
        outgoing_size_max(outgoing) > message_size_max(self.core.policy.message_max)
    }
}

impl Transport for Broker {
    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn plan<'a>(&'a self, plan: &'a Plan) -> BoxFuture<'a, Result<PlanReport, Refusals>> {
        Box::pin(async move {
            let ticket = self.ask(|promise| Command::Plan { plan: plan.clone(), promise });
            ticket.await.unwrap_or_else(|error| Err(Refusals(vec![Refusal::new(error.to_string())])))
        })
    }

    fn submit(&self, batch: Vec<Outgoing>, is_atomic: bool) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        if self.check().is_err() {
            return Ticket::ready(Ok(refuse_all(batch, || self.core.ended())));
        }
        let (mut size_max, mut largest) = (0, 0);
        for outgoing in &batch {
            let size = outgoing_size_max(outgoing);
            size_max += size;
            largest = size.max(largest);
        }
        if size_max > BATCH_MAX {
            return Ticket::ready(Ok(refuse_all(batch, || {
                let text = "publish: the batch has more than 64 MiB; publish it in parts";
                Error::new(ErrorKind::TooLarge, text)
            })));
        }
        if largest > message_size_max(self.core.policy.message_max) {
            return self.submit_without_large(batch, is_atomic);
        }
        let (promise, ticket) = Ticket::pair();
        self.core.send(Command::Submit { batch, size_max, is_atomic, refused: Vec::new(), promise });
        ticket
    }

    fn submit_one(&self, outgoing: Outgoing) -> Ticket<Result<Receipt, Rejected>> {
        let size_max = outgoing_size_max(&outgoing);
        if self.check().is_err() || size_max > message_size_max(self.core.policy.message_max) {
            return self.submit(vec![outgoing], false).first();
        }
        let (promise, ticket) = Ticket::pair();
        self.core.send(Command::Publish { draft: Draft::of(outgoing, self.core.seed), size_max, promise });
        ticket
    }

    fn subscribe<'a>(&'a self, group: &'a GroupSpec) -> BoxFuture<'a, Result<Subscription, Error>> {
        Box::pin(async move {
            self.check()?;
            GroupConsumer::join(self.core.clone(), group).await
        })
    }

    fn tail<'a>(
        &'a self,
        filter: &'a TopicFilter,
        from: Option<Cursor>,
    ) -> BoxFuture<'a, Result<Box<dyn Tail>, Error>> {
        Box::pin(async move {
            self.check()?;
            let from = from.map(|cursor| cursor.position_in(self.epoch())).transpose()?;
            self.core.tick();
            let tail: Box<dyn Tail> = Box::new(LiveTail::new(self.core.clone(), filter.clone(), from));
            Ok(tail)
        })
    }

    fn log(&self) -> Option<&dyn Log> {
        Some(self)
    }

    fn operator(&self) -> Option<&dyn Operator> {
        Some(self)
    }

    fn commons(&self) -> Option<&Commons> {
        Some(&self.core.commons)
    }

    fn drain(&self, within: Duration) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            if self.is_drained.swap(true, Ordering::AcqRel) {
                return Ok(());
            }
            if self.core.handles.fetch_sub(1, Ordering::AcqRel) > 1 {
                return Ok(());
            }
            let (promise, ticket) = Ticket::pair();
            self.core.send(Command::Close { promise });
            within_deadline(&self.core, ticket, within).await
        })
    }
}

impl Broker {
    /// What is too large is refused; of an atomic batch everything is.
    fn submit_without_large(
        &self,
        batch: Vec<Outgoing>,
        is_atomic: bool,
    ) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        let max = self.core.policy.message_max;
        let too_large = |outgoing: &Outgoing| {
            let text = format!(
                "publish: the message has more than {max} bytes; keep the data elsewhere and publish where"
            );
            Error::new(ErrorKind::TooLarge, text).with("topic", &outgoing.message.topic)
        };
        if is_atomic || batch.len() == 1 {
            let refuse = |outgoing: Outgoing| {
                let error = if self.is_too_large(&outgoing) {
                    too_large(&outgoing)
                } else {
                    Error::new(ErrorKind::TooLarge, "another message of the same atomic batch is too large")
                };
                Err(Rejected::new(error, outgoing))
            };
            return Ticket::ready(Ok(batch.into_iter().map(refuse).collect()));
        }
        self.submit_parts(batch, too_large)
    }

    /// Hands over what is not too large, and puts the refusals in between.
    fn submit_parts(
        &self,
        batch: Vec<Outgoing>,
        too_large: impl Fn(&Outgoing) -> Error,
    ) -> Ticket<Vec<Result<Receipt, Rejected>>> {
        let (mut refused, mut accepted) = (Vec::new(), Vec::new());
        for (at, outgoing) in batch.into_iter().enumerate() {
            if self.is_too_large(&outgoing) {
                refused.push((at, Err(Rejected::new(too_large(&outgoing), outgoing))));
            } else {
                accepted.push(outgoing);
            }
        }
        let (promise, ticket) = Ticket::pair();
        let size_max = accepted.iter().map(outgoing_size_max).sum();
        self.core.send(Command::Submit { batch: accepted, size_max, is_atomic: false, refused, promise });
        ticket
    }
}

/// Waits for an answer, at most this long.
async fn within_deadline(core: &Core, ticket: Ticket<()>, within: Duration) -> Result<(), Error> {
    let mut ticket = std::pin::pin!(ticket);
    let mut sleep = core.clock.sleep(within);
    std::future::poll_fn(|cx| {
        if let std::task::Poll::Ready(answer) = ticket.as_mut().poll(cx) {
            return std::task::Poll::Ready(answer);
        }
        sleep.as_mut().poll(cx).map(|()| {
            let text =
                "drain: the last sync and snapshot took too long; the next start recovers what is there";
            Err(Error::new(ErrorKind::Timeout, text))
        })
    })
    .await
}

impl Drop for Broker {
    fn drop(&mut self) {
        if self.is_drained.swap(true, Ordering::AcqRel)
            || self.core.handles.fetch_sub(1, Ordering::AcqRel) > 1
        {
            return;
        }
        let (promise, _ticket) = Ticket::pair();
        self.core.send(Command::Close { promise });
    }
}

impl fmt::Debug for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Broker").field("transport", &self.capabilities.transport).finish_non_exhaustive()
    }
}
