//! Channels as the file describes them: what each is, who may do what, how it is published into.

mod namespaces;
mod policy;
mod publish;
mod record;
mod repeats;

pub(super) use namespaces::{Channel, Namespaces};
pub(super) use policy::Channels;
pub(super) use publish::{Position, Publishing};
