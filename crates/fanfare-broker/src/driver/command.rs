use std::sync::Arc;

use fanfare_core::{
    DeadLetter, Error, ErrorKind, GroupName, GroupStatus, HeldKey, Outgoing, Plan, PlanReport, Promise,
    Receipt, Refusal, Refusals, Rejected, Selection, Settle, Token,
};

use super::seats::Seat;
use crate::machine::Draft;

/// Bytes that come together in one batch of the journal, about: more is written in several. Also what one
/// call may publish, and what one acknowledgement may bring.
pub(crate) const BATCH_MAX: u64 = 64 << 20;

/// One answer per message.
pub(crate) type Receipts = Vec<Result<Receipt, Rejected>>;
/// One answer per token.
pub(crate) type Units = Vec<Result<(), Error>>;

/// What a caller wants of the state machine, and where the answer goes.
pub(crate) enum Command {
    Publish {
        draft: Draft,
        /// At most so many bytes in the journal, by [`outgoing_size_max`].
        size_max: u64,
        promise: Promise<Result<Receipt, Rejected>>,
    },
    Submit {
        batch: Vec<Outgoing>,
        /// At most so many bytes in the journal: the sum of [`outgoing_size_max`].
        size_max: u64,
        is_atomic: bool,
        /// Answers that are known already, and their places among the others.
        refused: Vec<(usize, Result<Receipt, Rejected>)>,
        promise: Promise<Receipts>,
    },
    Begin {
        group: u32,
        lease: u64,
        tokens: Vec<Token>,
        promise: Promise<Units>,
    },
    Settle {
        group: u32,
        lease: u64,
        batch: Vec<(Token, Settle)>,
        promise: Promise<Units>,
    },
    Join {
        group: GroupName,
        seat: Arc<Seat>,
        promise: Promise<(u32, Vec<HeldKey>)>,
    },
    Leave {
        seat: u64,
    },
    Resume {
        group: u32,
        key: HeldKey,
        promise: Promise<u64>,
    },
    Plan {
        plan: Plan,
        promise: Promise<Result<PlanReport, Refusals>>,
    },
    Groups {
        promise: Promise<Vec<GroupStatus>>,
    },
    DeadLetters {
        group: GroupName,
        from: u64,
        max: usize,
        promise: Promise<Vec<DeadLetter>>,
    },
    Redrive {
        group: GroupName,
        which: Selection,
        promise: Promise<u64>,
    },
    Discard {
        group: GroupName,
        which: Selection,
        promise: Promise<u64>,
    },
    Delete {
        group: GroupName,
        promise: Promise<()>,
    },
    Close {
        promise: Promise<()>,
    },
}

impl Command {
    /// About the most bytes that it brings into the journal: events, of which it is never more, and
    /// bookkeeping.
    pub(crate) fn size_max(&self) -> (u64, u64) {
        match self {
            Self::Publish { size_max, .. } | Self::Submit { size_max, .. } => (*size_max, 0),
            Self::Begin { tokens, .. } => (0, 32 + 12 * tokens.len() as u64),
            Self::Settle { batch, .. } => batch.iter().fold((0, 64), |(events, rest), (_, settle)| {
                let (more_events, more) = settle_size_max(settle);
                (events + more_events, rest + more)
            }),
            Self::Plan { plan, .. } => (0, 1024 * (plan.groups.len() + plan.delete.len()) as u64),
            Self::Join { .. } | Self::Groups { .. } | Self::DeadLetters { .. } => (0, 0),
            _ => (0, 1024),
        }
    }

    /// The message of a single publish.
    pub(crate) fn draft(&self) -> Option<&Draft> {
        match self {
            Self::Publish { draft, .. } => Some(draft),
            _ => None,
        }
    }

    /// Whether it is a publish, which is refused when too much waits already.
    pub(crate) fn is_publish(&self) -> bool {
        matches!(self, Self::Publish { .. } | Self::Submit { .. })
    }

    /// Whether somebody waits for the write, not only for the sync.
    pub(crate) fn is_urgent(&self) -> bool {
        !self.is_publish()
    }

    /// Answers that nothing was done.
    pub(crate) fn refuse(self, error: impl Fn() -> Error) {
        match self {
            Self::Publish { draft, promise, .. } => {
                promise.fulfil(Ok(Err(draft.reject(error()))));
            }
            Self::Submit { batch, refused, promise, .. } => {
                promise.fulfil(Ok(merge(refuse_all(batch, error), refused)));
            }
            Self::Begin { tokens, promise, .. } => {
                promise.fulfil(Ok(tokens.iter().map(|_| Err(error())).collect()));
            }
            Self::Settle { batch, promise, .. } => {
                promise.fulfil(Ok(batch.iter().map(|_| Err(error())).collect()));
            }
            Self::Plan { promise, .. } => {
                promise.fulfil(Ok(Err(Refusals(vec![Refusal::new(error().to_string())]))));
            }
            Self::Join { promise, .. } => promise.fulfil(Err(error())),
            Self::Leave { .. } => {}
            Self::Resume { promise, .. } | Self::Redrive { promise, .. } | Self::Discard { promise, .. } => {
                promise.fulfil(Err(error()))
            }
            Self::Groups { promise } => promise.fulfil(Err(error())),
            Self::DeadLetters { promise, .. } => promise.fulfil(Err(error())),
            Self::Delete { promise, .. } | Self::Close { promise } => promise.fulfil(Err(error())),
        }
    }
}

/// Answers a whole batch with the same refusal.
pub(crate) fn refuse_all(batch: Vec<Outgoing>, error: impl Fn() -> Error) -> Receipts {
    batch.into_iter().map(|outgoing| Err(Rejected::new(error(), outgoing))).collect()
}

/// Puts answers that were known before at their places, which ascend.
pub(crate) fn merge(mut answers: Receipts, refused: Vec<(usize, Result<Receipt, Rejected>)>) -> Receipts {
    for (at, answer) in refused {
        answers.insert(at.min(answers.len()), answer);
    }
    answers
}

/// The broker was closed, or is being closed.
pub(crate) fn closed() -> Error {
    Error::new(ErrorKind::Closed, "the broker is closed")
}

/// What [`outgoing_size_max`] may say of a message of this size, fixed fields left out.
pub(crate) fn message_size_max(message_max: usize) -> u64 {
    message_max as u64 + 1024
}

/// More than the bytes of a message in the journal, class and schedule included.
pub(crate) fn outgoing_size_max(outgoing: &Outgoing) -> u64 {
    let message = &outgoing.message;
    let metadata = &message.metadata;
    let text = |text: &Option<fanfare_core::ByteString>| text.as_ref().map_or(0, |text| text.len());
    let mut size = 320 + message.payload.len();
    size += 2 * (message.topic.as_str().len() + metadata.event_type.len());
    size += metadata.source.len() + text(&metadata.key) + text(&metadata.content_type);
    for id in [Some(&metadata.id), metadata.correlation_id.as_ref(), metadata.causation_id.as_ref()] {
        if let Some(fanfare_core::EventId::Text(text)) = id {
            size += text.len();
        }
    }
    if metadata.has_rare() {
        size +=
            metadata.attributes().iter().map(|(name, value)| name.len() + value.len() + 24).sum::<usize>();
    }
    size as u64
}

/// More than the bytes of what a settlement publishes.
pub(crate) fn outputs_size_max(settle: &Settle) -> u64 {
    match settle {
        Settle::Ack { outputs } => outputs.iter().map(outgoing_size_max).sum(),
        _ => 0,
    }
}

fn settle_size_max(settle: &Settle) -> (u64, u64) {
    match settle {
        Settle::Ack { .. } => (outputs_size_max(settle), 48),
        Settle::Retry { .. } => (0, 1280),
        Settle::Reject { reason, .. } => (0, 4096 + reason.len() as u64),
        _ => (0, 4096),
    }
}
