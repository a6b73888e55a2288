//! Everything about one event type: who listens, as a list that is replaced as a whole, and the counts.

use std::{
    any::{Any, TypeId},
    pin::Pin,
    sync::{Arc, atomic::Ordering},
};

use bytestring::ByteString;
use fanfare_core::{BoxFuture, Descriptor, Event};

use super::{
    cause::Parent,
    emit,
    handler::{Entry, RefHandler, Seat, Slot, TaskHandler},
    inner::Inner,
    named,
    report::Report,
    snapshot::{HandlerSnapshot, TypeSnapshot},
    stats::Stats,
    subject::{Named, Subject},
    wild::Wild,
};
use crate::sync::{ArcSwap, Guard, Mutex};

pub(crate) type RefEntry<S> = Arc<Entry<dyn RefHandler<S>>>;
pub(crate) type TaskEntry<S> = Arc<Entry<dyn TaskHandler<S>>>;

/// An event type that the dispatcher has met.
pub(crate) struct Node<S> {
    lists: ArcSwap<Lists<S>>,
    pub(crate) stats: Stats,
}

/// Who listened when an emit began, in order of priority and subscription. Never changed.
pub(crate) struct Lists<S> {
    pub(crate) refs: Box<[RefEntry<S>]>,
    pub(crate) tasks: Box<[TaskEntry<S>]>,
    /// A set of slots, one per entry of `tasks`, for an emit that is over after one poll. Held while handlers run, and so
    /// never waited for; none where none were needed yet, or an emit went on with them.
    at_hand: Mutex<Option<Slots<S>>>,
    /// Further sets, for emits at the same time.
    idle: Mutex<Vec<Slots<S>>>,
}

pub(crate) type Slots<S> = Vec<Place<S>>;

/// A slot and how far the handler in it is.
pub(crate) struct Place<S> {
    pub(crate) stage: Stage,
    pub(crate) slot: Pin<Box<dyn Slot<S>>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// None runs in it.
    Idle,
    /// It is to run, and has not begun.
    Due,
    Running,
}

/// What is dropped once the registrar is free again: a handler's own drop may subscribe.
pub(crate) type Garbage = Arc<dyn Any + Send + Sync>;

/// How many sets of slots wait at most: as many emits of one type run at once without an allocation.
const IDLE_MAX: usize = 16;

impl<S: Subject> Lists<S> {
    pub(crate) fn new(mut refs: Vec<RefEntry<S>>, mut tasks: Vec<TaskEntry<S>>) -> Self {
        fn order(seat: &Seat) -> (std::cmp::Reverse<i32>, u64) {
            (std::cmp::Reverse(seat.priority), seat.id)
        }
        refs.sort_by_key(|entry| order(&entry.seat));
        tasks.sort_by_key(|entry| order(&entry.seat));
        Self { refs: refs.into(), tasks: tasks.into(), at_hand: Mutex::default(), idle: Mutex::default() }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.refs.is_empty() && self.tasks.is_empty()
    }

    /// Lends slots for the first poll of an emit, which takes them along where it goes on.
    #[inline]
    pub(crate) fn with_slots<T>(&self, run: impl FnOnce(&mut Slots<S>) -> T) -> T {
        let mut at_hand = self.at_hand.try_lock();
        // Taken out, so that a panic drops what is left in them.
        let kept = at_hand.as_deref_mut().and_then(Option::take);
        let mut slots = kept.unwrap_or_else(|| self.take_slots());
        let outcome = run(&mut slots);
        match at_hand {
            _ if slots.is_empty() => {}
            Some(mut at_hand) => *at_hand = Some(slots),
            None => self.give_slots(slots),
        }
        outcome
    }

    #[cold]
    pub(crate) fn take_slots(&self) -> Slots<S> {
        let idle = self.idle.lock().pop();
        let place = |entry: &TaskEntry<S>| Place { stage: Stage::Idle, slot: entry.handler.slot() };
        idle.unwrap_or_else(|| self.tasks.iter().map(place).collect())
    }

    /// Gives back slots whose runs have all ended.
    #[cold]
    pub(crate) fn give_slots(&self, slots: Slots<S>) {
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(slots);
        }
    }
}

impl<S: Subject> Node<S> {
    pub(crate) fn new() -> Self {
        Self { lists: ArcSwap::from_pointee(Lists::new(Vec::new(), Vec::new())), stats: Stats::default() }
    }

    /// Who listens now. Takes no lock and writes nothing that another thread reads.
    #[inline]
    pub(crate) fn lists(&self) -> Guard<Arc<Lists<S>>> {
        self.lists.load()
    }

    /// Replaces the lists. The caller holds the registrar, so that no change is lost.
    fn change(&self, change: impl FnOnce(&mut Vec<RefEntry<S>>, &mut Vec<TaskEntry<S>>)) -> Garbage {
        let lists = self.lists.load();
        let stays = |entry: &&RefEntry<S>| !entry.is_gone() && !entry.handler.is_over();
        let mut refs: Vec<_> = lists.refs.iter().filter(stays).cloned().collect();
        let stays = |entry: &&TaskEntry<S>| !entry.is_gone() && !entry.handler.is_over();
        let mut tasks: Vec<_> = lists.tasks.iter().filter(stays).cloned().collect();
        change(&mut refs, &mut tasks);
        self.lists.swap(Arc::new(Lists::new(refs, tasks)))
    }

    pub(crate) fn add_ref(&self, entry: RefEntry<S>) -> Garbage {
        self.stats.subscribed();
        entry.since.store(self.stats.heard(), Ordering::Relaxed);
        self.change(|refs, _| refs.push(entry))
    }

    pub(crate) fn add_task(&self, entry: TaskEntry<S>) -> Garbage {
        self.stats.subscribed();
        entry.since.store(self.stats.heard(), Ordering::Relaxed);
        self.change(|_, tasks| tasks.push(entry))
    }

    /// Adds what stands for a subscription to events of many types, if it takes this one.
    pub(crate) fn add_wild_to(&self, event_type: &str, wild: &Wild) -> Option<Garbage> {
        wild.takes(event_type).then(|| match wild.entry() {
            Ok(entry) => self.add_ref(entry),
            Err(entry) => self.add_task(entry),
        })
    }
}

/// A node whose event type is not known to the caller.
pub(crate) trait AnyNode: Send + Sync {
    fn event_id(&self) -> TypeId;
    fn snapshot(&self) -> TypeSnapshot;
    /// Leaves out what is gone. The caller holds the registrar.
    fn sweep(&self) -> Garbage;
    /// Adds a subscription to events of many types, if it takes this one. The caller holds the registrar.
    fn add_wild(&self, wild: &Wild) -> Option<Garbage>;
    /// Emits an event that a handler returned: a `Box<E>`.
    fn emit_boxed(
        &self,
        inner: &Arc<Inner>,
        event: Box<dyn Any + Send + Sync>,
        parent: Option<Parent>,
    ) -> BoxFuture<'static, Report>;
    fn emit_boxed_sync(&self, inner: &Arc<Inner>, event: Box<dyn Any + Send + Sync>) -> Report;
    fn descriptor(&self) -> Descriptor;
    fn stats(&self) -> &Stats;
    /// Adds what stands for its handlers where an event of its name is emitted raw; none for an event that never
    /// leaves its process.
    fn add_named(&self, refs: &mut Vec<RefEntry<Named>>, tasks: &mut Vec<TaskEntry<Named>>);
}

impl<E: Event> AnyNode for Node<E> {
    fn event_id(&self) -> TypeId {
        TypeId::of::<E>()
    }

    fn snapshot(&self) -> TypeSnapshot {
        let (lists, heard) = (self.lists(), self.stats.heard());
        let refs = lists.refs.iter().filter(|entry| !entry.is_gone() && !entry.handler.is_over());
        let refs = refs.map(|entry| of_seat(&entry.seat, false, entry.called(heard)));
        let tasks = lists.tasks.iter().filter(|entry| !entry.is_gone() && !entry.handler.is_over());
        let tasks = tasks.map(|entry| of_seat(&entry.seat, true, entry.called(heard)));
        TypeSnapshot {
            event_type: ByteString::from_static(E::TYPE),
            emitted: self.stats.emitted.sum(),
            unheard: self.stats.unheard_count(),
            handlers: refs.chain(tasks).collect(),
        }
    }

    fn sweep(&self) -> Garbage {
        self.change(|_, _| {})
    }

    fn add_wild(&self, wild: &Wild) -> Option<Garbage> {
        self.add_wild_to(E::TYPE, wild)
    }

    fn emit_boxed(
        &self,
        inner: &Arc<Inner>,
        event: Box<dyn Any + Send + Sync>,
        parent: Option<Parent>,
    ) -> BoxFuture<'static, Report> {
        let event = event.downcast::<E>().expect("the event is found by its own type");
        let inner = inner.clone();
        Box::pin(async move { emit::typed(&inner, *event, parent, None).await })
    }

    fn emit_boxed_sync(&self, inner: &Arc<Inner>, event: Box<dyn Any + Send + Sync>) -> Report {
        let event = event.downcast::<E>().expect("the event is found by its own type");
        super::emit_sync::shared::<E>(inner, &Arc::from(event))
    }

    fn descriptor(&self) -> Descriptor {
        Descriptor::of::<E>()
    }

    fn stats(&self) -> &Stats {
        &self.stats
    }

    fn add_named(&self, refs: &mut Vec<RefEntry<Named>>, tasks: &mut Vec<TaskEntry<Named>>) {
        if E::PORTABLE {
            let lists = self.lists();
            refs.extend(lists.refs.iter().filter(|entry| entry.is_own()).map(named::of_ref));
            tasks.extend(lists.tasks.iter().filter(|entry| entry.is_own()).map(named::of_task));
        }
    }
}

pub(crate) fn of_seat(seat: &Seat, is_async: bool, called: u64) -> HandlerSnapshot {
    HandlerSnapshot {
        name: seat.name.clone(),
        priority: seat.priority,
        is_async,
        location: seat.location,
        called,
        failed: seat.failed.load(Ordering::Relaxed),
        latencies: seat.chain.iter().find_map(|middleware| middleware.latencies(&seat.name)),
    }
}
