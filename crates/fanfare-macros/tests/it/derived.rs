use fanfare_core::{Accepts, DecodeError, Descriptor, Envelope, Event, Events as _, Input, Portable};
use fanfare_macros::{Event, Events};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
#[event(type = "order.placed", version = 2, key = order_id)]
#[serde(rename_all = "camelCase")]
struct OrderPlaced {
    order_id: Uuid,
    item: String,
}

#[derive(Event, Serialize, Deserialize, Debug, PartialEq)]
#[event(type = "order.cancelled", key = order_id)]
struct OrderCancelled {
    order_id: Uuid,
}

#[derive(Event, Serialize, Deserialize)]
#[event(type = "audit.login.failed", topic = "security")]
struct LoginFailed;

#[derive(Event)]
#[event(type = "cache.cleared", local)]
struct CacheCleared {
    _by: std::thread::ThreadId,
}

#[derive(Event, Serialize, Deserialize)]
#[event(crate = "fanfare_core", type = "tick")]
struct Tick {}

#[derive(Events, Debug, PartialEq)]
enum OrderEvent {
    Placed(OrderPlaced),
    Cancelled(OrderCancelled),
}

#[test]
fn what_is_not_said_has_defaults() {
    assert_eq!((OrderCancelled::TYPE, OrderCancelled::VERSION), ("order.cancelled", 1));
    assert_eq!(OrderCancelled::TOPIC, "order");
    assert_eq!((Tick::TOPIC, Tick::KEY_FIELD, Tick {}.key()), ("tick", None, None));
}

#[test]
fn what_is_said_counts() {
    assert_eq!((OrderPlaced::TYPE, OrderPlaced::VERSION), ("order.placed", 2));
    assert_eq!(LoginFailed::TOPIC, "security");
}

#[test]
fn the_key_is_the_fields_text_and_its_name_is_the_payloads() {
    let event = OrderPlaced { order_id: Uuid::from_u128(7), item: "Book".into() };
    assert_eq!(event.key().as_deref(), Some(Uuid::from_u128(7).to_string().as_str()));
    let payload: serde_json::Value =
        serde_json::from_slice(&event.encode_payload().unwrap().unwrap()).unwrap();
    let field = OrderPlaced::KEY_FIELD.unwrap();
    assert_eq!(payload[field].as_str(), event.key().as_deref(), "{field} in {payload}");
}

#[test]
fn a_local_event_needs_no_serde_and_does_not_encode() {
    fn portable<E: Portable>() -> bool {
        E::PORTABLE
    }
    assert!(portable::<Tick>());
    assert_eq!((CacheCleared::PORTABLE, CacheCleared::TOPIC), (false, "cache"));
    assert!(CacheCleared { _by: std::thread::current().id() }.encode_payload().is_none());
}

#[test]
fn an_enum_of_events_takes_the_types_of_its_variants() {
    let expected = [Descriptor::of::<OrderPlaced>(), Descriptor::of::<OrderCancelled>()];
    assert_eq!(OrderEvent::DESCRIPTORS, expected);
    assert!(matches!(OrderEvent::ACCEPTS, Accepts::Types(types) if types == expected));
}

#[test]
fn an_enum_of_events_decodes_into_the_variant_of_the_type() {
    let cancelled = OrderCancelled { order_id: Uuid::from_u128(9) };
    let record = crate::recorded(OrderCancelled::TYPE, &cancelled);
    assert_eq!(OrderEvent::decode(&record).unwrap(), OrderEvent::Cancelled(cancelled));
}

#[test]
fn an_enum_of_events_refuses_another_type() {
    let error = OrderEvent::decode(&crate::recorded("tick", &Tick {})).unwrap_err();
    assert!(matches!(error, DecodeError::Unexpected { event_type } if event_type == "tick"));
}

#[derive(Events)]
#[expect(clippy::large_enum_variant, reason = "what is tested is what a variant may hold")]
enum WithMetadata {
    Placed(Envelope<OrderPlaced>),
    Cancelled(std::sync::Arc<OrderCancelled>),
}

#[test]
fn a_variant_may_hold_an_envelope_or_a_shared_event() {
    let record =
        crate::recorded(OrderPlaced::TYPE, &OrderPlaced { order_id: Uuid::nil(), item: "Book".into() });
    let WithMetadata::Placed(placed) = WithMetadata::decode(&record).unwrap() else {
        panic!("another variant")
    };
    assert_eq!((placed.item.as_str(), &*placed.metadata.event_type), ("Book", OrderPlaced::TYPE));
    let record = crate::recorded(OrderCancelled::TYPE, &OrderCancelled { order_id: Uuid::nil() });
    let WithMetadata::Cancelled(cancelled) = WithMetadata::decode(&record).unwrap() else {
        panic!("another variant")
    };
    assert_eq!(cancelled.order_id, Uuid::nil());
}
