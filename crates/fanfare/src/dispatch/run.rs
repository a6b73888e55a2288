//! One emit under way: its async handlers run at once, in slots that are used again.

use std::{
    any::Any,
    borrow::Borrow,
    cell::Cell,
    mem,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{BoxFuture, Output};

use super::{
    ask::Asked,
    cause::{self, Cause},
    emit,
    emit_sync::run_refs,
    handler::Trouble,
    inner::Inner,
    node::{Lists, Place, Slots, Stage, TaskEntry},
    report::{More, Notes, Report},
    subject::Subject,
};
use crate::sync::Guard;

/// An emit that has begun, polled on the stack of its first poll and boxed by that one if it goes on.
pub(crate) struct Run<I, S> {
    inner: I,
    /// Borrowed from the node while the emit may be over after one poll.
    lists: Guard<Arc<Lists<S>>>,
    event: Arc<S>,
    /// Known once somebody asked for it.
    cause: Option<Arc<Cause>>,
    /// Of handlers that go on after the first poll; those that are over with it run in slots of the lists. `None` before.
    slots: Option<Slots<S>>,
    ran: usize,
    aside: Aside,
}

/// What most emits have nothing of, so that they are made and dropped for the price of one word.
#[derive(Default)]
struct Aside(Option<Box<Rare>>);

#[derive(Default)]
struct Rare {
    /// Where one is asked for.
    span: Option<tracing::Span>,
    /// Which returned events are answers.
    asked: Option<Arc<Asked>>,
    notes: Option<Box<More>>,
    /// Events that handlers returned, one level deeper.
    returned: Vec<BoxFuture<'static, Report>>,
}

impl<I: Borrow<Arc<Inner>> + Unpin, S: Subject> Run<I, S> {
    #[inline]
    pub(crate) fn new(
        inner: I,
        lists: Guard<Arc<Lists<S>>>,
        event: Arc<S>,
        cause: Option<Arc<Cause>>,
    ) -> Self {
        let mut run = Self { inner, lists, event, cause, slots: None, ran: 0, aside: Aside::default() };
        if run.inner.borrow().settings.has_spans {
            run.watch();
        }
        run
    }

    /// The same, which keeps the answers among the events that handlers return.
    pub(crate) fn asking(mut self, asked: Option<Arc<Asked>>) -> Self {
        if asked.is_some() {
            self.aside.rare().asked = asked;
        }
        self
    }

    #[cold]
    fn watch(&mut self) {
        let cause = self.cause.get_or_insert_with(|| Cause::new(&*self.event, None));
        self.aside.rare().span = Some(emit::span(cause));
    }

    /// Begins it before it is polled: those that keep an order take their places now. Answers how many handlers run.
    pub(crate) fn start(&mut self) -> usize {
        let frame = cause::enter(S::STATIC_TYPE, self.cause.as_ref());
        let mut slots = self.lists.take_slots();
        let of = Of { inner: self.inner.borrow(), lists: &self.lists, event: &self.event };
        self.ran = of.call_refs(&mut self.aside) + of.admit(&mut slots);
        self.slots = Some(slots);
        drop(frame);
        self.ran
    }

    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        match self.aside.0.as_mut().and_then(|rare| rare.span.take()) {
            None => self.advance(cx),
            Some(span) => {
                let polled = span.in_scope(|| self.advance(cx));
                self.aside.rare().span = Some(span);
                polled
            }
        }
    }

    #[inline]
    fn advance(&mut self, cx: &mut Context<'_>) -> Poll<Report> {
        let frame = cause::enter(S::STATIC_TYPE, self.cause.as_ref());
        let is_first = self.slots.is_none();
        let running = if is_first { self.begin(cx) } else { self.go_on(cx) };
        let is_over = running == 0 && self.aside.0.is_none();
        if !is_over && self.cause.is_none() {
            self.cause = cause::known();
        }
        drop(frame);
        if is_over { Poll::Ready(Report::of(self.ran, None)) } else { self.linger(cx, running, is_first) }
    }

    /// Runs the synchronous handlers and polls the async ones for the first time; answers how many go on.
    #[inline]
    fn begin(&mut self, cx: &mut Context<'_>) -> usize {
        let Self { inner, lists, event, slots, ran, aside, .. } = self;
        let of = Of { inner: (*inner).borrow(), lists, event };
        if !lists.refs.is_empty() {
            *ran += of.call_refs(aside);
        }
        if lists.tasks.is_empty() {
            return 0;
        }
        lists.with_slots(|lent| {
            *ran += of.admit(lent);
            let Polled { running, left } = of.poll_tasks(lent, cx, aside);
            *ran -= left;
            if running > 0 {
                *slots = Some(mem::take(lent));
            }
            running
        })
    }

    #[cold]
    fn go_on(&mut self, cx: &mut Context<'_>) -> usize {
        let of = Of { inner: self.inner.borrow(), lists: &self.lists, event: &self.event };
        let Some(slots) = &mut self.slots else { return 0 };
        let Polled { running, left } = of.poll_tasks(slots, cx, &mut self.aside);
        self.ran -= left;
        if running == 0 && !slots.is_empty() {
            self.lists.give_slots(mem::take(slots));
        }
        running
    }

    /// Goes on with the events that handlers returned, and settles in where somebody is not done.
    #[cold]
    fn linger(&mut self, cx: &mut Context<'_>, running: usize, is_first: bool) -> Poll<Report> {
        self.ran += self.aside.poll_returned(cx);
        let rare = self.aside.rare();
        if running == 0 && rare.returned.is_empty() {
            return Poll::Ready(Report::of(self.ran, rare.notes.take()));
        }
        if is_first {
            self.lists = Guard::from_inner(Arc::clone(&self.lists));
            self.slots.get_or_insert_default();
        }
        Poll::Pending
    }
}

impl<I: Borrow<Arc<Inner>> + Unpin, S: Subject> Future for Run<I, S> {
    type Output = Report;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Report> {
        Run::poll(self.get_mut(), cx)
    }
}

/// What handlers are called with.
struct Of<'a, S> {
    inner: &'a Arc<Inner>,
    lists: &'a Lists<S>,
    event: &'a Arc<S>,
}

/// How many handlers go on, and how many have unsubscribed before they were begun.
struct Polled {
    running: usize,
    left: usize,
}

impl<S: Subject> Of<'_, S> {
    /// Runs the synchronous handlers; answers how many.
    fn call_refs(&self, aside: &mut Aside) -> usize {
        let mut notes = None;
        let ran = run_refs(self.inner, self.lists, &**self.event, &mut notes, |_, outputs| {
            self.emit_outputs(outputs, aside.rare());
            0
        });
        if notes.is_some() {
            aside.rare().notes = notes;
        }
        ran
    }

    /// Marks the async handlers that will run; answers how many.
    #[inline]
    fn admit(&self, slots: &mut [Place<S>]) -> usize {
        let mut admitted = 0;
        let mut used_up = false;
        for (entry, place) in self.lists.tasks.iter().zip(slots) {
            let is_admitted = entry.is_plain() || self.ask(entry, place, &mut used_up);
            place.stage = if is_admitted { Stage::Due } else { Stage::Idle };
            admitted += usize::from(is_admitted);
        }
        if used_up {
            self.inner.sweep(None);
        }
        admitted
    }

    /// For one that is not plain: whether it will run, in its place of its row.
    #[cold]
    fn ask(&self, entry: &TaskEntry<S>, place: &mut Place<S>, used_up: &mut bool) -> bool {
        cause::set_handler(entry.id);
        let is_admitted = entry.admit(|| entry.handler.is_wanted(&**self.event));
        *used_up |= is_admitted && entry.seat.is_once;
        if is_admitted && entry.seat.is_lined_up {
            line_up(place, self.event);
        }
        is_admitted
    }

    /// Polls the handlers that run, starting those that have not, but for those that have unsubscribed since; answers how many
    /// go on. One panic guard covers them all and is entered again behind one that panicked.
    fn poll_tasks(&self, slots: &mut [Place<S>], cx: &mut Context<'_>, aside: &mut Aside) -> Polled {
        let at = Cell::new(0);
        let running = Cell::new(0);
        let left = Cell::new(0);
        loop {
            let mut trouble = None;
            let caught = catch_unwind(AssertUnwindSafe(|| {
                let entries = self.lists.tasks.get(at.get()..).unwrap_or_default();
                let places = slots.get_mut(at.get()..).unwrap_or_default();
                for (entry, place) in entries.iter().zip(places) {
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
                    match place.slot.as_mut().run(self.event, cx, &mut trouble) {
                        Poll::Pending => running.set(running.get() + 1),
                        Poll::Ready(is_plain) => {
                            place.stage = Stage::Idle;
                            if !is_plain {
                                return false;
                            }
                        }
                    }
                }
                true
            }));
            if let Ok(true) = caught {
                break;
            }
            let Some(last) = slots.get_mut(at.get().wrapping_sub(1)) else { break };
            self.troubled(at.get() - 1, last, caught.err(), trouble, aside.rare());
        }
        Polled { running: running.get(), left: left.get() }
    }

    /// Sees to what one handler left behind.
    #[cold]
    fn troubled(
        &self,
        index: usize,
        place: &mut Place<S>,
        panic: Option<Box<dyn Any + Send>>,
        trouble: Option<Trouble>,
        rare: &mut Rare,
    ) {
        let Some(entry) = self.lists.tasks.get(index) else { return };
        match (panic, trouble) {
            (Some(panic), _) => {
                place.stage = Stage::Idle;
                clear(place);
                self.inner.panicked(&entry.seat, &**self.event, &*panic, &mut rare.notes);
            }
            (None, Some(trouble)) => {
                let outputs = self.inner.settle(&entry.seat, &**self.event, trouble, &mut rare.notes);
                self.emit_outputs(outputs, rare);
            }
            (None, None) => {}
        }
    }

    /// Emits what a handler returned, but for answers.
    #[cold]
    fn emit_outputs(&self, outputs: Vec<Output>, rare: &mut Rare) {
        let outputs = Asked::keep(rare.asked.as_deref(), outputs);
        let emits = outputs.into_iter().map(|output| emit::emit_output(self.inner, output, cause::parent()));
        rare.returned.extend(emits);
    }
}

impl Aside {
    #[cold]
    fn rare(&mut self) -> &mut Rare {
        self.0.get_or_insert_default()
    }

    /// Polls the emits of returned events; answers how many handlers ran in those that have ended.
    fn poll_returned(&mut self, cx: &mut Context<'_>) -> usize {
        let Some(rare) = &mut self.0 else { return 0 };
        let Rare { returned, notes, .. } = &mut **rare;
        let mut ran = 0;
        returned.retain_mut(|emit| match emit.as_mut().poll(cx) {
            Poll::Ready(report) => {
                ran += notes.absorb(report);
                false
            }
            Poll::Pending => true,
        });
        ran
    }
}

/// Takes a place in the row of the event's key. What panics here does so again when it is run, and is caught there.
fn line_up<S>(place: &mut Place<S>, event: &Arc<S>) {
    let _: Result<(), Box<dyn Any + Send>> =
        catch_unwind(AssertUnwindSafe(|| place.slot.as_mut().line_up(event)));
}

/// Drops what a panic left; if that panics too, the place has been emptied all the same.
#[cold]
fn clear<S>(place: &mut Place<S>) {
    let _: Result<(), Box<dyn Any + Send>> = catch_unwind(AssertUnwindSafe(|| place.slot.as_mut().clear()));
}
