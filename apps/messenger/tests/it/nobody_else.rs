//! Nobody else: who is not in a room neither reads nor writes it, wherever they try.

use crate::support::{self, Client, Server, eventually};
use messenger::db::{Db, DbError};
use messenger::events::room::{Left, MessageSent};
use parking_lot::Mutex;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::time::Duration;
use uuid::Uuid;

const SECRET: &str = "zebrasecret";

/// A room and a conversation with a secret each, and somebody who is in neither.
struct Scene {
    server: Server,
    ada: Client,
    mallory: Client,
    room: String,
    direct: String,
    room_message: Value,
    direct_message: Value,
}

async fn scene() -> Scene {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let mallory = server.person("mallory").await.connect().await;
    let room = server.room(&mut ada, false, &mut [&mut bob]).await;
    let direct = ada.rpc("dm.open", json!({ "person": bob.person.id })).await.unwrap();
    let direct = direct["id"].as_str().unwrap().to_owned();
    let room_message = ada.send_text(&room, "1", SECRET).await["message"].clone();
    let direct_message = ada.send_text(&direct, "1", SECRET).await["message"].clone();
    eventually("the secrets are found by those who may", async || {
        let found = bob.rpc("search", json!({ "text": SECRET })).await.unwrap();
        found["messages"].as_array().unwrap().len() == 2
    })
    .await;
    Scene { server, ada, mallory, room, direct, room_message, direct_message }
}

#[tokio::test]
async fn a_stranger_reads_and_writes_nothing_of_a_private_room_or_a_conversation() {
    let Scene { server: _server, mut ada, mut mallory, room, direct, room_message, direct_message } =
        scene().await;
    let me = mallory.person.id.clone();
    for (id, channel, message) in [(&room, "room", &room_message), (&direct, "dm", &direct_message)] {
        for channel in [
            format!("{channel}:{id}"),
            format!("{channel}:{}", id.to_uppercase()),
            format!("room:{id}"),
            format!("dm:{id}"),
        ] {
            for more in [json!({}), json!({ "recover": true, "offset": 0 })] {
                assert!(mallory.subscribe_from(&channel, more).await.is_err(), "{channel}");
            }
            let history =
                mallory.command(json!({ "history": { "channel": channel, "limit": 10 } })).await.unwrap();
            assert_eq!(history["error"]["code"], 103, "{history}");
            let publish =
                mallory.command(json!({ "publish": { "channel": channel, "data": {} } })).await.unwrap();
            assert_eq!(publish["error"]["code"], 103, "{publish}");
            let presence = mallory.command(json!({ "presence": { "channel": channel } })).await.unwrap();
            assert_eq!(presence["error"]["code"], 103, "{presence}");
        }
        let about = json!({ "room": id, "message": message, "text": "x", "emoji": "x", "client_id": "1", "person": me, "offset": 1 });
        for method in [
            "room.join",
            "room.leave",
            "room.invite",
            "room.decline",
            "room.kick",
            "room.members",
            "message.send",
            "message.edit",
            "message.delete",
            "reaction.add",
            "reaction.remove",
            "messages",
            "history",
            "typing",
            "read",
        ] {
            let answer = mallory.rpc(method, about.clone()).await;
            assert!(matches!(answer, Err(400 | 404)), "{method}: {answer:?}");
        }
        let answer = mallory.rpc("search", json!({ "text": SECRET, "room": id })).await;
        assert_eq!(answer, Err(404));
    }
    for (method, data) in [
        ("search", json!({ "text": SECRET })),
        ("sync", json!({})),
        ("room.list", json!({})),
        ("notifications", json!({})),
        ("people", json!({})),
    ] {
        let answer = mallory.rpc(method, data).await.unwrap().to_string();
        assert!(
            !answer.contains(SECRET) && !answer.contains(&room) && !answer.contains(&direct),
            "{method}: {answer}"
        );
    }
    let pushed = mallory.pushed().await;
    assert!(pushed.is_empty(), "{pushed:?}");
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"].as_array().unwrap().len(), 1, "nothing was written");
}

#[tokio::test]
async fn a_member_of_one_room_cannot_reach_a_message_of_another_through_it() {
    let Scene { server: _server, mut mallory, room_message, direct_message, .. } = scene().await;
    let own =
        mallory.rpc("room.create", json!({ "name": "mine", "is_public": true })).await.unwrap()["id"].clone();
    for message in [room_message, direct_message] {
        let about = json!({ "room": own, "message": message, "text": "x", "emoji": "x" });
        for method in ["message.edit", "message.delete", "reaction.add", "reaction.remove"] {
            assert_eq!(mallory.rpc(method, about.clone()).await, Err(404), "{method}");
        }
        let answer = json!({ "room": own, "client_id": "1", "text": "x", "reply_to": message });
        assert_eq!(mallory.rpc("message.send", answer).await, Err(404));
    }
}

#[tokio::test]
async fn a_direct_message_is_in_none_of_the_places_where_it_must_not_be() {
    let Scene { server, mut ada, direct, direct_message, .. } = scene().await;
    let message = direct_message.as_str().unwrap();
    let admin = server.admin().await;
    let mut client = admin.connect().await;
    assert!(client.rpc("search", json!({ "text": SECRET })).await.unwrap()["messages"] == json!([]));
    assert_eq!(client.rpc("messages", json!({ "room": direct })).await, Err(404));
    assert_eq!(client.rpc("message.delete", json!({ "room": direct, "message": message })).await, Err(404));

    ada.send_text(&direct, "2", &format!("{SECRET} @bob https://{SECRET}.example")).await;
    let mut seen = String::new();
    eventually("the events have passed", async || {
        seen = admin.get("/api/flow/events?after=0").await.body.to_string();
        seen.matches("dm.conversation.message_sent").count() >= 2
    })
    .await;
    let groups = admin.get("/api/flow/groups").await.body.to_string();
    let dead = admin.get("/api/flow/dead?group=messenger/workers/project").await.body.to_string();
    let metrics = server.messenger.metrics().await;
    let life = admin.get(&format!("/api/flow/event/{message}")).await;
    assert_eq!(life.status, 404);
    for (place, text) in
        [("events", &seen), ("groups", &groups), ("dead letters", &dead), ("metrics", &metrics)]
    {
        for hidden in [&*direct, message, &format!("https://{SECRET}.example")] {
            assert!(!text.contains(hidden), "{place} shows {hidden}: {text}");
        }
    }
    assert!(groups.contains("dm.conversation.message_sent"), "its type and count are shown: {groups}");
    assert!(
        !seen.contains("chat.link.found") && !seen.contains("chat.mention.found"),
        "nobody analyses it: {seen}"
    );
}

#[tokio::test]
async fn after_the_answer_to_leave_nothing_of_the_room_is_had_however_close_it_comes() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let bob = server.person("bob").await;
    let (mut one, mut two) = (bob.connect().await, bob.connect().await);
    for round in 0..25 {
        let room = server.room(&mut ada, true, &mut [&mut one]).await;
        let channel = format!("room:{room}");
        ada.send_text(&room, "1", SECRET).await;
        let leave = async {
            for _ in 0..round % 5 {
                tokio::task::yield_now().await;
            }
            one.rpc("room.leave", json!({ "room": room })).await.unwrap();
        };
        let race = async {
            let _ = two.subscribe_from(&channel, json!({ "recover": true, "offset": 0 })).await;
            let _ = two.rpc("history", json!({ "room": room })).await;
            let _ = two.rpc("messages", json!({ "room": room })).await;
        };
        tokio::join!(leave, race);
        assert_eq!(two.rpc("history", json!({ "room": room })).await, Err(403));
        assert_eq!(two.rpc("messages", json!({ "room": room })).await, Err(403));
        assert!(two.subscribe(&channel).await.is_err());
        let send = json!({ "room": room, "client_id": "late", "text": "x" });
        assert_eq!(two.rpc("message.send", send).await, Err(403));
        let found = two.rpc("search", json!({ "text": SECRET })).await.unwrap();
        assert_eq!(found["messages"], json!([]));
        two.pushed().await;
        ada.send_text(&room, "2", "after the leave").await;
        let later = two.pushed().await;
        let is_late = |push: &Value| push.to_string().contains("after the leave");
        assert!(!later.iter().any(is_late), "round {round}: {later:?}");
    }
}

/// Every reader of the database is held until this is dropped. Who asked before it goes first, who asks later waits.
struct Held {
    held: Arc<AtomicUsize>,
    _until: Sender<()>,
}

impl Held {
    const READERS: usize = 4;

    async fn behind_who_waits(db: &Db) -> Self {
        let (until, ended) = channel::<()>();
        let (held, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(ended)));
        for _ in 0..Self::READERS {
            let (db, held, ended) = (db.clone(), Arc::clone(&held), Arc::clone(&ended));
            let mut read = Box::pin(async move {
                let until_the_end = move |_: &rusqlite::Transaction<'_>| {
                    held.fetch_add(1, Ordering::SeqCst);
                    let _ = ended.lock().recv();
                    Ok::<_, DbError>(())
                };
                db.read(until_the_end).await
            });
            // Asked once, it stands in the row.
            assert!(futures_util::FutureExt::now_or_never(&mut read).is_none());
            tokio::spawn(read);
        }
        Self { held, _until: until }
    }

    async fn begins(&self) {
        eventually("all are held", async || self.held.load(Ordering::SeqCst) == Self::READERS).await;
    }
}

#[tokio::test]
async fn a_subscribe_that_still_recovers_when_its_reader_is_gone_brings_nothing_that_was_said_afterwards() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    ada.send_text(&room, "1", "before").await;
    eventually("it is in the model", async || {
        ada.rpc("messages", json!({ "room": room })).await.unwrap()["messages"].as_array().unwrap().len() == 1
    })
    .await;
    let epoch = bob.rpc("sync", json!({})).await.unwrap()["epoch"].clone();
    let (publisher, model) = (server.messenger.publisher(), server.messenger.chat().model());
    let (id, by): (Uuid, Uuid) = (room.parse().unwrap(), ada.person.id.parse().unwrap());

    // The first that a subscribe asks the database is whether it may be; the second is how the records look.
    let before_the_first = Held::behind_who_waits(model.db()).await;
    before_the_first.begins().await;
    let channel = format!("room:{room}");
    let recover = json!({ "channel": channel, "recover": true, "offset": 0, "epoch": epoch });
    let subscribe = bob.begin(json!({ "subscribe": recover })).await.unwrap();
    assert_eq!(bob.rpc("attach", json!({})).await, Err(501), "by now it has asked");
    let before_the_second = Held::behind_who_waits(model.db()).await;
    drop(before_the_first);
    before_the_second.begins().await;
    let left = Left { room: id, person: bob.person.id.parse().unwrap(), by };
    let left = publisher.publish(left).await.unwrap().place.unwrap();
    model.applied(&left, Duration::from_secs(10)).await.unwrap();
    let (message, client_id) = (Uuid::now_v7(), "late".to_owned());
    let late = MessageSent { room: id, message, by, client_id, text: SECRET.into(), reply_to: None };
    publisher.publish(late).await.unwrap();
    drop(before_the_second);

    let answer = bob.answer(subscribe).await.unwrap();
    let told = json!([answer, bob.pushed().await]).to_string();
    assert!(!told.contains(SECRET), "{told}");
    assert_eq!(answer["error"]["code"], 103, "{answer}");
}

#[tokio::test]
async fn a_kicked_person_gets_nothing_that_was_said_after_the_kick_was_answered() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    let channel = format!("room:{room}");
    bob.subscribe(&channel).await.unwrap();
    ada.rpc("room.kick", json!({ "room": room, "person": bob.person.id })).await.unwrap();
    ada.send_text(&room, "1", "after the kick").await;
    let since = json!({ "recover": true, "offset": 1 });
    assert!(bob.subscribe_from(&channel, since).await.is_err());
    let pushed = bob.pushed().await;
    assert!(!pushed.iter().any(|push| push.to_string().contains("after the kick")), "{pushed:?}");
}

#[tokio::test]
async fn a_connection_without_a_good_token_of_an_open_session_is_refused() {
    let server = support::start().await;
    let ada = server.person("ada").await;
    let token = ada.token().await;
    assert!(Client::connect(&ada, "nonsense").await.is_err());
    let (head, rest) = token.split_at(token.len() - 2);
    assert!(
        Client::connect(&ada, &format!("{head}{}", if rest == "AA" { "BB" } else { "AA" })).await.is_err()
    );
    assert!(Client::connect(&ada, &token).await.is_ok());
}
