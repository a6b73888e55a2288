use bytes::Bytes;
use fanfare_core::{
    AttemptRecord, Epoch, EventId, Extension, GroupSpec, Message, Metadata, Place, Recorded, Timestamp,
    Topic, TopicFilter,
};
use proptest::prelude::*;
use uuid::Uuid;

use super::{
    Acked, Created, Dead, Held, Kind, Malformed, Record, Refiltered, Retried, decode_event, encode_event,
    peek_event,
};

fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(1_800_000_000_000_000 + micros).unwrap()
}

/// One of each kind but the event.
fn every_kind() -> Vec<Record> {
    let failed = AttemptRecord::new(2, time(5), "it broke");
    let filter = |text: &str| text.parse::<TopicFilter>().unwrap();
    let name = |text: &str| text.parse().unwrap();
    vec![
        Record::Store { seed: [0x0102_0304_0506_0708, u64::MAX] },
        Record::Clock { open_ms: 300_000 },
        Record::Class {
            id: 7,
            topic: Topic::from_static("order"),
            event_type: "order.placed".into(),
            type_version: 2,
        },
        Record::Attempts { group: 1, positions: vec![5, 6, 300, 4] },
        Record::Settled {
            group: 1,
            acked: Acked { ranges: vec![(3, 9, 2), (300, 301, 1), (12, 13, 1)], reopened: vec![1] },
        },
        Record::Retried(Retried { group: 1, position: 4, due: time(9), failed: Some(failed.clone()) }),
        Record::Retried(Retried { group: 1, position: 4, due: time(9), failed: None }),
        Record::Dead(Dead {
            group: 1,
            start: 2,
            position: 4,
            reason: "five attempts".into(),
            at: time(11),
            failed: Some(failed),
        }),
        Record::Redriven { group: 1, positions: vec![4] },
        Record::Discarded { group: 1, positions: vec![] },
        Record::Scheduled {
            id: 3,
            due: time(1_000_000),
            class: 7,
            identity: Some((1 << 100, 77)),
            message: Bytes::from_static(b"encoded"),
        },
        Record::ScheduleDone { id: 3 },
        Record::GroupCreated(Created {
            group: 1,
            spec: GroupSpec::new(name("shop//reserve"), vec![filter("order")], vec![filter("order.>")]),
            cursor: 10,
            lag: 5,
        }),
        Record::GroupRenamed { group: 1, name: name("shop/workers/keep") },
        Record::GroupDeleted { group: 1 },
        Record::GroupFilter(Refiltered {
            group: 1,
            topics: vec![filter("*"), filter("a.b")],
            types: vec![],
            unsettled: vec![11, 13],
            lag: 2,
        }),
        Record::Held(Held {
            group: 1,
            position: 4,
            class: 7,
            key: Some(0),
            is_parked: true,
            passed: vec![5, 9],
        }),
        Record::Held(Held { group: 1, position: 4, class: 7, key: None, is_parked: false, passed: vec![4] }),
        Record::Resumed { group: 1, position: 4 },
        Record::Released { group: 1, positions: vec![9] },
        Record::Recovered,
    ]
}

fn plain() -> Message {
    let id = EventId::Uuid(Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0001));
    let mut metadata = Metadata::new(id, "shop", "order.placed");
    metadata.type_version = 2;
    metadata.key = Some("order-1".into());
    Message::new(Topic::from_static("order"), metadata, Bytes::from_static(b"{\"n\":1}"))
}

fn full() -> Message {
    let mut message = plain();
    let metadata = &mut message.metadata;
    metadata.id = "not a uuid".into();
    metadata.time = Some(Timestamp::new(1_800_000_000, 123_456_789).unwrap());
    metadata.content_type = Some("application/cbor".into());
    metadata.correlation_id = Some("flow".into());
    metadata.causation_id = Some(EventId::Uuid(Uuid::from_u128(5)));
    metadata.causation_depth = 300;
    metadata.set_subject(Some("subject".into()));
    metadata.set_data_schema(Some("schema".into()));
    metadata.set_sequence(Some("17".into()));
    metadata.set_trace_parent(Some("00-trace".into()));
    metadata.set_trace_state(Some("a=b".into()));
    metadata.set_reply_to(Some("inbox.1".into()));
    metadata.set_idempotency_key(Some("once".into()));
    metadata.set_not_before(Some(Timestamp::new(-5, 0).unwrap()));
    metadata.set_expires(Some(Timestamp::MAX));
    metadata.set_extension("flag", Extension::Bool(true));
    metadata.set_extension("count", Extension::Integer(-7));
    metadata.set_extension("text", Extension::Text("words".into()));
    message
}

fn place() -> Place {
    Place::new(Epoch(9), 1_000_000, 77, 3, time(1))
}

fn encoded(message: &Message, bypasses: bool) -> Bytes {
    let mut body = Vec::new();
    encode_event(&mut body, &place(), 7, bypasses, message);
    body.into()
}

fn decoded(body: &Bytes) -> Result<Recorded, Malformed> {
    decode_event(body, Epoch(9), |_| Some((Topic::from_static("order"), "order.placed".into(), 2)))
}

#[test]
fn every_record_reads_back_as_it_was() {
    for record in every_kind() {
        let mut body = Vec::new();
        record.encode(&mut body);
        assert_eq!(Record::decode(record.kind(), &body.into()).unwrap(), record);
    }
}

#[test]
fn every_attribute_of_an_event_reads_back_as_it_was() {
    for (message, bypasses) in [(plain(), false), (full(), true)] {
        let body = encoded(&message, bypasses);
        let event = decoded(&body).unwrap();
        let metadata = message.metadata.clone();
        assert_eq!((event.message, event.place), (message, place()));
        let peek = peek_event(&body).unwrap();
        assert_eq!((peek.position, peek.class, peek.message.key), (1_000_000, 7, Some("order-1")));
        let place = Place::new(Epoch(9), peek.position, peek.offset, peek.revision, peek.recorded_at);
        assert_eq!((place, peek.bypasses_window), (self::place(), bypasses));
        assert_eq!((&peek.message.id, peek.message.source), (&metadata.id, &metadata.source.as_bytes()[..]));
        assert_eq!(peek.message.has_rare, metadata.has_rare());
    }
}

#[test]
fn texts_and_payload_share_the_memory_of_the_record() {
    let body = encoded(&plain(), false);
    let event = decoded(&body).unwrap();
    let range = body.as_ptr_range();
    let message = event.message;
    assert!(range.contains(&message.payload.as_ptr()));
    assert!(range.contains(&message.metadata.source.as_bytes().as_ptr()));
    assert!(range.contains(&message.metadata.key.unwrap().as_bytes().as_ptr()));
}

/// Kind, length (u32) and body of each record.
#[test]
fn the_records_of_version_1_are_what_they_were() {
    let mut bytes = Vec::new();
    let mut add = |kind: Kind, body: &[u8]| {
        bytes.push(kind as u8);
        bytes.extend_from_slice(&(body.len() as u32).to_le_bytes());
        bytes.extend_from_slice(body);
    };
    for record in every_kind() {
        let mut body = Vec::new();
        record.encode(&mut body);
        add(record.kind(), &body);
    }
    add(Kind::Event, &encoded(&plain(), false));
    add(Kind::Event, &encoded(&full(), true));
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../testdata/formats/v1/records");
    assert!(std::fs::read(file).unwrap() == bytes, "records are written in other bytes than before");
}

#[test]
fn a_record_of_a_newer_version_or_kind_is_refused() {
    assert!(Kind::try_from(0).is_err() && Kind::try_from(21).is_err());
    for record in every_kind() {
        let mut body = Vec::new();
        record.encode(&mut body);
        body[0] = 2;
        assert!(Record::decode(record.kind(), &body.into()).is_err());
    }
}

proptest! {
    #[test]
    fn damaged_records_are_refused_or_decode_but_never_panic(
        which in 0..23_usize,
        at in any::<prop::sample::Index>(),
        bits in 1..=255_u8,
        is_cut in any::<bool>(),
    ) {
        let records = every_kind();
        let (kind, mut body) = match records.get(which) {
            Some(record) => {
                let mut body = Vec::new();
                record.encode(&mut body);
                (record.kind(), body)
            }
            None => (Kind::Event, encoded(&full(), false).to_vec()),
        };
        let at = at.index(body.len());
        if is_cut {
            body.truncate(at);
        } else {
            body[at] ^= bits;
        }
        let body = Bytes::from(body);
        if kind == Kind::Event {
            let _ = (decoded(&body).is_ok(), peek_event(&body).is_ok());
        } else {
            let _ = Record::decode(kind, &body).is_ok();
        }
    }
}
