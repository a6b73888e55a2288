//! The read model of rooms, conversations and messages, in SQLite.
//!
//! One handler applies the journal's events in their order, those that came together in one transaction with the checkpoint
//! that they reach, so that an event counts once whatever happens between. At start the model reads what it lacks from the
//! journal itself; a checkpoint of another epoch, or of another version of the tables, makes the model anew.

mod apply;
mod change;
mod checkpoint;
mod comings;
mod error;
mod messages;
mod person;
mod projection;
mod rooms;
mod search;
mod space;
mod view;

pub use change::Change;
pub use comings::{Coming, comings};
pub use error::ModelError;
pub use messages::{Message, Quote, Reaction, Span, blanks, find, messages, sent_before};
pub use person::{People, PersonView, Place, Presence};
pub use projection::{Event, Model};
pub(crate) use rooms::named;
pub use rooms::{Kind, Member, Public, Role, Room, Standing};
pub use rooms::{
    head, invitation_ids, invitations, invited, member_count, members, neighbours, public_rooms, room,
    room_ids, rooms, standing,
};
pub use search::{Found, search};
pub use space::{OpenInvitations, Space, hidden_from, hide, open_invitations, show, space};
pub use view::{Blanks, Shown, view};
