//! `emit_sync`: the handlers of `&E` on the caller's thread, the async ones on the attached runtime.

use std::{
    any::Any,
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, atomic::Ordering::Relaxed},
};

use fanfare_core::{Event, Output};

use super::{
    cause, emit,
    handler::Trouble,
    inner::Inner,
    node::{Lists, Node, RefEntry},
    report::{More, Notes, Report},
    subject::{Named, Subject},
};

/// Emits an event that the caller keeps.
#[inline]
pub(crate) fn by_ref<E: Event>(inner: &Arc<Inner>, event: &E) -> Report {
    of_node(inner, event, || event.clone_event().map(Arc::new))
}

/// Emits an event that need not be cloned for async handlers.
pub(crate) fn shared<E: Event>(inner: &Arc<Inner>, event: &Arc<E>) -> Report {
    of_node(inner, &**event, || Some(event.clone()))
}

#[inline]
fn of_node<E: Event>(inner: &Arc<Inner>, event: &E, own: impl FnOnce() -> Option<Arc<E>>) -> Report {
    let node = inner.node::<E>();
    node.stats.emitted.add();
    if inner.settings.is_watched
        && let Some(report) = over_rate(inner, node)
    {
        return report;
    }
    let lists = node.lists();
    if lists.is_empty() {
        return unheard(inner, node);
    }
    if cause::is_nested() || inner.settings.is_watched {
        return known(inner, node, &lists, event, own);
    }
    let frame = cause::enter_root(E::STATIC_TYPE);
    run(inner, &lists, event, frame, own)
}

#[cold]
fn over_rate<E: Event>(inner: &Inner, node: &Node<E>) -> Option<Report> {
    inner.over_rate(&node.stats, E::TYPE, cause::parent().as_ref())
}

#[cold]
fn unheard<E: Event>(inner: &Inner, node: &Node<E>) -> Report {
    inner.unheard(E::TYPE, node.stats.unheard(), cause::parent().as_ref())
}

#[cold]
fn known<E: Event>(
    inner: &Arc<Inner>,
    node: &Node<E>,
    lists: &Lists<E>,
    event: &E,
    own: impl FnOnce() -> Option<Arc<E>>,
) -> Report {
    match inner.caused(event, cause::parent(), Some(&node.stats)) {
        Ok(cause) => {
            let run = || run(inner, lists, event, cause::enter(E::STATIC_TYPE, Some(&cause)), own);
            if inner.settings.has_spans { emit::span(&cause).in_scope(run) } else { run() }
        }
        Err(report) => report,
    }
}

/// Emits an event whose type is known by its name.
pub(crate) fn named(inner: &Arc<Inner>, event: Named) -> Report {
    let parent = cause::parent();
    let lists = match inner.named_lists(&event, parent.as_ref()) {
        Ok(lists) => lists,
        Err(report) => return report,
    };
    let cause = match inner.caused(&event, parent, None) {
        Ok(cause) => cause,
        Err(report) => return report,
    };
    let event = Arc::new(event);
    let run = || run(inner, &lists, &*event, cause::enter("", Some(&cause)), || Some(event.clone()));
    if inner.settings.has_spans { emit::span(&cause).in_scope(run) } else { run() }
}

/// Runs the handlers in a frame. `own` gives async ones an event that they may keep.
#[inline]
fn run<S: Subject, F>(
    inner: &Arc<Inner>,
    lists: &Lists<S>,
    event: &S,
    frame: F,
    own: impl FnOnce() -> Option<Arc<S>>,
) -> Report {
    let mut notes = None;
    let ran = run_refs(inner, lists, event, &mut notes, |notes, outputs| {
        outputs.into_iter().map(|output| notes.absorb(emit_output(inner, output))).sum()
    });
    if !lists.tasks.is_empty() {
        hand_over(inner, lists, event, own(), &mut notes);
    }
    drop(frame);
    Report::of(ran, notes)
}

/// Runs the handlers of `&S` in order; answers how many ran. One panic guard covers them all and is entered again
/// behind one that panicked. `returned` takes the events that a handler returned and answers how many more ran.
#[inline]
pub(crate) fn run_refs<S: Subject>(
    inner: &Arc<Inner>,
    lists: &Lists<S>,
    event: &S,
    notes: &mut Option<Box<More>>,
    mut returned: impl FnMut(&mut Option<Box<More>>, Vec<Output>) -> usize,
) -> usize {
    let at = Cell::new(0);
    let skipped = Cell::new(0);
    // Whether somebody was met who is gone, or goes with this call.
    let has_gone = Cell::new(false);
    let mut ran = 0;
    loop {
        let mut trouble = None;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            for entry in lists.refs.get(at.get()..).unwrap_or_default() {
                at.set(at.get() + 1);
                if !entry.is_plain() && !is_admitted(entry, event, &has_gone) {
                    skipped.set(skipped.get() + 1);
                    continue;
                }
                cause::set_handler(entry.id);
                if !entry.handler.call(event, &mut trouble) {
                    return false;
                }
            }
            true
        }));
        if let Ok(true) = caught {
            if has_gone.get() {
                inner.sweep(None);
            }
            return ran + at.get() - skipped.get();
        }
        let Some(entry) = lists.refs.get(at.get().wrapping_sub(1)) else { return ran };
        if let Some(Trouble::OwnerGone) = trouble {
            skipped.set(skipped.get() + 1);
            has_gone.set(true);
        }
        ran += troubled(inner, entry, event, caught.err(), trouble, notes, &mut returned);
    }
}

/// Sees to what one handler left behind; answers how many others ran on the events that it returned.
#[cold]
fn troubled<S: Subject>(
    inner: &Inner,
    entry: &RefEntry<S>,
    event: &S,
    panic: Option<Box<dyn Any + Send>>,
    trouble: Option<Trouble>,
    notes: &mut Option<Box<More>>,
    returned: &mut impl FnMut(&mut Option<Box<More>>, Vec<Output>) -> usize,
) -> usize {
    let outputs = match (panic, trouble) {
        (Some(panic), _) => {
            inner.panicked(&entry.seat, event, &*panic, notes);
            Vec::new()
        }
        (None, Some(trouble)) => inner.settle(&entry.seat, event, trouble, notes),
        (None, None) => Vec::new(),
    };
    if outputs.is_empty() { 0 } else { returned(notes, outputs) }
}

#[cold]
fn is_admitted<S: Subject>(entry: &RefEntry<S>, event: &S, has_gone: &Cell<bool>) -> bool {
    cause::set_handler(entry.id);
    let is_admitted = entry.admit(|| entry.handler.is_wanted(event));
    has_gone.set(has_gone.get() || (is_admitted && entry.seat.is_once));
    is_admitted
}

/// Emits an event that a handler returned, one level deeper.
fn emit_output(inner: &Arc<Inner>, output: Output) -> Report {
    match output {
        Output::Raw(raw) => named(inner, inner.raw(raw)),
        Output::Typed { descriptor, key, event, encode } => {
            match inner.table.get_erased((*event).type_id()) {
                Some(node) => node.emit_boxed_sync(inner, event),
                None => named(inner, Named::Output { descriptor, key, event, encode }),
            }
        }
        _ => Report::default(),
    }
}

/// Gives the async handlers to the runtime, or says in the report that they could not run.
#[cold]
fn hand_over<S: Subject>(
    inner: &Arc<Inner>,
    lists: &Lists<S>,
    event: &S,
    own: Option<Arc<S>>,
    notes: &mut Option<Box<More>>,
) {
    let Some(own) = own.filter(|_| inner.can_spawn()) else {
        for entry in lists.tasks.iter().filter(|entry| entry.would_admit(|| entry.handler.would_take(event)))
        {
            entry.seat.missed.fetch_add(1, Relaxed);
            notes.more().not_run.push(entry.seat.name.clone());
        }
        return;
    };
    let tasks = Lists::new(Vec::new(), lists.tasks.to_vec());
    let (wanted, run) = emit::tasks_of(inner, tasks, own, cause::known());
    if wanted > 0 {
        inner.spawn(Box::pin(async move { run.await.ignore() }));
        notes.more().handed_over += wanted;
    }
}
