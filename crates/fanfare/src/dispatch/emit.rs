//! `emit`: all handlers of an event at once, on whatever executor polls it.

use std::{
    any::Any,
    borrow::Borrow,
    cell::Cell,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{BoxFuture, Emit, Emitted, Event, Metadata, Output};

use super::{
    ask::Asked,
    cause::{self, Cause, Parent},
    emit_sync::run_refs,
    inner::Inner,
    node::{Lists, Slots, Stage},
    report::{More, Notes, Report},
    subject::{Named, Subject},
};
use crate::sync::Guard;

/// Emits what [`Dispatcher::emit`](super::Dispatcher::emit) was given. An emit whose handlers are ready at once lives on
/// the stack of its only poll; one that goes on is put into a box.
pub(crate) fn any<T: Emit>(
    inner: &Arc<Inner>,
    event: T,
    parent: Option<Parent>,
) -> impl Future<Output = Report> + Send + use<'_, T> {
    let mut start = Some((event, parent));
    let mut later = None;
    poll_fn(move |cx| match start.take() {
        Some((event, parent)) => match event.into_emitted() {
            Emitted::Typed(event) => first(begin(inner, event, parent, None), cx, &mut later),
            Emitted::Raw(event) => first(begin_named(inner, inner.raw(event), parent, None), cx, &mut later),
        },
        None => later.as_mut().expect("an emit is not polled after its end").as_mut().poll(cx),
    })
}

/// Polls an emit that has begun, and keeps it if it goes on.
fn first<'a, S: Subject>(
    begun: Result<Run<&'a Arc<Inner>, S>, Report>,
    cx: &mut Context<'_>,
    later: &mut Option<BoxFuture<'a, Report>>,
) -> Poll<Report> {
    let mut run = match begun {
        Ok(run) => run,
        Err(report) => return Poll::Ready(report),
    };
    let polled = run.poll(cx);
    if polled.is_pending() {
        *later = Some(Box::pin(run));
    }
    polled
}

/// Emits an event of a type known at compile time.
pub(crate) async fn typed<E: Event>(
    inner: &Arc<Inner>,
    event: E,
    parent: Option<Parent>,
    asked: Option<Asked>,
) -> Report {
    match begin(inner, event, parent, asked) {
        Ok(run) => run.await,
        Err(report) => report,
    }
}

/// Emits an event that came over the bridge, with its attributes.
pub(crate) async fn received<E: Event>(inner: &Arc<Inner>, event: Emitted<E>, metadata: Metadata) -> Report {
    let event = match event {
        Emitted::Typed(event) => event,
        Emitted::Raw(event) => {
            let event = inner.raw(event);
            let lists = match inner.named_lists(&event) {
                Ok(lists) => Guard::from_inner(Arc::new(lists)),
                Err(report) => return report,
            };
            let cause = Cause::received(&event, &metadata);
            return Run::new(inner, lists, Arc::new(event), Some(cause), None).watched().await;
        }
    };
    let node = inner.node::<E>();
    node.stats.emitted.add();
    if let Some(report) = inner.over_rate(&node.stats, E::TYPE) {
        return report;
    }
    // Not borrowed: the guard of a borrowed one is no value to keep across threads.
    let lists = Guard::from_inner(Arc::clone(&node.lists()));
    if lists.is_empty() {
        return inner.unheard(E::TYPE, node.stats.unheard());
    }
    let cause = Cause::received(&event, &metadata);
    Run::new(inner, lists, Arc::new(event), Some(cause), None).watched().await
}

/// The span of an emit.
pub(crate) fn span(cause: &Cause) -> tracing::Span {
    tracing::info_span!(
        "emit",
        event_type = cause.event_type(),
        event_id = %cause.id(),
        correlation_id = %cause.root_id(),
        causation_id = cause.parent_id().map(tracing::field::display),
    )
}

/// Emits an event whose type is known by its name.
pub(crate) async fn named(
    inner: &Arc<Inner>,
    event: Named,
    parent: Option<Parent>,
    asked: Option<Asked>,
) -> Report {
    match begin_named(inner, event, parent, asked) {
        Ok(run) => run.await,
        Err(report) => report,
    }
}

/// An emit that has begun, or the report of one that goes no further.
#[inline]
fn begin<E: Event>(
    inner: &Arc<Inner>,
    event: E,
    parent: Option<Parent>,
    asked: Option<Asked>,
) -> Result<Run<&Arc<Inner>, E>, Report> {
    let node = inner.node::<E>();
    node.stats.emitted.add();
    let is_watched = inner.settings.is_watched;
    if is_watched && let Some(report) = inner.over_rate(&node.stats, E::TYPE) {
        return Err(report);
    }
    let lists = node.lists();
    if lists.is_empty() {
        return Err(inner.unheard(E::TYPE, node.stats.unheard()));
    }
    let cause = parent.map(|parent| inner.caused(&event, Some(parent), Some(&node.stats))).transpose()?;
    let run = Run::new(inner, lists, Arc::new(event), cause, asked);
    Ok(if is_watched { run.watched() } else { run })
}

fn begin_named(
    inner: &Arc<Inner>,
    event: Named,
    parent: Option<Parent>,
    asked: Option<Asked>,
) -> Result<Run<&Arc<Inner>, Named>, Report> {
    let lists = Guard::from_inner(Arc::new(inner.named_lists(&event)?));
    let cause = inner.caused(&event, parent, None)?;
    Ok(Run::new(inner, lists, Arc::new(event), Some(cause), asked).watched())
}

/// Runs handlers of an event that others have heard already, as part of the same emit; answers how many there are. Those that
/// keep an order take their places now.
pub(crate) fn tasks_of<S: Subject>(
    inner: &Arc<Inner>,
    lists: Lists<S>,
    event: Arc<S>,
    cause: Option<Arc<Cause>>,
) -> (usize, impl Future<Output = Report> + Send + use<S>) {
    let run = Run::new(inner.clone(), Guard::from_inner(Arc::new(lists)), event, cause, None).started();
    (run.ran, run)
}

/// One emit under way.
struct Run<I, S> {
    inner: I,
    /// Borrowed from the node while the emit may be over after one poll.
    lists: Guard<Arc<Lists<S>>>,
    event: Arc<S>,
    /// Known once somebody asked for it.
    cause: Option<Arc<Cause>>,
    /// Which returned events are answers.
    asked: Option<Asked>,
    /// Where one is asked for.
    span: Option<Box<tracing::Span>>,
    /// `None` before the first poll.
    slots: Option<Slots<S>>,
    /// Events that handlers returned, one level deeper.
    returned: Vec<BoxFuture<'static, Report>>,
    ran: usize,
    notes: Option<Box<More>>,
}

impl<I: Borrow<Arc<Inner>> + Unpin, S: Subject> Run<I, S> {
    #[inline]
    fn new(
        inner: I,
        lists: Guard<Arc<Lists<S>>>,
        event: Arc<S>,
        cause: Option<Arc<Cause>>,
        asked: Option<Asked>,
    ) -> Self {
        Self {
            inner,
            lists,
            event,
            cause,
            asked,
            span: None,
            slots: None,
            returned: Vec::new(),
            ran: 0,
            notes: None,
        }
    }

    /// Gives it a span, where one is asked for.
    #[cold]
    fn watched(mut self) -> Self {
        if self.inner.borrow().settings.has_spans {
            let cause = self.cause.get_or_insert_with(|| Cause::new(&*self.event, None));
            self.span = Some(Box::new(span(cause)));
        }
        self
    }

    /// Begins it before it is polled: those that keep an order take their places now.
    fn started(mut self) -> Self {
        let frame = cause::enter(S::STATIC_TYPE, self.cause.as_ref());
        self.start();
        drop(frame);
        self
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        match self.span.take() {
            None => self.advance(cx),
            Some(span) => {
                let polled = span.in_scope(|| self.advance(cx));
                self.span = Some(span);
                polled
            }
        }
    }

    #[inline]
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        let frame = cause::enter(S::STATIC_TYPE, self.cause.as_ref());
        let is_first = self.slots.is_none();
        if is_first {
            self.start();
        }
        let running = self.poll_tasks(cx);
        if self.cause.is_none() {
            self.cause = cause::known();
        }
        drop(frame);
        self.poll_returned(cx);
        if running > 0 || !self.returned.is_empty() {
            if is_first {
                self.lists = Guard::from_inner(Arc::clone(&self.lists));
            }
            return Poll::Pending;
        }
        if let Some(slots) = self.slots.take() {
            self.lists.give_slots(slots);
        }
        Poll::Ready(Report::of(self.ran, self.notes.take()))
    }

    /// Runs the synchronous handlers and marks the async ones that will run.
    fn start(&mut self) {
        let Self { inner, lists, event, returned, notes, asked, .. } = self;
        let inner: &Arc<Inner> = (*inner).borrow();
        self.ran += run_refs(inner, lists, &**event, notes, |_, outputs| {
            let outputs = Asked::keep(asked.as_ref(), outputs);
            returned.extend(outputs.into_iter().map(|output| emit_output(inner, output, cause::parent())));
            0
        });
        let mut slots = if self.lists.tasks.is_empty() { Vec::new() } else { self.lists.take_slots() };
        let mut used_up = false;
        for (entry, place) in self.lists.tasks.iter().zip(&mut slots) {
            let is_admitted = entry.is_plain() || {
                cause::set_handler(entry.id);
                let is_admitted = entry.admit(|| entry.handler.is_wanted(&*self.event));
                used_up |= is_admitted && entry.seat.is_once;
                is_admitted
            };
            place.stage = if is_admitted { Stage::Due } else { Stage::Idle };
            if is_admitted {
                self.ran += 1;
                if entry.seat.is_lined_up {
                    line_up(place, &self.event);
                }
            }
        }
        if used_up {
            self.inner.borrow().sweep(None);
        }
        self.slots = Some(slots);
    }

    /// Polls the handlers that run, starting those that have not, but for those that have unsubscribed since; answers how many
    /// go on. One panic guard covers
    /// them all and is entered again behind one that panicked.
    fn poll_tasks(&mut self, cx: &mut Context<'_>) -> usize {
        let Some(mut slots) = self.slots.take() else { return 0 };
        let at = Cell::new(0);
        let running = Cell::new(0);
        let left = Cell::new(0);
        loop {
            let mut trouble = None;
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let entries = self.lists.tasks.iter().zip(&mut slots).skip(at.get());
                for (entry, place) in entries {
                    at.set(at.get() + 1);
                    match place.stage {
                        Stage::Idle => continue,
                        Stage::Due if entry.has_left(|| entry.handler.is_over()) => {
                            left.set(left.get() + 1);
                            place.stage = Stage::Idle;
                            clear(place);
                            continue;
                        }
                        Stage::Due | Stage::Running => place.stage = Stage::Running,
                    }
                    cause::set_handler(entry.id);
                    match place.slot.as_mut().run(&self.event, cx, &mut trouble) {
                        Poll::Pending => running.set(running.get() + 1),
                        Poll::Ready(true) => place.stage = Stage::Idle,
                        Poll::Ready(false) => {
                            place.stage = Stage::Idle;
                            return;
                        }
                    }
                }
            }));
            if caught.is_ok() && trouble.is_none() {
                break;
            }
            let last = at.get().wrapping_sub(1);
            let (Some(entry), Some(place)) = (self.lists.tasks.get(last), slots.get_mut(last)) else { break };
            match (caught, trouble) {
                (Err(panic), _) => {
                    place.stage = Stage::Idle;
                    clear(place);
                    self.inner.borrow().panicked(&entry.seat, &*self.event, &*panic, &mut self.notes);
                }
                (Ok(()), Some(trouble)) => {
                    let outputs =
                        self.inner.borrow().settle(&entry.seat, &*self.event, trouble, &mut self.notes);
                    let outputs = Asked::keep(self.asked.as_ref(), outputs);
                    let emits = outputs
                        .into_iter()
                        .map(|output| emit_output(self.inner.borrow(), output, cause::parent()));
                    self.returned.extend(emits);
                }
                (Ok(()), None) => {}
            }
        }
        self.slots = Some(slots);
        self.ran -= left.get();
        running.get()
    }

    fn poll_returned(&mut self, cx: &mut Context<'_>) {
        let Self { returned, notes, ran, .. } = self;
        returned.retain_mut(|emit| match emit.as_mut().poll(cx) {
            Poll::Ready(report) => {
                *ran += notes.absorb(report);
                false
            }
            Poll::Pending => true,
        });
    }
}

/// Takes a place in the row of the event's key. What panics here does so again when it is run, and is caught there.
#[cold]
fn line_up<S>(place: &mut super::node::Place<S>, event: &Arc<S>) {
    let _: Result<(), Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(|| place.slot.as_mut().line_up(event)));
}

impl<I: Borrow<Arc<Inner>> + Unpin, S: Subject> Future for Run<I, S> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        Run::poll(self.get_mut(), cx)
    }
}

/// Drops what a panic left; if that panics too, the place has been emptied all the same.
fn clear<S>(place: &mut super::node::Place<S>) {
    let _: Result<(), Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(|| place.slot.as_mut().clear()));
}

/// Emits an event that a handler returned, one level deeper.
fn emit_output(inner: &Arc<Inner>, output: Output, parent: Option<Parent>) -> BoxFuture<'static, Report> {
    let event = match output {
        Output::Raw(raw) => inner.raw(raw),
        Output::Typed { descriptor, key, event, encode } => {
            match inner.table.get_erased((*event).type_id()) {
                Some(node) => return node.emit_boxed(inner, event, parent),
                None => Named::Output { descriptor, key, event, encode },
            }
        }
        _ => return Box::pin(async { Report::default() }),
    };
    let inner = inner.clone();
    Box::pin(async move { named(&inner, event, parent, None).await })
}
