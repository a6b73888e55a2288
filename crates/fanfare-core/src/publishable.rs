//! What a publisher takes. It lives beside `Event`, so that raw events and typed ones do not collide.

use bytes::Bytes;
use bytestring::ByteString;

use crate::{Descriptor, EncodeError, Portable, RawEvent, codec};

/// Something that can be published: an event that may leave its process, or a raw event.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published",
    label = "not a portable event",
    note = "publish an event that derives `Event`, `Serialize` and `Deserialize`, or a `RawEvent`; a `#[event(local)]` one stays in its process"
)]
pub trait Publishable: Send {
    /// Encodes it.
    ///
    /// # Errors
    /// What serde says.
    #[doc(hidden)]
    fn encoded(&self) -> Result<Encoded<'_>, EncodeError>;
}

/// The encoded form of what is published.
#[doc(hidden)]
#[derive(Debug)]
pub enum Encoded<'a> {
    /// Of a type known at compile time.
    Typed {
        /// Its type.
        descriptor: Descriptor,
        /// Its key.
        key: Option<ByteString>,
        /// The payload.
        payload: Bytes,
    },
    /// Of a type known at run time.
    Raw(&'a RawEvent),
}

impl<E: Portable> Publishable for E {
    fn encoded(&self) -> Result<Encoded<'_>, EncodeError> {
        let payload = match self.encode_payload() {
            Some(payload) => payload?,
            // A hand-written `Event` without the hook.
            None => codec::encode(E::TYPE, self)?,
        };
        Ok(Encoded::Typed { descriptor: Descriptor::of::<E>(), key: self.key(), payload })
    }
}

impl Publishable for RawEvent {
    fn encoded(&self) -> Result<Encoded<'_>, EncodeError> {
        Ok(Encoded::Raw(self))
    }
}
