//! What reacts behind the scenes, and how it is looked at.

use crate::support::{self, eventually};
use serde_json::Value;

#[tokio::test]
async fn one_events_life_can_be_followed_by_its_id() {
    let server = support::start().await;
    let admin = server.admin().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    ada.send_text(&room, "1", "hello @bob https://example.org").await;
    let mut sent = Value::Null;
    eventually("the message passes", async || {
        let passing = admin.get("/api/flow/events?after=0").await.body;
        let events = passing["events"].as_array().unwrap();
        let is_sent =
            |event: &&Value| event["type"] == "chat.room.message_sent" && event["stage"] == "published";
        sent = events.iter().find(is_sent).cloned().unwrap_or_default();
        assert!(!passing.to_string().contains("hello"), "payloads are hidden: {passing}");
        sent.is_object()
    })
    .await;
    let id = sent["id"].as_str().unwrap();
    eventually("every handler had it, and what follows from it is known", async || {
        let life = admin.get(&format!("/api/flow/event/{id}")).await.body;
        let handlers: Vec<&str> = life["handled"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|passing| passing["handler"].as_str())
            .collect();
        let caused: Vec<&str> = life["caused"]
            .as_array()
            .unwrap()
            .iter()
            .filter_map(|passing| passing["type"].as_str())
            .collect();
        assert_eq!(life["payload"]["text"], "hello @bob https://example.org", "opened, it is shown");
        ["project", "log_event", "analyse"].iter().all(|wanted| handlers.contains(wanted))
            && ["chat.mention.found", "chat.link.found"].iter().all(|wanted| caused.contains(wanted))
    })
    .await;
}

#[tokio::test]
async fn the_groups_are_listed_with_their_lag() {
    let server = support::start().await;
    let admin = server.admin().await;
    let groups = admin.get("/api/flow/groups").await.body;
    let names: Vec<&str> =
        groups["groups"].as_array().unwrap().iter().map(|group| group["group"].as_str().unwrap()).collect();
    for handler in ["project", "log_event", "analyse", "notify_mentioned", "notify_replied", "notify_invited"]
    {
        assert!(names.contains(&&*format!("messenger/workers/{handler}")), "{names:?}");
    }
}

#[tokio::test]
async fn a_worker_that_always_fails_delays_nobody_and_is_seen() {
    let server = support::start().await;
    let admin = server.admin().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    bob.subscribe(&format!("room:{room}")).await.unwrap();
    let database = rusqlite::Connection::open(server.data().join("messenger.db")).unwrap();
    database.execute_batch("ALTER TABLE notification RENAME TO gone").unwrap();
    ada.send_text(&room, "1", "hello @bob").await;
    assert_eq!(bob.publication(&format!("room:{room}")).await.1["text"], "hello @bob");
    eventually("the failure is seen, and waits to be tried again", async || {
        let passing = admin.get("/api/flow/events?after=0").await.body;
        let has_failed = passing["events"].as_array().unwrap().iter().any(|event| {
            event["stage"] == "failed" && event["handler"] == "notify_mentioned" && event["error"].is_string()
        });
        let groups = admin.get("/api/flow/groups").await.body;
        let retrying =
            groups["groups"].as_array().unwrap().iter().any(|group| {
                group["group"] == "messenger/workers/notify_mentioned" && group["retrying"] == 1
            });
        has_failed && retrying
    })
    .await;
    ada.send_text(&room, "2", "and on it goes").await;
    assert_eq!(bob.publication(&format!("room:{room}")).await.1["text"], "and on it goes");
    database.execute_batch("ALTER TABLE gone RENAME TO notification").unwrap();
    assert_eq!(bob.message("notification").await["notification"]["kind"], "mention");
}
