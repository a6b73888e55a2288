//! `emit`: all handlers of an event at once, on whatever executor polls it.

use std::{
    future::poll_fn,
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{BoxFuture, Emit, Emitted, Event, Metadata, Output};

use super::{
    ask::Asked,
    cause::{Cause, Parent},
    inner::Inner,
    node::Lists,
    report::Report,
    run::Run,
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
            Emitted::Typed(event) => first(inner, begin(inner, &event, parent), event, cx, &mut later),
            Emitted::Raw(event) => {
                let event = inner.raw(event);
                first(inner, begin_named(inner, &event, parent), event, cx, &mut later)
            }
        },
        None => later.as_mut().expect("an emit is not polled after its end").as_mut().poll(cx),
    })
}

/// Polls an emit that begins, and keeps it if it goes on.
#[inline]
fn first<'a, S: Subject>(
    inner: &'a Arc<Inner>,
    begun: Result<Begun<S>, Report>,
    event: S,
    cx: &mut Context<'_>,
    later: &mut Option<BoxFuture<'a, Report>>,
) -> Poll<Report> {
    let Begun { lists, cause } = match begun {
        Ok(begun) => begun,
        Err(report) => return Poll::Ready(report),
    };
    let mut run = Run::new(inner, lists, Arc::new(event), cause);
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
    asked: Option<Arc<Asked>>,
) -> Report {
    match begin(inner, &event, parent) {
        Ok(Begun { lists, cause }) => Run::new(inner, lists, Arc::new(event), cause).asking(asked).await,
        Err(report) => report,
    }
}

/// Emits an event that came over the bridge, with its attributes.
pub(crate) async fn received<E: Event>(inner: &Arc<Inner>, event: Emitted<E>, metadata: Metadata) -> Report {
    let event = match event {
        Emitted::Typed(event) => event,
        Emitted::Raw(event) => {
            let event = inner.raw(event);
            let lists = match inner.named_lists(&event, None) {
                Ok(lists) => Guard::from_inner(Arc::new(lists)),
                Err(report) => return report,
            };
            let cause = Cause::received(&event, &metadata);
            return Run::new(inner, lists, Arc::new(event), Some(cause)).await;
        }
    };
    let node = inner.node::<E>();
    node.stats.emitted.add();
    if let Some(report) = inner.over_rate(&node.stats, E::TYPE, None) {
        return report;
    }
    // Not borrowed: the guard of a borrowed one is no value to keep across threads.
    let lists = Guard::from_inner(Arc::clone(&node.lists()));
    if lists.is_empty() {
        return inner.unheard(E::TYPE, node.stats.unheard(), None);
    }
    let cause = Cause::received(&event, &metadata);
    Run::new(inner, lists, Arc::new(event), Some(cause)).await
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
    asked: Option<Arc<Asked>>,
) -> Report {
    match begin_named(inner, &event, parent) {
        Ok(Begun { lists, cause }) => Run::new(inner, lists, Arc::new(event), cause).asking(asked).await,
        Err(report) => report,
    }
}

/// Who hears an event that is emitted now, and what led to it.
struct Begun<S> {
    lists: Guard<Arc<Lists<S>>>,
    cause: Option<Arc<Cause>>,
}

/// Begins an emit; a report where it goes no further.
#[inline]
fn begin<E: Event>(inner: &Inner, event: &E, parent: Option<Parent>) -> Result<Begun<E>, Report> {
    let node = inner.node::<E>();
    node.stats.emitted.add();
    if inner.settings.is_watched
        && let Some(report) = inner.over_rate(&node.stats, E::TYPE, parent.as_ref())
    {
        return Err(report);
    }
    let lists = node.lists();
    if lists.is_empty() {
        return Err(inner.unheard(E::TYPE, node.stats.unheard(), parent.as_ref()));
    }
    let cause = parent.map(|parent| inner.caused(event, Some(parent), Some(&node.stats))).transpose()?;
    Ok(Begun { lists, cause })
}

fn begin_named(inner: &Inner, event: &Named, parent: Option<Parent>) -> Result<Begun<Named>, Report> {
    let lists = Guard::from_inner(Arc::new(inner.named_lists(event, parent.as_ref())?));
    let cause = Some(inner.caused(event, parent, None)?);
    Ok(Begun { lists, cause })
}

/// Runs handlers of an event that others have heard already, as part of the same emit; answers how many there are. Those that
/// keep an order take their places now.
pub(crate) fn tasks_of<S: Subject>(
    inner: &Arc<Inner>,
    lists: Lists<S>,
    event: Arc<S>,
    cause: Option<Arc<Cause>>,
) -> (usize, impl Future<Output = Report> + Send + use<S>) {
    let mut run = Run::new(inner.clone(), Guard::from_inner(Arc::new(lists)), event, cause);
    (run.start(), run)
}

/// Emits an event that a handler returned, one level deeper.
pub(crate) fn emit_output(
    inner: &Arc<Inner>,
    output: Output,
    parent: Option<Parent>,
) -> BoxFuture<'static, Report> {
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
