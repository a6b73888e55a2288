//! Vocabulary and ports of Fanfare.
//!
//! What it is: the words that every other crate speaks ([`Event`], [`Envelope`], [`Message`], [`Delivery`])
//! and the ports that transports, clocks and handlers plug into ([`Transport`], [`Consumer`], [`Log`],
//! [`Operator`], [`Clock`], [`Random`]).
//!
//! What it is not: a runtime. Nothing here does I/O, reads a clock or depends on tokio.
//!
//! ```
//! use fanfare_core::{Event, Topic, TopicFilter};
//!
//! struct OrderPlaced;
//! impl Event for OrderPlaced {
//!     const TYPE: &'static str = "order.placed";
//! }
//! assert_eq!(OrderPlaced::TOPIC, "order");
//! let filter: TopicFilter = "order.>".parse()?;
//! assert!(filter.matches("order.placed"));
//! # Ok::<(), fanfare_core::InvalidName>(())
//! ```
//!
//! An event passes four stages, and each has one name:
//!
//! ```text
//! event (the user's struct) -> Envelope<E> (with metadata) -> Message (encoded, with a topic) -> Delivery (one attempt of one group)
//! ```

#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod capabilities;
mod clock;
pub mod cloudevents;
mod codec;
mod commons;
mod delivery;
mod envelope;
mod error;
mod event;
mod group;
mod id;
mod input;
mod local;
mod message;
mod metadata;
mod outcome;
mod payload;
mod ports;
mod publishable;
mod raw;
mod retry;
mod ticket;
mod topic;

pub use bytestring::ByteString;
pub use capabilities::{Capabilities, Support};
pub use clock::{BoxFuture, Clock, Random};
pub use codec::{DecodeError, EncodeError, JSON};
pub use commons::Commons;
pub use delivery::{AttemptRecord, Cursor, Delivery, Epoch, Place, Receipt, Recorded, Settle, Token};
pub use envelope::Envelope;
pub use error::{Error, ErrorKind};
pub use event::{Descriptor, Event, Events, Portable, default_topic};
pub use group::{Claim, GroupName, GroupSpec, Plan, PlannedGroup, Refusal, Refusals, Start};
pub use id::EventId;
pub use input::{Accepts, Input};
pub use jiff::Timestamp;
pub use local::{Emit, Hear, HearRef};
#[doc(hidden)]
pub use local::{Emitted, EmittedRef, HearRefVisitor, HearVisitor, Heard, NoEvent, Variant};
pub use message::{Durability, ExpectedRevision, Message, Outgoing, Rejected};
pub use metadata::{Extension, Metadata};
pub use outcome::{BoxError, Failure, IntoOutcome, Output, Outputs, Sink};
pub use ports::{
    Consumer, DeadLetter, GroupStatus, HeldKey, KeyRange, Log, Operator, Orphan, Page, PerToken, PlanReport,
    PlannedStart, Selection, Stats, Subscription, Tail, Taken, Transport,
};
#[doc(hidden)]
pub use publishable::Encoded;
pub use publishable::Publishable;
pub use raw::RawEvent;
pub use retry::{Jitter, Retry};
pub use ticket::{Promise, Ticket};
pub use topic::{InvalidName, Topic, TopicFilter};
