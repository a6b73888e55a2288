use bytes::Bytes;
use serde_json::{Value, json};

use super::{from_json, to_json};
use crate::Extension;

/// The examples of the JSON event format, version 1.0.2, sections 3.1.1 and 3.2.
fn examples() -> Vec<Value> {
    let base = json!({
        "specversion": "1.0",
        "type": "com.example.someevent",
        "source": "/mycontext",
        "id": "A234-1234-1234",
        "time": "2018-04-05T17:31:00Z",
        "comexampleextension1": "value",
        "comexampleothervalue": 5,
    });
    let with = |members: Value| {
        let mut event = base.clone();
        event.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        event
    };
    vec![
        with(json!({ "datacontenttype": "application/vnd.apache.thrift.binary", "data_base64": "AQIDBA==" })),
        with(
            json!({ "datacontenttype": "application/json", "data": { "appinfoA": "abc", "appinfoB": 123, "appinfoC": true } }),
        ),
        with(json!({ "datacontenttype": "application/json", "data": 1.5 })),
        with(json!({ "datacontenttype": "application/json", "data": "I'm just a string" })),
        with(json!({ "datacontenttype": "application/xml", "data": "<much wow=\"xml\"/>" })),
        with(json!({ "datacontenttype": "text/xml", "data": "<much wow=\"xml\"/>" })),
        with(json!({ "subject": "larger-context", "datacontenttype": "application/json", "data": {} })),
        base.clone(),
    ]
}

#[test]
fn the_examples_of_the_specification_read_and_write_back_unchanged() {
    for example in examples() {
        let (metadata, payload) = from_json(example.to_string().as_bytes()).unwrap();
        let written: Value = serde_json::from_str(&to_json(&metadata, &payload).unwrap()).unwrap();
        assert_eq!(written, example);
    }
}

#[test]
fn an_extension_keeps_its_type() {
    let (metadata, _) = from_json(examples()[0].to_string().as_bytes()).unwrap();
    assert_eq!(metadata.extension("comexampleothervalue"), Some(&Extension::Integer(5)));
}

#[test]
fn every_extension_of_ours_survives_the_round_trip() {
    let event = json!({
        "specversion": "1.0", "type": "order.placed", "source": "shop", "id": "018f4e9c-0000-7000-8000-000000000000",
        "time": "2026-11-21T10:00:00.123456Z", "partitionkey": "42", "correlationid": "c", "causationid": "d",
        "causationdepth": 3, "sequence": "0007", "typeversion": 2, "traceparent": "00-a-b-01", "tracestate": "x=y",
        "notbefore": "2026-11-21T11:00:00Z", "expirytime": "2026-11-21T12:00:00Z", "replyto": "inbox.1",
        "idempotencykey": "once", "data": { "order_id": "42" },
    });
    let (metadata, payload) = from_json(event.to_string().as_bytes()).unwrap();
    assert_eq!(metadata.key.as_deref(), Some("42"));
    assert_eq!((metadata.type_version, metadata.causation_depth), (2, 3));
    let written: Value = serde_json::from_str(&to_json(&metadata, &payload).unwrap()).unwrap();
    assert_eq!(written, event);
}

#[test]
fn what_is_wrong_is_named() {
    let cases = [
        (json!({ "specversion": "0.3", "type": "t", "source": "s", "id": "i" }), "0.3"),
        (json!({ "specversion": "1.0", "source": "s", "id": "i" }), "`type`"),
        (json!({ "specversion": "1.0", "type": "t", "source": "s", "id": "" }), "`id`"),
        (json!({ "specversion": "1.0", "type": "t", "source": "s", "id": "i", "time": "noon" }), "`time`"),
        (json!({ "specversion": "1.0", "type": "t", "source": "s", "id": "i", "x": {} }), "`x`"),
        (
            json!({ "specversion": "1.0", "type": "t", "source": "s", "id": "i", "data": 1, "data_base64": "AA==" }),
            "both",
        ),
    ];
    for (event, words) in cases {
        let error = from_json(event.to_string().as_bytes()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert!(from_json(b"[]").is_err());
}

#[test]
fn a_payload_that_is_not_json_is_refused_when_the_type_says_json() {
    let (metadata, _) = from_json(examples()[7].to_string().as_bytes()).unwrap();
    assert!(to_json(&metadata, &Bytes::from_static(b"{")).is_err());
}
