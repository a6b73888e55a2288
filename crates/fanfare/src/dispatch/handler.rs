//! A subscribed handler as an emit sees it: its seat in the list and what is called.

use std::{
    panic::{AssertUnwindSafe, Location, catch_unwind},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
};

use bytestring::ByteString;
use fanfare_core::{BoxError, Output};

use super::report::panic_text;
use crate::{middleware::Chain, sync::AtomicU8};

/// Unsubscribed, or used up: never called again.
const GONE: u8 = 0;
/// Called on every emit.
const PLAIN: u8 = 1;
/// Asks its handler first, for `.when(..)`.
const GATED: u8 = 2;
/// Called once, for `.once()`.
const ONCE: u8 = 4;
/// Asks the one that it stands for.
const STANDS_IN: u8 = 8;
/// Takes its place in a row when it is emitted, for `.in_key_order()`.
const LINED_UP: u8 = 16;

/// A handler in its seat. The liveness flag stands in front of the handler, so that one cache line serves both.
pub(crate) struct Entry<H: ?Sized> {
    flags: AtomicU8,
    /// The seat's, close at hand.
    pub(crate) id: u64,
    pub(crate) seat: Arc<Seat>,
    /// How many emits there had been when it came, for one that is called on each.
    pub(crate) since: AtomicU64,
    pub(crate) handler: H,
}

/// Says whether an owner is gone.
pub(crate) type Gone = Arc<dyn Fn() -> bool + Send + Sync>;

/// What is known of a subscription beside its handler.
pub(crate) struct Seat {
    /// From 1, in the order of subscription; no other dispatcher of the process has it.
    pub(crate) id: u64,
    pub(crate) priority: i32,
    pub(crate) name: ByteString,
    pub(crate) location: &'static Location<'static>,
    pub(crate) failed: AtomicU64,
    /// How often it was called, where that does not follow from the count of emits.
    pub(crate) called: AtomicU64,
    /// How many emits of those that count found no runtime for it.
    pub(crate) missed: AtomicU64,
    /// Whom it ends with, for `on_weak`.
    pub(crate) owner: Option<Gone>,
    pub(crate) is_gated: bool,
    pub(crate) is_once: bool,
    pub(crate) is_lined_up: bool,
    /// What stands around it.
    pub(crate) chain: Chain,
}

impl Seat {
    fn is_orphan(&self) -> bool {
        self.owner.as_ref().is_some_and(|is_gone| is_gone())
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.chain.iter().for_each(|middleware| middleware.forget(self.id));
    }
}

impl<H> Entry<H> {
    pub(crate) fn new(seat: Arc<Seat>, handler: H) -> Arc<Self> {
        let flag = |is_set, flag| if is_set { flag } else { 0 };
        let flags =
            PLAIN | flag(seat.is_gated, GATED) | flag(seat.is_once, ONCE) | flag(seat.is_lined_up, LINED_UP);
        Arc::new(Self { flags: AtomicU8::new(flags), id: seat.id, seat, since: AtomicU64::new(0), handler })
    }

    /// An entry that stands for another one, which it asks each time.
    pub(crate) fn standing_for(seat: Arc<Seat>, handler: H) -> Arc<Self> {
        Arc::new(Self {
            flags: AtomicU8::new(STANDS_IN),
            id: seat.id,
            seat,
            since: AtomicU64::new(0),
            handler,
        })
    }
}

impl<H: ?Sized> Entry<H> {
    /// Whether it is called without further questions.
    #[inline]
    pub(crate) fn is_plain(&self) -> bool {
        self.flags.load(Ordering::Acquire) == PLAIN
    }

    /// Whether it was unsubscribed or used up, or its owner is gone.
    pub(crate) fn is_gone(&self) -> bool {
        self.flags.load(Ordering::Acquire) == GONE || self.seat.is_orphan()
    }

    /// Whether it is called, and for itself.
    pub(crate) fn is_own(&self) -> bool {
        self.flags.load(Ordering::Acquire) & STANDS_IN == 0 && !self.is_gone()
    }

    /// Marks it gone; answers whether it was not before.
    pub(crate) fn leave(&self) -> bool {
        self.flags.swap(GONE, Ordering::AcqRel) != GONE && !self.seat.is_orphan()
    }

    /// For one that is not plain: whether it is called now. `is_wanted` asks its predicate.
    pub(crate) fn admit(&self, is_wanted: impl FnOnce() -> bool) -> bool {
        let is_wanted = || self.ask(is_wanted);
        let flags = self.flags.load(Ordering::Acquire);
        if flags == STANDS_IN {
            return is_wanted();
        }
        if flags == GONE || (flags & GATED != 0 && !is_wanted()) {
            return false;
        }
        let is_admitted = flags & ONCE == 0 || self.leave();
        if is_admitted {
            self.seat.called.fetch_add(1, Ordering::Relaxed);
        }
        is_admitted
    }

    /// Whether it would be called now; the call is not taken.
    pub(crate) fn would_admit(&self, is_wanted: impl FnOnce() -> bool) -> bool {
        match self.flags.load(Ordering::Acquire) {
            GONE => false,
            flags if flags == STANDS_IN || flags & GATED != 0 => self.ask(is_wanted),
            _ => true,
        }
    }

    /// Whether one that was admitted has unsubscribed since. `is_over` asks the one that it stands for.
    #[inline]
    pub(crate) fn has_left(&self, is_over: impl FnOnce() -> bool) -> bool {
        match self.flags.load(Ordering::Acquire) {
            // Called once, it is gone because it was admitted.
            GONE => !self.seat.is_once,
            STANDS_IN => !self.seat.is_once && is_over(),
            _ => false,
        }
    }

    /// What its predicate says. One that panics wants nothing.
    fn ask(&self, is_wanted: impl FnOnce() -> bool) -> bool {
        catch_unwind(AssertUnwindSafe(is_wanted)).unwrap_or_else(|panic| {
            let (handler, text) = (&*self.seat.name, panic_text(&*panic));
            tracing::error!(handler, "its .when(..) panicked, and so it wants nothing: {text}");
            false
        })
    }

    /// How often it was called, given how many emits there were that were not cut.
    pub(crate) fn called(&self, heard: u64) -> u64 {
        let before = self.since.load(Ordering::Relaxed) + self.seat.missed.load(Ordering::Relaxed);
        match self.flags.load(Ordering::Acquire) {
            PLAIN => heard.saturating_sub(before),
            _ => self.seat.called.load(Ordering::Relaxed),
        }
    }
}

/// What a handle needs of its entry.
pub(crate) trait Seated: Send + Sync {
    fn seat(&self) -> &Seat;
    fn leave(&self) -> bool;
    fn is_gone(&self) -> bool;
}

impl<H: Send + Sync> Seated for Entry<H> {
    fn seat(&self) -> &Seat {
        &self.seat
    }

    fn leave(&self) -> bool {
        Self::leave(self)
    }

    fn is_gone(&self) -> bool {
        Self::is_gone(self)
    }
}

/// What one call left behind beside plain success.
pub(crate) enum Trouble {
    Failed(BoxError),
    Returned(Vec<Output>),
    /// It did not run: what it belonged to is gone.
    OwnerGone,
}

/// A handler that runs on the emitter's thread.
pub(crate) trait RefHandler<S: ?Sized>: Send + Sync {
    /// Runs it. `false`: it left trouble.
    fn call(&self, event: &S, trouble: &mut Option<Trouble>) -> bool;

    /// What `.when(..)` says.
    fn is_wanted(&self, _: &S) -> bool {
        true
    }

    /// Whether the one that it stands for, or its owner, is gone.
    fn is_over(&self) -> bool {
        false
    }
}

/// A handler that is a future.
pub(crate) trait TaskHandler<S: ?Sized>: Send + Sync {
    /// A place in which it runs, one event at a time.
    fn slot(&self) -> Pin<Box<dyn Slot<S>>>;

    /// What `.when(..)` says.
    fn is_wanted(&self, _: &S) -> bool {
        true
    }

    /// What `.when(..)` says, where the call is not taken.
    fn would_take(&self, event: &S) -> bool {
        self.is_wanted(event)
    }

    /// Whether the one that it stands for is gone.
    fn is_over(&self) -> bool {
        false
    }
}

/// Where one run of an async handler lives. It is used again for the next event, so that an emit allocates nothing.
pub(crate) trait Slot<S: ?Sized>: Send {
    /// Starts the handler, or goes on with it. `Ready(false)`: it left trouble.
    fn run(
        self: Pin<&mut Self>,
        event: &Arc<S>,
        cx: &mut Context<'_>,
        trouble: &mut Option<Trouble>,
    ) -> Poll<bool>;

    /// Takes the handler's place in a row, where it has one, before it is run.
    fn line_up(self: Pin<&mut Self>, _event: &Arc<S>) {}

    /// Drops what is left of the run.
    fn clear(self: Pin<&mut Self>);
}
