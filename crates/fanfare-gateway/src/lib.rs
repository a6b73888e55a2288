//! The door for outside clients.
//!
//! What it is: the Centrifuge client protocol, version 2, in JSON over WebSocket, as a library that any axum program
//! mounts, so that the protocol's official clients work unmodified. A channel is one key of one topic; what clients
//! missed while away is read from the transport's log, across restarts of the server.
//!
//! What it is not: a web framework, an account system, or a store of its own. Who may do what is the application's
//! decision ([`Policy`], which denies by default), and every publication with an offset is a record of the transport.
//!
//! ```no_run
//! # use fanfare_gateway::{Caller, ChannelKey, ErrorReply, Gateway, Grant, Policy, Subscribe, auth::Verifier};
//! # use fanfare_core::{Topic, Transport};
//! # use std::sync::Arc;
//! struct Rooms;
//!
//! impl Policy for Rooms {
//!     async fn subscribe(&self, _: &Caller, request: &Subscribe) -> Result<Grant, ErrorReply> {
//!         let room = request.channel.strip_prefix("room:").ok_or(ErrorReply::UNKNOWN_CHANNEL)?;
//!         Ok(Grant::new(ChannelKey::new(Topic::from_static("chat.room"), room)).history())
//!     }
//! }
//!
//! # async fn example(transport: Arc<dyn Transport>, secret: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
//! let gateway = Gateway::builder(transport, Rooms)
//!     .tokens(Verifier::hs256(secret, "chat")?)
//!     .allow_origin("https://chat.example.org")
//!     .rpc("echo", async |_: Caller, text: String| Ok::<_, ErrorReply>(text))
//!     .build()?;
//! let app = axum::Router::new().merge(gateway.router());
//! # let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
//! axum::serve(listener, app).await?;
//! # Ok(())
//! # }
//! ```

mod address;
pub mod auth;
mod clock;
mod connections;
#[cfg(feature = "door")]
pub mod door;
mod gateway;
mod hub;
mod lifecycle;
mod origin;
mod policy;
mod protocol;
mod rpc;
mod session;
mod settings;
mod socket;
#[cfg(feature = "standalone")]
pub mod standalone;
mod work;

pub use connections::Target;
pub use gateway::{BuildError, Gateway, GatewayBuilder};
pub use lifecycle::{ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed, GatewayStarted};
pub use policy::{Caller, ChannelKey, Grant, Policy, Publish, Subscribe, Welcome, Window};
pub use protocol::{ClientInfo, Disconnect, ErrorReply, Json, JsonError, Publication, Unsubscribe};
pub use settings::{Rate, Rates, Settings};
pub use socket::ClientAddress;
