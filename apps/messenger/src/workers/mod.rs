//! What reacts to the chat behind the scenes. Each handler is a consumer group of its own: one that fails is retried and
//! dead-lettered, and delays neither the chat nor another.

mod analysis;
mod log;
mod notify;
mod projection;

pub use analysis::{Flood, Found, analyse};
pub use log::log_event;
pub use notify::{notify_invited, notify_mentioned, notify_replied};
pub use projection::project;
