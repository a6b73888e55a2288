//! The server HTTP API: `POST /api/METHOD`, in the form of the reference server, for back ends.
//!
//! `auth` looks at the key, `http` is the routes, `call` finds the method, `request` is what methods take, `publish`,
//! `people` and `look` are the methods, `answer` writes what they return.

mod answer;
mod auth;
mod call;
mod glob;
mod http;
mod look;
mod people;
mod publish;
mod request;

pub(super) use auth::Key;
pub(super) use http::router;
