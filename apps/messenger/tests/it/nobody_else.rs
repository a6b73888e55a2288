//! Nobody else: who is not in a room neither reads nor writes it, wherever they try.

use crate::support::{self, Client, Server, eventually};
use messenger::events::room::MessageSent;
use serde_json::{Value, json};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_subscribe_that_still_recovers_when_its_reader_leaves_brings_nothing_that_was_said_afterwards() {
    const LATE: &str = "after the leave";
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let bob = server.person("bob").await;
    let (mut one, mut two) = (bob.connect().await, bob.connect().await);
    let by: uuid::Uuid = ada.person.id.parse().unwrap();
    let publisher = server.messenger.publisher();
    let say = async |room: uuid::Uuid, text: &str| {
        let (message, client_id) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7().to_string());
        let sent = MessageSent { room, message, by, client_id, text: text.into(), reply_to: None };
        publisher.publish(sent).await.unwrap();
    };
    for round in 0..20u64 {
        let room = server.room(&mut ada, true, &mut [&mut one]).await;
        let (id, channel) = (room.parse().unwrap(), format!("room:{room}"));
        futures_util::future::join_all((0..200).map(|_| say(id, "before"))).await;
        let leave = async {
            for _ in 0..round {
                tokio::task::yield_now().await;
            }
            one.rpc("room.leave", json!({ "room": room })).await.unwrap();
            say(id, LATE).await;
        };
        let recover = two.subscribe_from(&channel, json!({ "recover": true, "offset": 0 }));
        let ((), recovered) = tokio::join!(leave, recover);
        let told = json!([recovered.unwrap_or_default(), two.pushed().await]).to_string();
        assert!(!told.contains(LATE), "round {round}: {told}");
    }
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
