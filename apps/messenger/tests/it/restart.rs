//! What stays when the messenger ends and starts again, and when time passes.

use crate::support::{self, Client, Server, eventually, start_with};
use fanfare_core::{BoxFuture, Clock, Timestamp};
use messenger::messenger::Config;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

#[tokio::test]
async fn people_rooms_and_messages_are_there_again_and_a_late_repeat_is_known() {
    let server = start_with(|_| {}).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let sent = ada.send_text(&room, "1", "hello").await;
    let folder = server.end().await.unwrap();
    let server = Server::open(folder.path(), |_| {}).await;
    let mut ada = server.again("ada").await.connect().await;
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"][0]["text"], "hello");
    let again = ada.send_text(&room, "1", "hello").await;
    assert_eq!(
        (&again["message"], &again["offset"], &again["is_repeat"]),
        (&sent["message"], &sent["offset"], &json!(true))
    );
}

/// The machine's clock, moved on by hand.
#[derive(Debug)]
struct Moved {
    start: Instant,
    by_ms: AtomicU64,
}

impl Clock for Moved {
    fn now(&self) -> Timestamp {
        Timestamp::now() + Duration::from_millis(self.by_ms.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed() + Duration::from_millis(self.by_ms.load(Ordering::Relaxed))
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(duration))
    }
}

#[tokio::test]
async fn a_resend_after_an_hour_makes_no_second_message_although_the_broker_has_forgotten_the_first() {
    let clock = Arc::new(Moved { start: Instant::now(), by_ms: AtomicU64::new(0) });
    let server = support::start_extended(|app| app.clock(clock.clone())).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let sent = ada.send_text(&room, "early", "hello").await;
    let head = async |ada: &mut Client| {
        ada.rpc("history", json!({ "room": room })).await.unwrap()["offset"].as_u64().unwrap()
    };
    let in_model = async |ada: &mut Client, count: usize| {
        let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
        page["messages"].as_array().unwrap().len() == count
    };
    eventually("the model has it", async || in_model(&mut ada, 1).await).await;
    clock.by_ms.fetch_add(3_600_000, Ordering::Relaxed);
    ada.send_text(&room, "later", "an hour later").await;
    let before = head(&mut ada).await;
    let again = ada.send_text(&room, "early", "hello").await;
    assert_eq!(
        (&again["message"], &again["offset"], &again["is_repeat"]),
        (&sent["message"], &sent["offset"], &json!(true))
    );
    assert_eq!(head(&mut ada).await, before, "nothing was published");

    // That it is the read model that knows, and not the broker, shows when the model forgets it.
    eventually("the model has both", async || in_model(&mut ada, 2).await).await;
    let database = rusqlite::Connection::open(server.data().join("messenger.db")).unwrap();
    database.execute_batch("DELETE FROM message WHERE client_id = 'early'").unwrap();
    let forgotten = ada.send_text(&room, "early", "hello").await;
    assert_eq!(forgotten["is_repeat"], json!(false), "the broker's window was past");
}

#[tokio::test]
async fn a_resend_is_known_also_while_the_model_is_late_and_the_broker_has_forgotten_the_first() {
    let clock = Arc::new(Moved { start: Instant::now(), by_ms: AtomicU64::new(0) });
    let server = support::start_extended(|app| app.clock(clock.clone())).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let database = rusqlite::Connection::open(server.data().join("messenger.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let sent = ada.send_text(&room, "early", "hello").await;
    clock.by_ms.fetch_add(3_600_000, Ordering::Relaxed);
    let again = ada.send_text(&room, "early", "hello").await;
    database.execute_batch("ROLLBACK").unwrap();
    assert_eq!((&again["message"], &again["offset"]), (&sent["message"], &sent["offset"]));
    assert_eq!(again["is_repeat"], json!(true));
    let history = ada.rpc("history", json!({ "room": room })).await.unwrap();
    assert_eq!(history["offset"], sent["offset"], "nothing was published");
}

#[tokio::test]
async fn a_lost_read_model_is_made_again_from_the_journal() {
    let server = start_with(|_| {}).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    ada.send_text(&room, "1", "hello").await;
    let database = server.data().join("messenger.db");
    let folder = server.end().await.unwrap();
    let connection = rusqlite::Connection::open(&database).unwrap();
    connection
        .execute_batch("DELETE FROM message; DELETE FROM member; UPDATE checkpoint SET version = 0")
        .unwrap();
    drop(connection);
    let server = Server::open(folder.path(), |_| {}).await;
    let mut ada = server.again("ada").await.connect().await;
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"][0]["text"], "hello");
}

#[tokio::test]
async fn a_model_of_another_journal_is_made_anew() {
    let memory = |config: &mut Config| config.transport = Some("memory:".into());
    let server = start_with(memory).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let folder = server.end().await.unwrap();
    let server = Server::open(folder.path(), memory).await;
    let mut ada = server.again("ada").await.connect().await;
    assert_eq!(
        ada.rpc("sync", json!({})).await.unwrap()["rooms"],
        json!([]),
        "the room was in the other journal"
    );
    assert_eq!(ada.rpc("messages", json!({ "room": room })).await, Err(404));
}

#[tokio::test]
async fn a_client_that_was_away_during_a_restart_recovers_what_it_missed() {
    let server = start_with(|_| {}).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let channel = format!("room:{room}");
    let joined = ada.subscribe(&channel).await.unwrap();
    ada.send_text(&room, "1", "missed").await;
    let folder = server.end().await.unwrap();
    let server = Server::open(folder.path(), |_| {}).await;
    let mut ada = server.again("ada").await.connect().await;
    let since = json!({ "recover": true, "offset": joined["offset"], "epoch": joined["epoch"] });
    let recovered = ada.subscribe_from(&channel, since).await.unwrap();
    assert_eq!(recovered["recovered"], true, "{recovered}");
    assert_eq!(recovered["publications"][0]["data"]["text"], "missed");
}

#[tokio::test]
async fn the_folder_and_what_is_in_it_are_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let server = start_with(|_| {}).await;
    server.person("ada").await;
    let mode = |path: &std::path::Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&server.data()), 0o700);
    for name in ["secret", "messenger.db", "messenger.db-wal", "messenger.db-shm"] {
        assert_eq!(mode(&server.data().join(name)), 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_backup_made_while_people_write_holds_every_message_ticked_before_it() {
    let server = start_with(|_| {}).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let place = tempfile::tempdir().unwrap();
    let (copy, restored) = (place.path().join("backup"), place.path().join("restored").join("data"));
    let (data, to) = (server.data(), copy.clone());
    let mut ticked = Vec::new();
    let mut backing_up = None;
    for number in 0..40 {
        if number == 8 {
            let (data, to) = (data.clone(), to.clone());
            backing_up = Some((
                ticked.len(),
                tokio::task::spawn_blocking(move || messenger::backup::backup(&data, &to)),
            ));
        }
        let send =
            json!({ "room": room, "client_id": format!("{number}"), "text": format!("text {number}") });
        if ada.rpc("message.send", send).await.is_ok() {
            ticked.push(format!("text {number}"));
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    let (before, backup) = backing_up.unwrap();
    backup.await.unwrap().unwrap();
    assert!(messenger::backup::backup(&data, &copy).is_err(), "a folder with something in it is refused");
    messenger::backup::restore(&copy, &restored).unwrap();
    assert!(messenger::backup::restore(&copy, &restored).is_err());
    let server = Server::open(restored.parent().unwrap(), |_| {}).await;
    let mut ada = server.again("ada").await.connect().await;
    let page = ada.rpc("messages", json!({ "room": room, "limit": 100 })).await.unwrap();
    let texts: Vec<&str> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap())
        .collect();
    assert_eq!(texts[..before], ticked[..before]);
    assert_eq!(texts[..], ticked[..texts.len()], "what came while it ran is there up to some point");
}

#[tokio::test]
async fn after_a_restore_nobody_goes_on_from_positions_of_before() {
    let server = start_with(|_| {}).await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let channel = format!("room:{room}");
    ada.send_text(&room, "1", "kept").await;
    let place = tempfile::tempdir().unwrap();
    let (copy, restored) = (place.path().join("backup"), place.path().join("restored").join("data"));
    messenger::backup::backup(&server.data(), &copy).unwrap();
    ada.send_text(&room, "2", "lost").await;
    let joined = ada.subscribe(&channel).await.unwrap();
    server.end().await;
    messenger::backup::restore(&copy, &restored).unwrap();

    let server = Server::open(restored.parent().unwrap(), |_| {}).await;
    let mut ada = server.again("ada").await.connect().await;
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["messages"][0]["text"], "kept", "the read model was made anew from the journal");
    // Under the lost message's offset stands another one now.
    let other = ada.send_text(&room, "3", "another").await;
    assert_eq!(other["offset"], joined["offset"]);
    let since = json!({ "recover": true, "offset": joined["offset"], "epoch": joined["epoch"] });
    let answer = ada.subscribe_from(&channel, since).await.unwrap();
    assert_ne!(answer["epoch"], joined["epoch"]);
    assert_eq!(answer["was_recovering"], true, "{answer}");
    assert_ne!(answer["recovered"], true, "{answer}");
}
