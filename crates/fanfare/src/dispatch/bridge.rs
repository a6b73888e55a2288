//! The bridge: events that go from a dispatcher to a transport, and from there to a dispatcher.
//!
//! ```text
//! dispatcher --forward--> publisher -> transport -> App --receiver--> dispatcher
//! ```
//!
//! An event keeps its id, correlation, causation and depth on the way. One that came over the bridge does not go
//! back: what was received is not forwarded, and what a dispatcher forwarded is not received by it again.

use std::{marker::PhantomData, panic::Location, sync::Arc};

use bytestring::ByteString;
use fanfare_core::{
    Accepts, BoxFuture, Emit, Envelope, Extension, Input, Metadata, Portable, Publishable, RawEvent,
    TopicFilter,
};

use super::{Dispatcher, EmitError, Subscription, current_emit, emit, ids};
use crate::{
    extract::Context,
    handler::{Configured, Options, Shape},
    publish::{Made, PublishError, Publisher},
};

/// Which dispatcher forwarded an event: the extension attribute's name.
const FORWARDED_BY: &str = "forwardedby";

impl Dispatcher {
    /// Publishes every event of type `E` that is emitted here: `emit` returns once they are durable by the transport's
    /// policy, and a publish that fails is a failed handler in the report. The event keeps its id, correlation and
    /// causation.
    #[track_caller]
    pub fn forward<E: Portable>(&self, publisher: &Publisher) -> Subscription {
        let options = Options { name: Some(format!("forward {}", E::TYPE)), ..Options::default() };
        let forwards = Forwards::<E>::new(self, publisher);
        self.on(Configured::<_, Forwarding<E>>::new(forwards, options))
    }

    /// The same for every event whose type matches the filter, `chat.>`: of types known when compiling, and raw ones. Local
    /// events stay here, also where the filter matches them.
    ///
    /// # Panics
    /// When the filter is none.
    #[track_caller]
    pub fn forward_matching(&self, filter: &str, publisher: &Publisher) -> Subscription {
        let location = Location::caller();
        assert!(
            filter.parse::<TopicFilter>().is_ok(),
            "failed to forward at {location}: `{filter}` is no filter"
        );
        let name = Some(format!("forward {filter}"));
        let options = Options { name, types: vec![filter.to_owned()], ..Options::default() };
        let forwards = Forwards::<RawEvent>::new(self, publisher);
        self.on(Configured::<_, ForwardingRaw>::new(forwards, options))
    }

    /// A handler for [`crate::App::on`] that emits what the application receives: events of one type, an enum of events, or with
    /// `.types(..)` a `RawEvent` of any. A handler of the dispatcher that fails fails the delivery, which is retried by
    /// its policy; then all handlers of the dispatcher run again, and [`crate::middleware::Dedup`] keeps those from it
    /// that have succeeded, since the event keeps its id.
    ///
    /// Its name is `receive_` and the event type.
    pub fn receiver<T: Input + Emit>(&self) -> Configured<Receiver<T>, Receives<T>> {
        let of_type = match T::ACCEPTS {
            Accepts::Types([only]) => only.event_type.replace('.', "_"),
            _ => "events".to_owned(),
        };
        let options = Options { name: Some(format!("receive_{of_type}")), ..Options::default() };
        Configured::new(Receiver { dispatcher: self.clone(), marker: PhantomData }, options)
    }

    /// What this dispatcher writes into what it forwards.
    fn mark(&self) -> ByteString {
        self.inner.mark.get_or_init(|| ids::event_id().to_string().into()).clone()
    }
}

/// Publishes what a dispatcher emits; made by [`Dispatcher::forward`].
pub struct Forwards<T> {
    publisher: Publisher,
    mark: ByteString,
    marker: PhantomData<fn() -> T>,
}

impl<T> Forwards<T> {
    fn new(dispatcher: &Dispatcher, publisher: &Publisher) -> Self {
        Self { publisher: publisher.clone(), mark: dispatcher.mark(), marker: PhantomData }
    }

    fn publish(
        &self,
        event: &impl Publishable,
        emitted: &Metadata,
    ) -> BoxFuture<'static, Result<(), PublishError>> {
        if current_emit().is_some_and(|emit| emit.is_received()) {
            return Box::pin(std::future::ready(Ok(())));
        }
        let made = Made::of(event).and_then(|event| self.publisher.encoder().forwarded(event, emitted));
        let publishing = made.map(|mut outgoing| {
            let mark = Extension::Text(self.mark.clone());
            outgoing.message.metadata.set_extension(FORWARDED_BY, mark);
            self.publisher.publish_message(outgoing)
        });
        let publisher = self.publisher.clone();
        Box::pin(async move {
            publishing.map_err(PublishError::invalid)?.when_room(&publisher).await?;
            Ok(())
        })
    }
}

/// Marks what forwards events of a type known when compiling.
pub struct Forwarding<E>(PhantomData<fn() -> E>);

/// Marks what forwards any.
pub struct ForwardingRaw;

impl<E: Portable> Shape<Forwarding<E>> for Forwards<E> {
    type In = Arc<E>;
    type Args = (Context,);
    type Out = Result<(), PublishError>;
    type Fut = BoxFuture<'static, Self::Out>;

    fn call(&self, event: Arc<E>, (context,): (Context,)) -> Self::Fut {
        self.publish(&*event, context.metadata())
    }
}

impl Shape<ForwardingRaw> for Forwards<RawEvent> {
    type In = RawEvent;
    type Args = (Context,);
    type Out = Result<(), PublishError>;
    type Fut = BoxFuture<'static, Self::Out>;

    fn call(&self, event: RawEvent, (context,): (Context,)) -> Self::Fut {
        if event.is_local() {
            return Box::pin(std::future::ready(Ok(())));
        }
        self.publish(&event, context.metadata())
    }
}

/// Emits what an application receives; made by [`Dispatcher::receiver`].
pub struct Receiver<T> {
    dispatcher: Dispatcher,
    marker: PhantomData<fn() -> T>,
}

/// Marks a receiver.
pub struct Receives<T>(PhantomData<fn() -> T>);

impl<T: Input + Emit> Shape<Receives<T>> for Receiver<T> {
    type In = Envelope<T>;
    type Args = ();
    type Out = Result<(), EmitError>;
    type Fut = BoxFuture<'static, Self::Out>;

    fn call(&self, event: Envelope<T>, (): ()) -> Self::Fut {
        let forwarded_by = match event.metadata.extension(FORWARDED_BY) {
            Some(Extension::Text(mark)) => Some(mark),
            _ => None,
        };
        if forwarded_by.is_some() && forwarded_by == self.dispatcher.inner.mark.get() {
            return Box::pin(std::future::ready(Ok(())));
        }
        let inner = self.dispatcher.inner.clone();
        let Envelope { payload, metadata, .. } = event;
        Box::pin(async move { emit::received(&inner, payload.into_emitted(), metadata).await.into_result() })
    }
}
