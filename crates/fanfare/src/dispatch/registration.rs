//! What is known of a subscription when it is made: where, with what options, and what stands around its handler.

use std::{any::Any, panic::Location, sync::Arc};

use bytestring::ByteString;
use fanfare_core::TopicFilter;

use super::{
    handler::{Gone, Seat},
    ids,
    inner::Inner,
    ref_handler::Gate,
    wrapped::Surroundings,
};
use crate::{
    extract::Missing,
    handler::{self, name_of},
    middleware::{Chain, KeyOrder, Middleware, refusal},
};

/// Where a handler is registered and with what options.
#[doc(hidden)]
pub struct Registration<'a> {
    pub(crate) inner: &'a Arc<Inner>,
    pub(crate) location: &'static Location<'static>,
    pub(crate) options: Options,
}

/// What is said of a subscription.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) name: Option<String>,
    pub(crate) types: Vec<String>,
    pub(crate) priority: i32,
    pub(crate) is_once: bool,
    pub(crate) is_in_key_order: bool,
    /// Whom the subscription ends with.
    pub(crate) owner: Option<Gone>,
    /// A `Gate` of the type that the predicate looks at, and that type's name.
    pub(crate) when: Option<(Box<dyn Any + Send + Sync>, &'static str)>,
    /// Its own middlewares, the innermost first.
    pub(crate) chain: Vec<Arc<dyn Middleware>>,
    /// Whether the dispatcher's middlewares do not go around it: it is a part of the dispatcher itself.
    pub(crate) is_bare: bool,
}

impl Options {
    /// Adds what was said further within; what stands here already was said around it and wins.
    pub(crate) fn add(&mut self, within: Self) {
        self.name = self.name.take().or(within.name);
        self.types.extend(within.types);
        if self.priority == 0 {
            self.priority = within.priority;
        }
        self.is_once |= within.is_once;
        self.is_in_key_order |= within.is_in_key_order;
        self.when = self.when.take().or(within.when);
        self.chain.splice(0..0, within.chain);
    }
}

impl Options {
    /// Adds what is said of the function itself. What only a group on a broker can keep is refused.
    pub(crate) fn configure(&mut self, options: handler::Options) -> Result<(), Missing> {
        if let Some(option) = options.said.iter().find(|said| !HERE_TOO.contains(said)) {
            return Err(Missing::new(format!(
                "its .{option}(..) is for a group on a broker, which a dispatcher does not have; here \
                 .wrap(Retrying::new(..)) retries, .wrap(ConcurrencyLimit::new(..)) limits, .timeout(..) ends what takes \
                 too long and .in_key_order() keeps an order"
            )));
        }
        self.name = self.name.take().or(options.name);
        self.types.extend(options.types);
        self.chain.splice(0..0, options.chain.0);
        Ok(())
    }
}

/// The options of [`crate::HandlerExt`] that hold on a dispatcher.
const HERE_TOO: [&str; 3] = ["named", "types", "wrap"];

impl Registration<'_> {
    /// The seat of a handler; the name is the one given, or the function's own, or where it was registered.
    pub(crate) fn seat(&self, type_name: &'static str) -> Arc<Seat> {
        let name = match (&self.options.name, name_of(type_name)) {
            (Some(name), _) => ByteString::from(name.as_str()),
            (None, Ok(name)) => ByteString::from_static(name),
            (None, Err(_)) => ByteString::from(self.location.to_string()),
        };
        Arc::new(Seat {
            id: ids::subscription(),
            priority: self.options.priority,
            name,
            location: self.location,
            failed: Default::default(),
            called: Default::default(),
            missed: Default::default(),
            owner: self.options.owner.clone(),
            is_gated: self.options.when.is_some(),
            is_once: self.options.is_once,
            is_lined_up: self.options.is_in_key_order,
            chain: self.chain(),
        })
    }

    /// Its own middlewares, then those of the dispatcher, then the order of its keys, which is that of the emits.
    fn chain(&self) -> Chain {
        let of_dispatcher = if self.options.is_bare { &[][..] } else { &self.inner.settings.chain[..] };
        let mut chain: Vec<_> = self.options.chain.iter().chain(of_dispatcher).cloned().collect();
        if self.options.is_in_key_order {
            chain.push(Arc::new(KeyOrder::default()));
        }
        chain.into()
    }

    /// The middlewares around a handler. `None`: there are none.
    pub(crate) fn around(&self, seat: &Seat, is_sync: bool) -> Result<Option<Surroundings>, Missing> {
        let chain = seat.chain.clone();
        if let Some(refusal) = refusal(&chain, is_sync) {
            return Err(Missing::new(refusal));
        }
        Ok((!chain.is_empty()).then(|| Surroundings {
            id: seat.id,
            handler: seat.name.clone(),
            chain,
            clock: self.inner.settings.clock.clone(),
        }))
    }

    pub(crate) fn gate<T: 'static>(&mut self) -> Result<Option<Gate<T>>, Missing> {
        let Some((gate, looks_at)) = self.options.when.take() else { return Ok(None) };
        match gate.downcast::<Gate<T>>() {
            Ok(gate) => Ok(Some(*gate)),
            Err(_) => Err(Missing::new(format!(
                "its .when(..) looks at `{looks_at}`, and it takes `{}`; let both name the same type",
                std::any::type_name::<T>()
            ))),
        }
    }

    pub(crate) fn filters(&self) -> Result<Arc<[TopicFilter]>, Missing> {
        let filters = self.options.types.iter().map(|filter| filter.parse());
        filters.collect::<Result<_, _>>().map_err(|error| Missing::new(format!("its .types(..): {error}")))
    }

    /// `.types(..)` narrows a handler that takes many types; one that names its type takes no other.
    pub(crate) fn check_types(&self, event_type: &str) -> Result<(), Missing> {
        let filters = self.filters()?;
        if filters.is_empty() || filters.iter().any(|filter| filter.matches(event_type)) {
            return Ok(());
        }
        Err(Missing::new(format!("it takes `{event_type}`, which its .types(..) shut out")))
    }
}
