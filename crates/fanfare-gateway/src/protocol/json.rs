//! A JSON value that is passed through as it was written.

use bytes::Bytes;
use bytestring::ByteString;
use serde::Serialize;
use serde_json::value::RawValue;

/// One valid JSON value, kept as text and never decoded on its way through the gateway.
///
/// The text is byte for byte what was given, except that newlines between tokens are removed: they would end a reply
/// in the middle. (Inside a JSON string a newline is always escaped.)
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Json(ByteString);

/// The bytes are not one JSON value.
#[derive(Debug, thiserror::Error)]
#[error("the payload is not JSON: {0}")]
pub struct JsonError(#[from] serde_json::Error);

impl Json {
    /// Takes bytes that should be JSON, checking that they are.
    ///
    /// # Errors
    /// When the bytes are not exactly one JSON value in UTF-8.
    pub fn parse(bytes: Bytes) -> Result<Self, JsonError> {
        serde_json::from_slice::<&RawValue>(&bytes)?;
        let text =
            ByteString::try_from(bytes).map_err(|_| JsonError(serde::de::Error::custom("not UTF-8")))?;
        Ok(Self(without_newlines(text)))
    }

    /// Encodes a value.
    ///
    /// # Errors
    /// When the value cannot be written as JSON, for instance a map whose keys are not strings.
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, JsonError> {
        Ok(Self(without_newlines(serde_json::to_string(value)?.into())))
    }

    /// The value `null`.
    #[must_use]
    pub fn null() -> Self {
        Self(ByteString::from_static("null"))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_raw(raw: &RawValue) -> Self {
        Self(without_newlines(raw.get().into()))
    }
}

fn without_newlines(text: ByteString) -> ByteString {
    if text.bytes().any(|byte| byte == b'\n' || byte == b'\r') {
        text.replace(['\n', '\r'], "").into()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_kept_byte_for_byte_but_for_newlines() {
        let json = Json::parse(Bytes::from_static(b"{ \"a\" : 1.0,\r\n \"b\\n\": [ ]\n}")).unwrap();
        assert_eq!(json.as_str(), "{ \"a\" : 1.0, \"b\\n\": [ ]}");
    }

    #[test]
    fn what_is_not_one_json_value_is_refused() {
        for bad in ["", "{", "1 2", "{\"a\":\"\n\"}", "nul"] {
            assert!(Json::parse(Bytes::from_static(bad.as_bytes())).is_err(), "{bad:?}");
        }
        assert!(Json::parse(Bytes::from_static(b"\"\xff\"")).is_err());
    }
}
