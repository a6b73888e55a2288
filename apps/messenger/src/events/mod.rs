//! What happens in the messenger, as events.
//!
//! Everything of one room shares the topic `chat.room` and the room as key, everything of one direct conversation the topic
//! `dm.conversation`: so that a channel's offsets have no gaps, and so that no filter over `chat.>` ever sees a direct message.

pub mod direct;
mod fact;
pub mod room;
pub mod signal;

pub use fact::{Fact, Talk};
