//! What people do in rooms and conversations: the server's side of every RPC.
//!
//! Whoever asks is judged by the read model, under their own [`gates`]: reading and writing hold a person's gate open,
//! taking a room away from a person closes it until that is in the model. So nothing that began before is answered
//! after the answer to a leave.

mod access;
mod demo;
mod gates;
mod membership;
mod notices;
mod outside;
mod policy;
mod presence;
mod publish;
mod reading;
mod refusal;
mod requests;
mod rpc;
mod sending;
mod service;
mod space;
mod turns;

pub use demo::PASSWORD as DEMO_PASSWORD;
pub(crate) use demo::demonstrate;
pub(crate) use notices::Notify;
pub use outside::Outside;
pub use policy::Rooms;
pub use publish::Journal;
pub use rpc::register;
pub use service::Chat;
