//! What led to what: one [`Cause`] per emit that somebody asked about, linked to the one that led to it, and the frames
//! in which handlers run on this thread. A root emit makes a cause only when it is asked for: by a nested emit, by a
//! `Context` or by a handler that takes metadata.

use std::{
    cell::{Cell, RefCell},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

use bytestring::ByteString;
use fanfare_core::{EventId, Metadata};

use super::{hooks, ids, queue::Driven, subject::AnySubject};
use crate::sync::thread_local;

/// One emit, as those that it led to know it.
pub(crate) struct Cause {
    parent: Option<Arc<Cause>>,
    /// The subscription whose handler made this emit; 0 for a root.
    via: u64,
    event_type: ByteString,
    depth: u16,
    /// What only the event itself can tell: its version and key.
    facts: OnceLock<(u32, Option<ByteString>)>,
    id: OnceLock<EventId>,
    metadata: OnceLock<Arc<Metadata>>,
    /// Of a root: how many emits it led to, where somebody counts.
    spent: AtomicU32,
    /// Whether it came over the bridge.
    is_received: bool,
    /// The dispatcher in whose hook it was made; 0 for none.
    hook: u64,
}

impl Cause {
    pub(crate) fn new(subject: &dyn AnySubject, parent: Option<Parent>) -> Arc<Self> {
        Self::of(subject, parent, subject.metadata(), false)
    }

    /// The emit of an event that came over the bridge with these attributes.
    pub(crate) fn received(subject: &dyn AnySubject, metadata: &Metadata) -> Arc<Self> {
        Self::of(subject, None, Some(metadata), true)
    }

    fn of(
        subject: &dyn AnySubject,
        parent: Option<Parent>,
        given: Option<&Metadata>,
        is_received: bool,
    ) -> Arc<Self> {
        let depth = match &parent {
            Some(parent) => parent.cause.depth.saturating_add(1),
            None => given.map_or(0, |given| given.causation_depth),
        };
        let (via, hook, parent) = match parent {
            Some(parent) => (parent.via, parent.hook, Some(parent.cause)),
            None => (0, 0, None),
        };
        let cause = Self {
            parent,
            via,
            event_type: subject.event_type(),
            depth,
            facts: OnceLock::from((subject.version(), subject.key())),
            id: OnceLock::new(),
            metadata: OnceLock::new(),
            spent: AtomicU32::new(0),
            is_received,
            hook,
        };
        if let Some(given) = given {
            let _ = cause.id.set(given.id.clone());
            let _ = cause.metadata.set(Arc::new(given.clone()));
        }
        Arc::new(cause)
    }

    pub(crate) fn root(event_type: ByteString) -> Arc<Self> {
        Arc::new(Self {
            parent: None,
            via: 0,
            event_type,
            depth: 0,
            facts: OnceLock::new(),
            id: OnceLock::new(),
            metadata: OnceLock::new(),
            spent: AtomicU32::new(0),
            is_received: false,
            hook: 0,
        })
    }

    /// Whether it came over the bridge.
    pub(crate) fn is_received(&self) -> bool {
        self.is_received
    }

    pub(crate) fn depth(&self) -> u16 {
        self.depth
    }

    pub(crate) fn id(&self) -> &EventId {
        self.id.get_or_init(ids::event_id)
    }

    /// The id of the event whose handler made this emit.
    pub(crate) fn parent_id(&self) -> Option<&EventId> {
        let given = self.metadata.get().and_then(|metadata| metadata.causation_id.as_ref());
        given.or_else(|| self.parent.as_ref().map(|parent| parent.id()))
    }

    pub(crate) fn event_type(&self) -> &str {
        &self.event_type
    }

    /// Takes down what only the event itself can tell.
    pub(crate) fn describe(&self, subject: &dyn AnySubject) {
        self.facts.get_or_init(|| (subject.version(), subject.key()));
    }

    /// The key of an event that was described.
    pub(crate) fn key(&self) -> Option<ByteString> {
        self.facts.get().and_then(|(_, key)| key.clone())
    }

    /// The event's attributes; `subject` is the event of this emit.
    pub(crate) fn metadata(&self, subject: &dyn AnySubject) -> &Arc<Metadata> {
        self.describe(subject);
        self.described()
    }

    /// The attributes of an event that was described.
    pub(crate) fn described(&self) -> &Arc<Metadata> {
        self.metadata.get_or_init(|| {
            let mut metadata = Metadata::new(self.id().clone(), ids::SOURCE, self.event_type.clone());
            if let Some((version, key)) = self.facts.get() {
                metadata.type_version = *version;
                metadata.key = key.clone();
            }
            metadata.time = Some(ids::now());
            metadata.causation_depth = self.depth;
            metadata.causation_id = self.parent.as_ref().map(|parent| parent.id().clone());
            metadata.correlation_id = Some(self.root_id());
            Arc::new(metadata)
        })
    }

    /// Whether both are of one type and key; of a root that nobody described, the type decides.
    fn is_like(&self, other: &Self) -> bool {
        self.event_type == other.event_type
            && (self.facts.get().is_none() || self.facts.get() == other.facts.get())
    }

    fn root_cause(&self) -> &Self {
        let mut root = self;
        while let Some(parent) = &root.parent {
            root = parent;
        }
        root
    }

    /// Counts an emit against the budget of its root; answers how many there were.
    pub(crate) fn spend(&self) -> u32 {
        self.root_cause().spent.fetch_add(1, Relaxed).saturating_add(1)
    }

    pub(crate) fn root_id(&self) -> EventId {
        let root = self.root_cause();
        let given = root.metadata.get().and_then(|metadata| metadata.correlation_id.clone());
        given.unwrap_or_else(|| root.id().clone())
    }

    /// Whether it was emitted by a handler of this subscription, or by what that led to, while that handles an event of the
    /// same key on this thread.
    pub(crate) fn is_within(&self, subscription: u64) -> bool {
        let key = self.key();
        let (mut child, mut at) = (self, self.parent.as_ref());
        while let Some(cause) = at {
            if child.via == subscription && cause.key() == key && is_open(cause) {
                return true;
            }
            (child, at) = (cause, cause.parent.as_ref());
        }
        false
    }

    /// Whether a hook of this dispatcher made it, or what it comes from.
    fn is_of_hook(&self, dispatcher: u64) -> bool {
        std::iter::successors(Some(self), |cause| cause.parent.as_deref())
            .any(|cause| cause.hook == dispatcher)
    }

    /// The event types that led here, the root's first.
    pub(crate) fn chain(&self) -> Vec<ByteString> {
        let mut chain = vec![self.event_type.clone()];
        let mut at = self.parent.as_deref();
        while let Some(cause) = at {
            chain.push(cause.event_type.clone());
            at = cause.parent.as_deref();
        }
        chain.reverse();
        chain
    }

    /// How often in this chain the handler `via` reacted to an event of the same type and key by emitting.
    pub(crate) fn repeats(&self, via: u64) -> usize {
        let mut repeats = 1;
        let (mut child, mut at) = (self, self.parent.as_deref());
        while let Some(cause) = at {
            if child.via == via && cause.is_like(self) {
                repeats += 1;
            }
            (child, at) = (cause, cause.parent.as_deref());
        }
        repeats
    }
}

/// The emit whose handler runs now, and which handler that is.
#[derive(Clone)]
pub(crate) struct Parent {
    pub(crate) cause: Arc<Cause>,
    pub(crate) via: u64,
    /// The dispatcher whose hook runs within the handler; 0 for none.
    hook: u64,
}

impl Parent {
    /// Whether what it emits comes from a hook of this dispatcher.
    pub(crate) fn is_of_hook(&self, dispatcher: u64) -> bool {
        self.hook == dispatcher || self.cause.is_of_hook(dispatcher)
    }

    /// Makes this thread one where the handler runs, until dropped.
    pub(crate) fn enter(&self) -> impl Sized + use<> {
        let entered = enter("", Some(&self.cause));
        set_handler(self.via);
        entered
    }
}

/// Where a handler runs, for another thread that runs a part of it: its emit, and the queue that drives it.
pub(crate) struct Whereabouts {
    parent: Option<Parent>,
    driven: usize,
}

impl Whereabouts {
    pub(crate) fn current() -> Self {
        Self { parent: parent(), driven: Driven::current() }
    }

    /// Makes this thread one of these, until dropped.
    pub(crate) fn enter(&self) -> impl Sized + use<> {
        (Driven::enter(self.driven), self.parent.as_ref().map(Parent::enter))
    }
}

/// The innermost emit whose handlers this thread runs.
struct Frame {
    /// How many emits are open on this thread, one inside the other.
    level: Cell<u32>,
    /// Whether the innermost one's cause is the last of `CAUSES`.
    is_known: Cell<bool>,
    event_type: Cell<&'static str>,
    handler: Cell<u64>,
}

thread_local! {
    static FRAME: Frame = const {
        Frame { level: Cell::new(0), is_known: Cell::new(false), event_type: Cell::new(""), handler: Cell::new(0) }
    };
    /// The causes of those open emits that have one.
    static CAUSES: RefCell<Vec<Arc<Cause>>> = const { RefCell::new(Vec::new()) };
}

/// A frame of a root emit whose cause nobody asked for yet. Leaves it when dropped.
pub(crate) struct Root;

/// Opens a frame where none is open.
#[inline]
pub(crate) fn enter_root(event_type: &'static str) -> Root {
    FRAME.with(|frame| {
        frame.level.set(1);
        frame.event_type.set(event_type);
    });
    Root
}

impl Drop for Root {
    #[inline]
    fn drop(&mut self) {
        FRAME.with(|frame| {
            if frame.is_known.get() {
                drop(pop());
                frame.is_known.set(false);
            }
            frame.level.set(0);
        });
    }
}

/// Leaves the frame when dropped.
pub(crate) struct Entered {
    level: u32,
    is_known: bool,
    event_type: &'static str,
    handler: u64,
}

/// Opens a frame for handlers of an emit. `event_type` is used while the cause is not known.
#[inline]
pub(crate) fn enter(event_type: &'static str, cause: Option<&Arc<Cause>>) -> Entered {
    if let Some(cause) = cause {
        push(cause);
    }
    FRAME.with(|frame| {
        let level = frame.level.get();
        frame.level.set(level + 1);
        Entered {
            level,
            is_known: frame.is_known.replace(cause.is_some()),
            event_type: frame.event_type.replace(event_type),
            handler: frame.handler.get(),
        }
    })
}

impl Drop for Entered {
    #[inline]
    fn drop(&mut self) {
        FRAME.with(|frame| {
            if frame.is_known.get() {
                let _ = pop();
            }
            frame.level.set(self.level);
            frame.is_known.set(self.is_known);
            frame.event_type.set(self.event_type);
            frame.handler.set(self.handler);
        });
    }
}

#[cold]
fn push(cause: &Arc<Cause>) {
    CAUSES.with(|causes| causes.borrow_mut().push(cause.clone()));
}

#[cold]
fn pop() -> Option<Arc<Cause>> {
    CAUSES.with(|causes| causes.borrow_mut().pop())
}

/// Says which handler of the innermost emit runs now.
#[inline]
pub(crate) fn set_handler(id: u64) {
    FRAME.with(|frame| frame.handler.set(id));
}

/// Whether a handler runs on this thread now, so that an emit is a nested one.
#[inline]
pub(crate) fn is_nested() -> bool {
    FRAME.with(|frame| frame.level.get() > 0)
}

/// The emit whose handler runs now, if one does.
#[inline]
pub(crate) fn parent() -> Option<Parent> {
    is_nested().then(innermost)
}

#[cold]
fn innermost() -> Parent {
    let via = FRAME.with(|frame| frame.handler.get());
    Parent { cause: current(), via, hook: hooks::running() }
}

/// The emit whose handler runs now, if one does.
pub(crate) fn current_emit() -> Option<Arc<Cause>> {
    is_nested().then(current)
}

/// Whether handlers of this emit run on this thread now.
fn is_open(cause: &Arc<Cause>) -> bool {
    CAUSES.with(|causes| causes.borrow().iter().any(|open| Arc::ptr_eq(open, cause)))
}

/// The cause of the innermost open emit.
///
/// # Panics
/// Outside of any.
pub(crate) fn current() -> Arc<Cause> {
    FRAME.with(|frame| {
        assert!(frame.level.get() > 0, "an emit is open on this thread");
        if !frame.is_known.get() {
            push(&Cause::root(ByteString::from_static(frame.event_type.get())));
            frame.is_known.set(true);
        }
    });
    CAUSES.with(|causes| causes.borrow().last().cloned()).expect("a known cause is on the stack")
}

/// The cause of the innermost open emit, if somebody asked for it.
#[inline]
pub(crate) fn known() -> Option<Arc<Cause>> {
    FRAME.with(|frame| frame.is_known.get()).then(current)
}
