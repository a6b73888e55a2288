use super::*;
use fanfare_core::{EventId, Metadata};

fn published(flow: &Flow, event_type: &str, id: &str) {
    let mut metadata = Metadata::new(EventId::from(id), "test", event_type);
    metadata.key = Some("secret-key".into());
    flow.push_for_test(Passing::new(Stage::Published, &metadata, Some(1)).by(
        "handler",
        1,
        5,
        Some("secret-error".into()),
    ));
}

#[test]
fn of_a_direct_message_only_the_type_is_remembered() {
    let flow = Flow::default();
    published(&flow, "dm.conversation.message_sent", "secret-id");
    let text = serde_json::to_string(&flow.after(0)).unwrap();
    assert!(text.contains("dm.conversation.message_sent"));
    assert!(!text.contains("secret"), "{text}");
    assert!(flow.life("secret-id").0.is_empty());
}

#[test]
fn what_is_remembered_is_bounded_and_the_gap_is_told() {
    let flow = Flow::default();
    for n in 0..5_000 {
        published(&flow, "chat.room.joined", &format!("id-{n}"));
    }
    let window = flow.after(0);
    assert_eq!((window.dropped, window.events.len(), window.next), (1_000, 500, 1_500));
    assert_eq!(flow.after(5_000).events.len(), 0);
}
