//! CloudEvents 1.0, JSON event format, structured mode
//! (<https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/formats/json-format.md>).
//!
//! The topic is no attribute: whoever reads a structured event says which topic it is for.

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use serde_json::{Map, Value};

use crate::{EventId, Extension, Metadata, codec::is_json};

/// The media type of the structured form.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";

/// A text that is no CloudEvent.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("failed to read a CloudEvent: {0}")]
pub struct InvalidCloudEvent(String);

/// Writes an event in structured mode.
///
/// # Errors
/// When the content type is JSON and the payload is not.
pub fn to_json(metadata: &Metadata, payload: &Bytes) -> Result<String, InvalidCloudEvent> {
    let mut object = Map::new();
    object.insert("specversion".into(), "1.0".into());
    for (name, value) in metadata.attributes() {
        let value = match (&*name, metadata.extension(&name)) {
            (_, Some(Extension::Bool(value))) => Value::Bool(*value),
            (_, Some(Extension::Integer(value))) => Value::from(*value),
            ("typeversion" | "causationdepth", _) => value.parse::<u64>().map_or(Value::Null, Value::from),
            _ => Value::String(value.into_owned()),
        };
        object.insert(name.into_owned(), value);
    }
    if !payload.is_empty() {
        let (name, value) = data_member(metadata, payload)?;
        object.insert(name.to_owned(), value);
    }
    Ok(Value::Object(object).to_string())
}

fn data_member(metadata: &Metadata, payload: &Bytes) -> Result<(&'static str, Value), InvalidCloudEvent> {
    let content_type = metadata.content_type.as_deref();
    if content_type.is_none_or(is_json) {
        let value = serde_json::from_slice(payload)
            .map_err(|error| InvalidCloudEvent(format!("the payload is not JSON: {error}")))?;
        return Ok(("data", value));
    }
    // Section 3.1.1: a payload that is text travels as a JSON string, any other as base64.
    Ok(match std::str::from_utf8(payload) {
        Ok(text) if content_type.is_some_and(is_text) => ("data", Value::String(text.to_owned())),
        _ => ("data_base64", Value::String(STANDARD.encode(payload))),
    })
}

fn is_text(content_type: &str) -> bool {
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    essence.starts_with("text/") || essence.ends_with("/xml") || essence.ends_with("+xml")
}

/// Reads an event in structured mode.
///
/// # Errors
/// When it is not JSON, not version 1.0, a required attribute is missing or an attribute has the wrong type; the text
/// names it.
pub fn from_json(text: &[u8]) -> Result<(Metadata, Bytes), InvalidCloudEvent> {
    let object: Map<String, Value> = serde_json::from_slice(text)
        .map_err(|error| InvalidCloudEvent(format!("not a JSON object: {error}")))?;
    let required = |name: &str| match object.get(name) {
        Some(Value::String(value)) if !value.is_empty() => Ok(value.as_str()),
        Some(_) => Err(InvalidCloudEvent(format!("`{name}` is not a non-empty text"))),
        None => Err(InvalidCloudEvent(format!("`{name}` is missing"))),
    };
    let version = required("specversion")?;
    if version != "1.0" {
        return Err(InvalidCloudEvent(format!("specversion `{version}` is not supported, only `1.0`")));
    }
    let mut metadata = Metadata::new(EventId::from(required("id")?), required("source")?, required("type")?);
    for (name, value) in &object {
        match (name.as_str(), value) {
            ("specversion" | "id" | "source" | "type" | "data" | "data_base64", _) | (_, Value::Null) => {}
            (name, Value::String(value)) => metadata.set_attribute(name, value).map_err(InvalidCloudEvent)?,
            ("typeversion" | "causationdepth", Value::Number(value)) => {
                metadata.set_attribute(name, &value.to_string()).map_err(InvalidCloudEvent)?;
            }
            (name, Value::Bool(value)) => metadata.set_extension(name, Extension::Bool(*value)),
            (name, Value::Number(value)) => {
                match value.as_i64().and_then(|value| i32::try_from(value).ok()) {
                    Some(value) => metadata.set_extension(name, Extension::Integer(value)),
                    None => {
                        return Err(InvalidCloudEvent(format!("`{name}` is not a whole number of 32 bits")));
                    }
                }
            }
            (name, _) => {
                return Err(InvalidCloudEvent(format!(
                    "`{name}` is an object or a list; attributes are neither"
                )));
            }
        }
    }
    let payload = read_data(&object, &metadata)?;
    Ok((metadata, payload))
}

fn read_data(object: &Map<String, Value>, metadata: &Metadata) -> Result<Bytes, InvalidCloudEvent> {
    match (object.get("data"), object.get("data_base64")) {
        (Some(_), Some(_)) => Err(InvalidCloudEvent("it has both `data` and `data_base64`".into())),
        (None, None) => Ok(Bytes::new()),
        (Some(Value::String(text)), None) if !metadata.content_type.as_deref().is_none_or(is_json) => {
            Ok(Bytes::from(text.clone()))
        }
        (Some(value), None) => Ok(Bytes::from(value.to_string())),
        (None, Some(Value::String(text))) => STANDARD
            .decode(text)
            .map(Bytes::from)
            .map_err(|error| InvalidCloudEvent(format!("`data_base64` is not base64: {error}"))),
        (None, Some(_)) => Err(InvalidCloudEvent("`data_base64` is not a text".into())),
    }
}

#[cfg(test)]
mod tests;
