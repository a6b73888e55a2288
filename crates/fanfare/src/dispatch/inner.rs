//! What all handles of one dispatcher share.

use std::{
    any::TypeId,
    collections::HashMap,
    sync::{Arc, OnceLock},
};

use bytestring::ByteString;
use fanfare_core::{BoxFuture, Clock, Event, RawEvent};
use tokio::runtime::Handle;

use super::{
    cause::{self, Cause, Parent},
    handler::{Entry, RefHandler, Seat, Seated, TaskHandler, Trouble},
    hooks, ids,
    node::{AnyNode, Garbage, Lists, Node},
    others::Others,
    queue::{Queue, Waiting},
    report::{FailureKind, HandlerFailure, More, Notes, Report},
    snapshot::TypeSnapshot,
    stats::Stats,
    storm::{Storm, StormGuard},
    subject::{AnySubject, Named, Subject},
    subscription::Subscription,
    table::Table,
    wild::Wild,
};
use crate::{
    extract::Registry,
    middleware::Middleware,
    sync::{ArcSwap, Mutex},
};

pub(crate) struct Inner {
    /// No other dispatcher of the process has it.
    pub(crate) id: u64,
    pub(crate) table: Table,
    registrar: Mutex<Registrar>,
    /// The subscriptions to events of many types, for events whose type is known by name alone.
    wild: ArcSwap<Vec<Wild>>,
    /// The nodes of each event type's name.
    names: ArcSwap<HashMap<&'static str, Vec<Arc<dyn AnyNode>>>>,
    /// Event types known by name alone.
    others: Others,
    pub(crate) registry: Registry,
    pub(crate) settings: Settings,
    pub(crate) queue: Waiting,
    /// What it writes into events that it forwards over the bridge.
    pub(crate) mark: OnceLock<ByteString>,
}

/// Who changes subscriptions holds it; no emit does.
#[derive(Default)]
struct Registrar {
    nodes: Vec<Arc<dyn AnyNode>>,
}

type ErrorHook = Box<dyn Fn(&HandlerFailure) + Send + Sync>;
type UnhandledHook = Box<dyn Fn(&str) + Send + Sync>;
type Spawner = Box<dyn Fn(BoxFuture<'static, ()>) + Send + Sync>;

/// What the builder was told.
pub(crate) struct Settings {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) on_error: Option<ErrorHook>,
    pub(crate) on_unhandled: Option<UnhandledHook>,
    pub(crate) spawner: Option<Spawner>,
    pub(crate) chain: Vec<Arc<dyn Middleware>>,
    pub(crate) storms: StormGuard,
    pub(crate) queue: Queue,
    /// Whether handlers must stay on the thread on which they subscribed.
    pub(crate) is_local: bool,
    /// A span for each emit.
    pub(crate) has_spans: bool,
    /// Whether each emit is looked at: it has a span, or a rate. One flag, so that the others ask once.
    pub(crate) is_watched: bool,
}

impl Inner {
    pub(crate) fn new(registry: Registry, mut settings: Settings) -> Arc<Self> {
        settings.is_watched = settings.has_spans || settings.storms.rate.is_some();
        Arc::new(Self {
            id: ids::dispatcher(),
            table: Table::default(),
            registrar: Mutex::default(),
            wild: ArcSwap::default(),
            names: ArcSwap::default(),
            others: Others::default(),
            registry,
            settings,
            queue: Waiting::default(),
            mark: OnceLock::new(),
        })
    }

    /// The node of an event type, made when it is met first.
    #[inline]
    pub(crate) fn node<E: Event>(&self) -> &Node<E> {
        match self.table.get() {
            Some(node) => node,
            None => self.meet(&mut self.registrar.lock()),
        }
    }

    #[cold]
    fn meet<E: Event>(&self, registrar: &mut Registrar) -> &Node<E> {
        if let Some(node) = self.table.get() {
            return node;
        }
        let node = Arc::new(Node::<E>::new());
        for wild in self.wild.load().iter() {
            // A list that nobody has seen: nothing of it is dropped.
            drop(node.add_wild(wild));
        }
        registrar.nodes.push(node.clone());
        let mut names = HashMap::clone(&self.names.load());
        names.entry(E::TYPE).or_default().push(node.clone());
        self.names.store(Arc::new(names));
        self.table.insert(node)
    }

    pub(crate) fn add_ref<E: Event, H: RefHandler<E> + 'static>(
        self: &Arc<Self>,
        entry: Arc<Entry<H>>,
    ) -> Subscription {
        self.add::<E>(&entry.clone(), |node| node.add_ref(entry))
    }

    pub(crate) fn add_task<E: Event, H: TaskHandler<E> + 'static>(
        self: &Arc<Self>,
        entry: Arc<Entry<H>>,
    ) -> Subscription {
        self.add::<E>(&entry.clone(), |node| node.add_task(entry))
    }

    fn add<E: Event>(
        self: &Arc<Self>,
        seated: &Arc<impl Seated + 'static>,
        add: impl FnOnce(&Node<E>) -> Garbage,
    ) -> Subscription {
        let seated: Arc<dyn Seated> = seated.clone();
        let garbage = add(self.meet::<E>(&mut self.registrar.lock()));
        drop(garbage);
        self.subscription(&seated, Some(TypeId::of::<E>()))
    }

    pub(crate) fn add_wild(self: &Arc<Self>, seated: &Arc<dyn Seated>, wild: Wild) -> Subscription {
        let subscription = self.subscription(seated, None);
        let garbage = {
            let registrar = self.registrar.lock();
            let mut all: Vec<Wild> =
                self.wild.load().iter().filter(|wild| !wild.is_gone()).cloned().collect();
            all.push(wild.clone());
            let garbage: Vec<Garbage> =
                registrar.nodes.iter().filter_map(|node| node.add_wild(&wild)).collect();
            (garbage, self.wild.swap(Arc::new(all)))
        };
        drop(garbage);
        subscription
    }

    fn subscription(self: &Arc<Self>, seated: &Arc<dyn Seated>, home: Option<TypeId>) -> Subscription {
        Subscription::new(seated, Arc::downgrade(self), home)
    }

    /// Leaves out what is gone: in the list of one event type, or in all.
    #[cold]
    pub(crate) fn sweep(&self, home: Option<TypeId>) {
        let garbage: (Vec<Garbage>, Option<Arc<Vec<Wild>>>) = {
            let registrar = self.registrar.lock();
            match home {
                Some(id) => (self.table.get_erased(id).map(|node| node.sweep()).into_iter().collect(), None),
                None => {
                    let stay = self.wild.load().iter().filter(|wild| !wild.is_gone()).cloned().collect();
                    let nodes = registrar.nodes.iter().map(|node| node.sweep()).collect();
                    (nodes, Some(self.wild.swap(Arc::new(stay))))
                }
            }
        };
        drop(garbage);
    }

    /// Whether a runtime is attached, or this thread runs in one.
    pub(crate) fn can_spawn(&self) -> bool {
        self.settings.spawner.is_some() || (!self.settings.is_local && Handle::try_current().is_ok())
    }

    /// Gives a future to the attached runtime, or to the one that this thread runs in.
    pub(crate) fn spawn(&self, future: BoxFuture<'static, ()>) {
        match &self.settings.spawner {
            Some(spawner) => spawner(future),
            None => drop(Handle::current().spawn(future)),
        }
    }

    /// Every event type that was met.
    pub(crate) fn snapshot(&self) -> Vec<TypeSnapshot> {
        let nodes = self.registrar.lock().nodes.clone();
        let mut types: Vec<_> = nodes.iter().map(|node| node.snapshot()).collect();
        let wild = self.wild.load();
        let names = self.names.load();
        types.extend(self.others.snapshots(&wild, |name| names.contains_key(name)));
        types.sort_by(|a, b| a.event_type.cmp(&b.event_type));
        types
    }

    /// A raw event, and where it belongs by what is known of its name.
    pub(crate) fn raw(&self, raw: RawEvent) -> Named {
        let known = self.names.load().get(raw.event_type()).and_then(|nodes| nodes.first()).cloned();
        Named::raw(raw, known.map(|node| node.descriptor()))
    }

    /// Who listens to an event whose type is known by name alone; a report where it goes no further.
    pub(crate) fn named_lists(&self, event: &Named, parent: Option<&Parent>) -> Result<Lists<Named>, Report> {
        let event_type = event.event_type();
        let (mut refs, mut tasks) = (Vec::new(), Vec::new());
        for wild in self.wild.load().iter().filter(|wild| wild.takes(&event_type) && !wild.is_gone()) {
            match wild.entry() {
                Ok(entry) => refs.push(entry),
                Err(entry) => tasks.push(entry),
            }
        }
        let names = self.names.load();
        let nodes = names.get(&*event_type).map_or(&[][..], |nodes| &nodes[..]);
        if matches!(event, Named::Raw(_)) {
            nodes.iter().for_each(|node| node.add_named(&mut refs, &mut tasks));
        }
        let is_heard = !refs.is_empty() || !tasks.is_empty();
        let count = |stats: &Stats| {
            stats.emitted.add();
            if let Some(report) = self.over_rate(stats, &event_type, parent) {
                return Err(report);
            }
            if is_heard { Ok(()) } else { Err(self.unheard(&event_type, stats.unheard(), parent)) }
        };
        match nodes.first() {
            Some(node) => count(node.stats())?,
            None => {
                let stats = self.others.get(&event_type);
                if is_heard {
                    stats.subscribed();
                }
                count(&stats)?;
            }
        }
        Ok(Lists::new(refs, tasks))
    }

    /// Says that nobody listens to what `parent` emitted.
    #[cold]
    pub(crate) fn unheard(
        &self,
        event_type: &str,
        tell: Option<&'static str>,
        parent: Option<&Parent>,
    ) -> Report {
        if let Some(text) = tell {
            tracing::warn!(event_type, "{text}");
        }
        if let Some(hook) = &self.settings.on_unhandled {
            hooks::call(self, "on_unhandled", event_type, parent, || hook(event_type));
        }
        Report::unheard()
    }

    /// Puts a failure where it is seen: the report, the log, the hook.
    #[cold]
    pub(crate) fn failed(&self, seat: &Seat, failure: HandlerFailure, notes: &mut Option<Box<More>>) {
        seat.failed.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        self.log(&failure);
        self.tell(&failure, cause::parent().as_ref());
        notes.more().failures.push(failure);
    }

    fn log(&self, failure: &HandlerFailure) {
        tracing::error!(
            handler = &*failure.handler,
            event_type = &*failure.event_type,
            correlation_id = cause::known().map(|cause| tracing::field::display(cause.root_id())),
            "{}",
            hooks::text(failure)
        );
    }

    fn tell(&self, failure: &HandlerFailure, parent: Option<&Parent>) {
        if let Some(hook) = &self.settings.on_error {
            hooks::call(self, "on_error", &failure.event_type, parent, || hook(failure));
        }
    }

    /// Settles what a call left behind; answers the events that it returned.
    #[cold]
    pub(crate) fn settle<S: Subject>(
        &self,
        seat: &Seat,
        event: &S,
        trouble: Trouble,
        notes: &mut Option<Box<More>>,
    ) -> Vec<fanfare_core::Output> {
        match trouble {
            Trouble::Returned(outputs) => return outputs,
            // Who met it sweeps, once.
            Trouble::OwnerGone => {}
            Trouble::Failed(error) => {
                let kind = FailureKind::of(&error);
                self.failed(seat, failure(seat, event.event_type(), kind, error), notes);
            }
        }
        Vec::new()
    }

    /// The cause of an emit that a handler makes, or the report that says why it is cut. `stats` are its type's, where that
    /// is known.
    #[cold]
    pub(crate) fn caused(
        &self,
        subject: &dyn AnySubject,
        parent: Option<Parent>,
        stats: Option<&Stats>,
    ) -> Result<Arc<Cause>, Report> {
        let cause = Cause::new(subject, parent.clone());
        let refusal = parent.as_ref().and_then(|parent| self.settings.storms.refusal(&cause, parent));
        let Some(storm) = refusal else { return Ok(cause) };
        match stats {
            Some(stats) => stats.cut(),
            None => self
                .names
                .load()
                .get(cause.event_type())
                .and_then(|nodes| nodes.first())
                .map_or((), |node| node.stats().cut()),
        }
        let failure = cut(subject.event_type(), storm);
        self.log(&failure);
        self.tell(&failure, parent.as_ref());
        Err(Report::of_failure(failure))
    }

    /// The report of an emit that is over its type's rate, if it is. The hook is told of the first one of a span of time alone:
    /// it may be what the storm is made of.
    #[cold]
    pub(crate) fn over_rate(
        &self,
        stats: &Stats,
        event_type: &str,
        parent: Option<&Parent>,
    ) -> Option<Report> {
        let (emits_max, per) = self.settings.storms.rate?;
        let now = self.settings.clock.monotonic();
        let over = stats.over_rate(now, emits_max, per);
        (over > 0).then(|| {
            stats.cut();
            let reason = format!("more than {emits_max} emits of one type in {per:?}");
            let mut chain = parent.map(|parent| parent.cause.chain()).unwrap_or_default();
            chain.push(event_type.into());
            let failure = cut(event_type.into(), Storm { reason, chain });
            self.log(&failure);
            if over == 1 {
                self.tell(&failure, parent);
            }
            Report::of_failure(failure)
        })
    }

    #[cold]
    pub(crate) fn panicked<S: Subject>(
        &self,
        seat: &Seat,
        event: &S,
        panic: &(dyn std::any::Any + Send),
        notes: &mut Option<Box<More>>,
    ) {
        let text = super::report::panic_text(panic);
        self.failed(seat, failure(seat, event.event_type(), FailureKind::Panic, text.into()), notes);
    }
}

pub(crate) fn failure(
    seat: &Seat,
    event_type: ByteString,
    kind: FailureKind,
    error: fanfare_core::BoxError,
) -> HandlerFailure {
    HandlerFailure { handler: seat.name.clone(), event_type, kind, error }
}

/// An emit was cut.
fn cut(event_type: ByteString, storm: Storm) -> HandlerFailure {
    let (handler, kind) = ("the storm guard".into(), FailureKind::Storm);
    HandlerFailure { handler, event_type, kind, error: storm.into() }
}
