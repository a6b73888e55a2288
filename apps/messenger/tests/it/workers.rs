//! What reacts behind the scenes, and how it is looked at.

use crate::support::{self, eventually};
use fanfare::{HandlerExt, Retry, State};
use messenger::db::Db;
use messenger::events::{direct, room};
use messenger::model::Model;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Whether what was broken works again, and how often it did.
#[derive(Clone, Default)]
struct Mended(Arc<AtomicBool>, Arc<AtomicU32>);

async fn breaks_in_rooms(_: room::MessageSent, State(mended): State<Mended>) -> Result<(), String> {
    if !mended.0.load(Ordering::SeqCst) {
        return Err("the printer is on fire".into());
    }
    mended.1.fetch_add(1, Ordering::SeqCst);
    Ok(())
}

async fn breaks_in_conversations(sent: direct::MessageSent) -> Result<(), String> {
    Err(format!("cannot print {}", sent.text))
}

#[tokio::test]
async fn dead_letters_are_shown_with_their_history_and_sent_back_from_the_flow() {
    let mended = Mended::default();
    let server = support::start_extended(|app| {
        app.state(mended.clone())
            .on(breaks_in_rooms.retry(Retry::fixed(std::time::Duration::ZERO).attempts_max(2)))
    })
    .await;
    let admin = server.admin().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let message = ada.send_text(&room, "1", "print this").await["message"].clone();
    ada.send_text(&room, "2", "and this").await;
    let group = "messenger/workers/breaks_in_rooms";
    let letters = format!("/api/flow/dead?group={group}");
    let mut dead = Value::Null;
    eventually("both are dead letters", async || {
        dead = admin.get(&letters).await.body["letters"].clone();
        dead.as_array().unwrap().len() == 2
    })
    .await;
    let first = &dead[0];
    assert_eq!((&first["payload"]["message"], &first["attempts"]), (&message, &json!(2)), "{first}");
    assert!(first["history"][0]["error"].as_str().unwrap().contains("on fire"), "{first}");

    let one = json!({ "group": group, "position": first["position"] });
    assert_eq!(ada.person.clone().post("/api/flow/redrive", one.clone()).await.status, 404, "not for others");
    mended.0.store(true, Ordering::SeqCst);
    assert_eq!(admin.post("/api/flow/redrive", one).await.body, json!({ "redriven": 1 }));
    eventually("the one is handled, the other waits", async || {
        mended.1.load(Ordering::SeqCst) == 1
            && admin.get(&letters).await.body["letters"].as_array().unwrap().len() == 1
    })
    .await;
    assert_eq!(
        admin.post("/api/flow/redrive", json!({ "group": group })).await.body,
        json!({ "redriven": 1 })
    );
    eventually("all are", async || mended.1.load(Ordering::SeqCst) == 2).await;
    let shown = admin.get("/api/flow/groups").await.body;
    let own = shown["groups"].as_array().unwrap().iter().find(|one| one["group"] == group).unwrap().clone();
    assert_eq!((&own["dead"], &own["lag"]), (&json!(0), &json!(0)), "{own}");
}

#[tokio::test]
async fn a_direct_message_that_is_a_dead_letter_is_a_type_and_a_count() {
    let server = support::start_extended(|app| app.on(breaks_in_conversations.retry(Retry::none()))).await;
    let admin = server.admin().await;
    let (mut ada, bob) = (server.person("ada").await.connect().await, server.person("bob").await);
    let direct = ada.rpc("dm.open", json!({ "person": bob.id })).await.unwrap()["id"].clone();
    ada.send_text(direct.as_str().unwrap(), "1", "zebrasecret").await;
    let letters = "/api/flow/dead?group=messenger/workers/breaks_in_conversations";
    let mut dead = Value::Null;
    eventually("it is a dead letter", async || {
        dead = admin.get(letters).await.body["letters"].clone();
        dead.as_array().unwrap().len() == 1
    })
    .await;
    let mut fields: Vec<&String> = dead[0].as_object().unwrap().keys().collect();
    fields.sort();
    assert_eq!(fields, ["attempts", "position", "type"]);
    assert_eq!(dead[0]["type"], "dm.conversation.message_sent");
    let metrics = server.messenger.metrics().await;
    let passing = admin.get("/api/flow/events?after=0").await.body.to_string();
    for (place, text) in [("metrics", metrics), ("flow", passing)] {
        assert!(!text.contains("zebrasecret") && !text.contains(direct.as_str().unwrap()), "{place}: {text}");
    }
}

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

#[tokio::test]
async fn what_came_together_is_in_the_model_by_one_transaction() {
    let server = support::start().await;
    let folder = tempfile::tempdir().unwrap();
    let model = Model::new(Db::open(folder.path().join("model.db")).unwrap());
    let log = server.messenger.transport().log().unwrap();
    model.open(log).await.unwrap();
    let (heard, hears) = std::sync::mpsc::channel();
    model.listen(move |changes| heard.send(changes.len()).unwrap());
    for number in 0..40 {
        let (room, by) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let created = room::Created { room, name: format!("room {number}"), is_public: true, by };
        server.messenger.publisher().publish(created).await.unwrap();
    }
    model.follow(log, log.end() - 1).await.unwrap();
    assert_eq!(hears.try_iter().collect::<Vec<_>>(), [40]);
    assert!(model.has(log.end() - 1));
}
