//! Synchronous closures and functions of `&E`.

use std::{marker::PhantomData, sync::Arc};

use fanfare_core::{BoxError, DecodeError, Event, Heard, Sink};

use super::{
    handler::{RefHandler, Trouble},
    listen::Returns,
    subject::{AnySubject, Own},
};

pub(crate) type Gate<T> = Arc<dyn Fn(&T) -> bool + Send + Sync>;

/// A function of one event type.
pub(crate) struct RefFn<F, T, How, R> {
    pub(crate) f: F,
    pub(crate) gate: Option<Gate<T>>,
    pub(crate) marker: PhantomData<fn() -> (How, R)>,
}

impl<F, E, How, R> RefHandler<E> for RefFn<F, E, How, R>
where
    E: Event,
    F: Fn(&E) -> R + Send + Sync,
    How: Returns<R>,
{
    #[inline]
    fn call(&self, event: &E, trouble: &mut Option<Trouble>) -> bool {
        settle::<How, R>((self.f)(event), trouble)
    }

    fn is_wanted(&self, event: &E) -> bool {
        self.gate.as_ref().is_none_or(|gate| gate(event))
    }
}

/// Tells plain success from the rest.
#[inline]
pub(crate) fn settle<How: Returns<R>, R>(returned: R, trouble: &mut Option<Trouble>) -> bool {
    let mut sink = Sink::default();
    match How::outcome(returned, &mut sink) {
        Ok(()) if sink.is_empty() => true,
        Ok(()) => {
            *trouble = Some(Trouble::Returned(sink.into_outputs()));
            false
        }
        Err(error) => {
            *trouble = Some(Trouble::Failed(error));
            false
        }
    }
}

/// A function of what is made of events of many types.
pub(crate) struct AnyRefFn<F, T, How, R> {
    pub(crate) f: F,
    pub(crate) gate: Option<Gate<T>>,
    pub(crate) make: fn(&Heard<'_>) -> Result<T, DecodeError>,
    pub(crate) marker: PhantomData<fn() -> (How, R)>,
}

impl<F, T, How, R> RefHandler<dyn AnySubject> for AnyRefFn<F, T, How, R>
where
    F: Fn(&T) -> R + Send + Sync,
    How: Returns<R>,
{
    fn call(&self, event: &dyn AnySubject, trouble: &mut Option<Trouble>) -> bool {
        match made(event, self.make) {
            Ok(made) => settle::<How, R>((self.f)(&made), trouble),
            Err(error) => {
                *trouble = Some(Trouble::Failed(error));
                false
            }
        }
    }

    fn is_wanted(&self, event: &dyn AnySubject) -> bool {
        self.gate.as_ref().is_none_or(|gate| made(event, self.make).is_ok_and(|made| gate(&made)))
    }
}

/// The argument that is made of the event of the innermost emit.
pub(crate) fn made<T>(
    event: &dyn AnySubject,
    make: fn(&Heard<'_>) -> Result<T, DecodeError>,
) -> Result<T, BoxError> {
    made_of(event, make, &|| event.kept())
}

/// The same of an event that is shared.
pub(crate) fn made_shared<T>(
    event: &Arc<dyn AnySubject>,
    make: fn(&Heard<'_>) -> Result<T, DecodeError>,
) -> Result<T, BoxError> {
    made_of(&**event, make, &|| Some(event.clone().into_any()))
}

fn made_of<T>(
    event: &dyn AnySubject,
    make: fn(&Heard<'_>) -> Result<T, DecodeError>,
    own: &Own<'_>,
) -> Result<T, BoxError> {
    let cause = super::cause::current();
    let topic = event.topic();
    make(&event.heard(cause.metadata(event), &topic, own)).map_err(Into::into)
}
