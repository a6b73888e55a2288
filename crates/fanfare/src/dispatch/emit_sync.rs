//! `emit_sync`: the handlers of `&E` on the caller's thread, the async ones on the attached runtime.

use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use fanfare_core::{Event, Output};

use super::{
    cause::{self, Cause},
    emit,
    inner::Inner,
    node::{Lists, Node, RefEntry},
    report::Report,
    subject::{AnySubject, Named, Subject},
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
    node.emitted.add();
    let lists = node.lists();
    if lists.is_empty() {
        return unheard(inner, node);
    }
    if cause::is_nested() {
        return nested(inner, &lists, event, own);
    }
    run(inner, &lists, event, None, own)
}

#[cold]
fn unheard<E: Event>(inner: &Inner, node: &Node<E>) -> Report {
    inner.unheard(E::TYPE, node.unheard())
}

#[cold]
fn nested<E: Event>(
    inner: &Arc<Inner>,
    lists: &Lists<E>,
    event: &E,
    own: impl FnOnce() -> Option<Arc<E>>,
) -> Report {
    let cause = Cause::new(event, cause::parent());
    run(inner, lists, event, Some(&cause), own)
}

/// Emits an event whose type is known by its name.
pub(crate) fn named(inner: &Arc<Inner>, event: Named) -> Report {
    let lists = inner.named_lists(&event);
    if lists.is_empty() {
        return inner.unheard(&event.event_type(), None);
    }
    let cause = Cause::new(&event, cause::parent());
    let event = Arc::new(event);
    run(inner, &lists, &*event, Some(&cause), || Some(event.clone()))
}

/// `own` gives async handlers an event that they may keep.
#[inline]
fn run<S: Subject>(
    inner: &Arc<Inner>,
    lists: &Lists<S>,
    event: &S,
    cause: Option<&Arc<Cause>>,
    own: impl FnOnce() -> Option<Arc<S>>,
) -> Report {
    let _frame = cause::enter(S::STATIC_TYPE, cause);
    let mut report = Report::default();
    if !lists.refs.is_empty() {
        run_refs(inner, lists, event, &mut report, |report, outputs| {
            for output in outputs {
                report.absorb(emit_output(inner, output));
            }
        });
    }
    if !lists.tasks.is_empty() {
        hand_over(inner, lists, own(), &mut report);
    }
    report
}

/// Runs the handlers of `&S` in order. One panic guard covers them all and is entered again behind one that panicked.
#[inline]
pub(crate) fn run_refs<S: Subject>(
    inner: &Arc<Inner>,
    lists: &Lists<S>,
    event: &S,
    report: &mut Report,
    mut returned: impl FnMut(&mut Report, Vec<Output>),
) {
    let at = Cell::new(0);
    let skipped = Cell::new(0);
    loop {
        let mut trouble = None;
        let caught = catch_unwind(AssertUnwindSafe(|| {
            for entry in lists.refs.get(at.get()..).unwrap_or_default() {
                at.set(at.get() + 1);
                if !entry.is_plain() && !is_admitted(inner, entry, event) {
                    skipped.set(skipped.get() + 1);
                    continue;
                }
                cause::set_handler(entry.id);
                if !entry.handler.call(event, &mut trouble) {
                    return;
                }
            }
        }));
        if caught.is_ok() && trouble.is_none() {
            break;
        }
        let Some(entry) = lists.refs.get(at.get().wrapping_sub(1)) else { break };
        match (caught, trouble) {
            (Err(panic), _) => inner.panicked(&entry.seat, event, &*panic, report),
            (Ok(()), Some(trouble)) => {
                let outputs = inner.settle(&entry.seat, event, trouble, report);
                if !outputs.is_empty() {
                    returned(report, outputs);
                }
            }
            (Ok(()), None) => {}
        }
    }
    report.ran += at.get() - skipped.get();
}

#[cold]
fn is_admitted<S: Subject>(inner: &Inner, entry: &RefEntry<S>, event: &S) -> bool {
    cause::set_handler(entry.id);
    let is_admitted = entry.admit(|| entry.handler.is_wanted(event));
    if is_admitted && entry.seat.is_once {
        inner.sweep(None);
    }
    is_admitted
}

/// Emits an event that a handler returned, one level deeper.
fn emit_output(inner: &Arc<Inner>, output: Output) -> Report {
    match output {
        Output::Raw(raw) => named(inner, Named::Raw(raw)),
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
fn hand_over<S: Subject>(inner: &Arc<Inner>, lists: &Lists<S>, event: Option<Arc<S>>, report: &mut Report) {
    let names = || lists.tasks.iter().map(|entry| entry.seat.name.clone());
    let Some(event) = event else {
        report.more().not_run.extend(names());
        return;
    };
    let tasks = Lists::new(Vec::new(), lists.tasks.to_vec());
    let run = emit::tasks_of(inner, tasks, event, cause::known());
    match inner.spawn(Box::pin(async move { drop(run.await) })) {
        Ok(()) => report.more().handed_over += lists.tasks.len(),
        Err(_) => report.more().not_run.extend(names()),
    }
}
