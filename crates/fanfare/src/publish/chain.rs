//! The storm guard of an application: how deep a chain of causes is, whether it runs in a circle, how much one root
//! event leads to, and how fast a type comes.
//!
//! Each event that a handler makes carries the steps that led to it, in the extension `causationchain`: handler, type and a
//! digest of type and key, `reserve_stock/order.placed/1a2b3c4d,..`. Budgets and rates are counted in this process.

use std::{
    collections::{HashMap, VecDeque},
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use bytestring::ByteString;
use fanfare_core::{Clock, EventId, Extension, Metadata};
use parking_lot::Mutex;

use crate::dispatch::{Storm, StormGuard};

const CHAIN: &str = "causationchain";

/// How many root events are counted at a time; the oldest is forgotten.
const ROOTS_MAX: usize = 16_384;
/// How many event types have a rate of their own; the rest share one.
const TYPES_MAX: usize = 1024;

/// The guard and what it counts.
#[derive(Debug, Default)]
pub(crate) struct Storms {
    guard: StormGuard,
    roots: Mutex<Roots>,
    /// When the span of a type's rate began, and how many there were in it.
    rates: Mutex<HashMap<ByteString, (Duration, u32)>>,
}

#[derive(Debug, Default)]
struct Roots {
    spent: HashMap<EventId, u32>,
    order: VecDeque<EventId>,
}

/// The steps that led to an event, as they are written into it.
#[derive(Clone, Debug)]
pub(crate) struct Chain {
    depth: u16,
    steps: String,
}

impl Storms {
    pub(crate) fn new(guard: StormGuard) -> Self {
        Self { guard, ..Self::default() }
    }

    /// The chain of what `handler` makes of an event: the event's own, and this step.
    pub(crate) fn extend(&self, cause: &Metadata, handler: &str, to: &ByteString) -> Result<Chain, Storm> {
        let depth = cause.causation_depth.saturating_add(1);
        let step = format!("{handler}/{}/{:08x}", cause.event_type, digest(cause));
        let so_far = match cause.extension(CHAIN) {
            Some(Extension::Text(chain)) => &**chain,
            _ => "",
        };
        let again = so_far.split(',').filter(|known| *known == step).count();
        let steps = if so_far.is_empty() { step } else { format!("{so_far},{step}") };
        let chain = Chain { depth, steps };
        let depth_max = self.guard.depth_max;
        if again >= self.guard.loop_max {
            let reason =
                format!("the same handler came back to the same type and key {again} times in one chain");
            return Err(chain.storm(reason, to));
        }
        if depth > depth_max {
            return Err(chain.storm(format!("the chain of causes is {depth} deep, {depth_max} at most"), to));
        }
        Ok(chain)
    }

    /// Counts an event against the budget of its root and the rate of its type.
    pub(crate) fn count(
        &self,
        chain: &Chain,
        root: &EventId,
        to: &ByteString,
        clock: &dyn Clock,
    ) -> Result<(), Storm> {
        if let Some(max) = self.guard.fan_out_max
            && self.roots.lock().spend(root) > max
        {
            return Err(chain.storm(format!("one root event led to more than {max} events"), to));
        }
        if let Some((max, per)) = self.guard.rate
            && self.is_over_rate(to, max, per, clock.monotonic())
        {
            return Err(chain.storm(format!("more than {max} events of one type in {per:?}"), to));
        }
        Ok(())
    }

    fn is_over_rate(&self, event_type: &ByteString, max: u32, per: Duration, now: Duration) -> bool {
        let mut rates = self.rates.lock();
        let is_full = rates.len() >= TYPES_MAX && !rates.contains_key(event_type);
        let name = if is_full { ByteString::from_static("other") } else { event_type.clone() };
        let (start, count) = rates.entry(name).or_insert((now, 0));
        if now.saturating_sub(*start) >= per {
            (*start, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        *count > max
    }
}

impl Roots {
    fn spend(&mut self, root: &EventId) -> u32 {
        if let Some(spent) = self.spent.get_mut(root) {
            *spent = spent.saturating_add(1);
            return *spent;
        }
        if self.order.len() >= ROOTS_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.spent.remove(&oldest);
        }
        self.order.push_back(root.clone());
        self.spent.insert(root.clone(), 1);
        1
    }
}

impl Chain {
    /// Writes it into an event.
    pub(crate) fn attach(&self, metadata: &mut Metadata) {
        metadata.causation_depth = self.depth;
        metadata.set_extension(CHAIN, Extension::Text(self.steps.as_str().into()));
    }

    fn storm(&self, reason: String, to: &ByteString) -> Storm {
        let of_step = |step: &str| step.split('/').nth(1).unwrap_or(step).into();
        let chain = self.steps.split(',').map(of_step).chain([to.clone()]).collect();
        Storm { reason: format!("{reason} (publish with .new_root() if that is meant)"), chain }
    }
}

fn digest(cause: &Metadata) -> u32 {
    // The same on every build of one standard library; a change of it only forgets the loops under way.
    let mut hasher = DefaultHasher::new();
    cause.event_type.hash(&mut hasher);
    cause.key.as_deref().hash(&mut hasher);
    (hasher.finish() >> 32) as u32
}
