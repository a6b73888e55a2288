//! The Centrifuge client protocol, version 2, in JSON: what may stand in a frame, read and written.
//!
//! Nothing here knows a connection, a channel's history or a socket. Reading gives [`Command`]s that borrow from the
//! frame; writing appends to a byte buffer, so that several replies share one frame. The invariant: whatever is
//! written holds no literal newline, since a newline separates replies.

mod code;
mod command;
mod frame;
mod head;
mod json;
mod publication;
mod reply;
mod write;

pub use code::{Disconnect, ErrorReply, Unsubscribe};
pub use json::{Json, JsonError};
pub use publication::{ClientInfo, Publication};

pub(crate) use command::{
    Command, ConnectRequest, HistoryRequest, PublishRequest, Request, RpcRequest, SubRefreshRequest,
    SubscribeRequest,
};
pub(crate) use frame::line;
pub(crate) use head::{Opcode, head};
pub(crate) use publication::{Batch, Encoded, Frame};
pub(crate) use reply::{ConnectResult, Expiry, Replies, SubscribeResult};
#[allow(unused_imports, reason = "only the stand-alone gateway, a feature, writes more than replies")]
pub(crate) use write::object;
