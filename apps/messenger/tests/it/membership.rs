//! Rooms: who comes, who goes.

use crate::support::{self, eventually};
use messenger::events::{direct, room};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_public_room_is_found_and_joined_and_its_members_hear_each_other() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = ada.rpc("room.create", json!({ "name": "  the   garden ", "is_public": true })).await.unwrap();
    assert_eq!(
        (&room["name"], &room["role"], &room["kind"]),
        (&json!("the garden"), &json!("owner"), &json!("public"))
    );
    let found = bob.rpc("room.list", json!({ "search": "GARD" })).await.unwrap();
    assert_eq!(found["rooms"][0]["id"], room["id"]);
    let (id, channel) = (room["id"].as_str().unwrap(), room["channel"].as_str().unwrap());
    bob.rpc("room.join", json!({ "room": id })).await.unwrap();
    bob.subscribe(channel).await.unwrap();
    let sent = ada.send_text(id, "1", "hello").await;
    let (offset, said) = bob.publication(channel).await;
    assert_eq!((Some(offset), &said["text"]), (sent["offset"].as_u64(), &json!("hello")));
}

#[tokio::test]
async fn a_private_room_is_by_invitation_and_a_decline_takes_it_back() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, false, &mut []).await;
    assert_eq!(
        bob.rpc("room.join", json!({ "room": room })).await,
        Err(404),
        "it does not even exist to others"
    );
    let invite = json!({ "room": room, "person": bob.person.id });
    ada.rpc("room.invite", invite.clone()).await.unwrap();
    assert_eq!(bob.message("room").await["room"]["id"], json!(room));
    let sync = bob.rpc("sync", json!({})).await.unwrap();
    assert_eq!((&sync["invitations"][0]["id"], sync["rooms"].as_array().unwrap().len()), (&json!(room), 0));
    bob.rpc("room.decline", json!({ "room": room })).await.unwrap();
    assert_eq!(bob.rpc("room.join", json!({ "room": room })).await, Err(404));
    ada.rpc("room.invite", invite).await.unwrap();
    assert!(bob.rpc("room.join", json!({ "room": room })).await.is_ok());
}

#[tokio::test]
async fn who_was_put_out_comes_back_only_when_an_owner_asks() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let mut cat = server.person("cat").await.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob, &mut cat]).await;
    let kick = |whom: &support::Client| json!({ "room": room, "person": whom.person.id });
    assert_eq!(bob.rpc("room.kick", kick(&cat)).await, Err(403));
    let channel = format!("room:{room}");
    bob.subscribe(&channel).await.unwrap();
    ada.rpc("room.kick", kick(&bob)).await.unwrap();
    bob.push(|push| push["unsubscribe"]["code"] == 2000 && push["channel"] == json!(channel)).await;
    assert_eq!(bob.message("room_gone").await["why"], "kicked");
    assert_eq!(bob.rpc("room.join", json!({ "room": room })).await, Err(403));
    assert_eq!(cat.rpc("room.invite", kick(&bob)).await, Err(403));
    ada.rpc("room.invite", kick(&bob)).await.unwrap();
    assert!(bob.rpc("room.join", json!({ "room": room })).await.is_ok());
}

#[tokio::test]
async fn a_room_whose_owner_went_is_the_oldest_members() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let mut cat = server.person("cat").await.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob, &mut cat]).await;
    ada.rpc("room.leave", json!({ "room": room })).await.unwrap();
    let members = cat.rpc("room.members", json!({ "room": room })).await.unwrap();
    let owner =
        members["members"].as_array().unwrap().iter().find(|member| member["role"] == "owner").unwrap();
    assert_eq!(owner["id"], json!(bob.person.id));
}

#[tokio::test]
async fn a_conversation_is_one_however_often_and_by_whomever_it_is_opened() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let (with_bob, with_ada) = (json!({ "person": bob.person.id }), json!({ "person": ada.person.id }));
    let (one, two) = tokio::join!(ada.rpc("dm.open", with_bob.clone()), bob.rpc("dm.open", with_ada));
    let (one, two) = (one.unwrap(), two.unwrap());
    assert_eq!(one["id"], two["id"]);
    assert_eq!((&one["name"], &two["name"], &one["kind"]), (&json!("bob"), &json!("ada"), &json!("direct")));
    assert_eq!(ada.rpc("dm.open", with_bob).await.unwrap()["id"], one["id"]);
    assert_eq!(ada.rpc("dm.open", json!({ "person": ada.person.id })).await, Err(400));
}

#[tokio::test]
async fn who_comes_and_goes_is_seen_by_those_who_share_a_room() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let bob = server.person("bob").await;
    let mut bob_client = bob.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob_client]).await;
    let sync = ada.rpc("sync", json!({})).await.unwrap();
    let seen =
        sync["people"].as_array().unwrap().iter().find(|person| person["id"] == json!(bob.id)).unwrap();
    assert_eq!(seen["is_online"], true);
    drop(bob_client);
    let is_told = |push: &Value, is_online: bool| {
        let mut people = push["message"]["data"]["people"].as_array().into_iter().flatten();
        people.any(|person| person["id"] == json!(bob.id) && person["is_online"] == is_online)
    };
    ada.push(|push| is_told(push, false)).await;
    let members = ada.rpc("room.members", json!({ "room": room })).await.unwrap();
    let seen =
        members["members"].as_array().unwrap().iter().find(|person| person["id"] == json!(bob.id)).unwrap();
    assert!(seen["last_seen"].is_string());
    let _bob = bob.connect().await;
    ada.push(|push| is_told(push, true)).await;
}

#[tokio::test]
async fn what_happened_on_one_device_is_told_on_the_others() {
    let server = support::start().await;
    let ada = server.person("ada").await;
    let (mut one, mut two) = (ada.connect().await, ada.connect().await);
    let room = server.room(&mut one, true, &mut []).await;
    assert_eq!(two.message("room").await["room"]["id"], json!(room));
    one.rpc("room.leave", json!({ "room": room })).await.unwrap();
    assert_eq!(two.message("room_gone").await["room"], json!(room));
    let sync = two.rpc("sync", json!({})).await.unwrap();
    assert_eq!(sync["rooms"], json!([]));
}

#[tokio::test]
async fn who_came_and_went_stands_among_the_messages_once_however_one_pages() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, true, &mut []).await;
    for number in 0..4 {
        ada.send_text(&room, &format!("a{number}"), "hello").await;
        bob.rpc("room.join", json!({ "room": room })).await.unwrap();
        bob.rpc("room.leave", json!({ "room": room })).await.unwrap();
    }
    bob.rpc("room.join", json!({ "room": room })).await.unwrap();
    ada.rpc("room.kick", json!({ "room": room, "person": bob.person.id })).await.unwrap();
    let of = |page: &Value| -> Vec<(u64, String)> {
        let comings = page["comings"].as_array().unwrap().iter();
        comings
            .map(|one| (one["offset"].as_u64().unwrap(), one["type"].as_str().unwrap().to_owned()))
            .collect()
    };
    let all = of(&ada.rpc("messages", json!({ "room": room })).await.unwrap());
    let kinds: Vec<&str> = all.iter().map(|(_, kind)| &**kind).collect();
    assert_eq!(kinds[..3], ["created", "joined", "left"]);
    assert_eq!((kinds.len(), kinds[9], kinds[10]), (11, "joined", "kicked"));
    let (mut paged, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = ada.rpc("messages", json!({ "room": room, "limit": 1, "before": before })).await.unwrap();
        paged.splice(0..0, of(&page));
        if page["has_more"] == false {
            break;
        }
        before = page["messages"][0]["offset"].clone();
    }
    assert_eq!(paged, all, "backwards");
    let (mut paged, mut after) = (Vec::new(), json!(0));
    loop {
        let page = ada.rpc("messages", json!({ "room": room, "limit": 1, "after": after })).await.unwrap();
        paged.extend(of(&page));
        if page["has_more"] == false {
            break;
        }
        after = page["messages"][0]["offset"].clone();
    }
    assert_eq!(paged, all, "forwards");
}

#[tokio::test]
async fn a_room_that_the_model_does_not_have_in_time_is_answered_as_unknown_and_is_there_later() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let database = rusqlite::Connection::open(server.data().join("messenger.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    let created = ada.rpc("room.create", json!({ "name": "late", "is_public": true })).await;
    assert_eq!(created, Err(504), "it may have happened");
    database.execute_batch("ROLLBACK").unwrap();
    eventually("it has happened", async || {
        ada.rpc("sync", json!({})).await.unwrap()["rooms"][0]["name"] == "late"
    })
    .await;
}

#[tokio::test]
async fn somebody_in_three_hundred_rooms_hears_all_of_them_and_recovers_all_of_them() {
    const ROOMS: usize = 300;
    let server = support::start().await;
    let (mut ada, bob) = (server.person("ada").await.connect().await, server.person("bob").await);
    let (ada_id, bob_id) = (ada.person.id.parse().unwrap(), bob.id.parse().unwrap());
    let publisher = server.messenger.publisher();
    let mut rooms = Vec::new();
    for number in 0..ROOMS {
        let room = uuid::Uuid::now_v7();
        let created = room::Created { room, name: format!("room {number}"), is_public: true, by: ada_id };
        publisher.publish(created).await.unwrap();
        publisher.publish(room::Joined { room, person: bob_id, by: bob_id }).await.unwrap();
        rooms.push(room);
    }
    let mut client = bob.connect().await;
    let mut sync = json!(null);
    eventually("the model has all of them", async || {
        sync = client.rpc("sync", json!({})).await.unwrap();
        sync["rooms"].as_array().unwrap().len() == ROOMS
    })
    .await;
    let requests: Vec<Value> = sync["rooms"]
        .as_array()
        .unwrap()
        .iter()
        .map(|room| json!({ "channel": room["channel"], "recover": true, "offset": room["offset"], "epoch": sync["epoch"] }))
        .collect();
    let answers = client.subscribe_to_all(&requests).await;
    assert!(answers.iter().all(|answer| answer["subscribe"]["recovered"] == true), "{answers:?}");
    let last = rooms[ROOMS - 1].to_string();
    ada.send_text(&last, "1", "hello").await;
    assert_eq!(client.publication(&format!("room:{last}")).await.1["text"], "hello");
    drop(client);
    for room in &rooms {
        for number in 0..5u32 {
            let (message, client_id) = (uuid::Uuid::now_v7(), format!("m{number}"));
            let text = "missed ".repeat(50);
            let sent =
                room::MessageSent { room: *room, message, by: ada_id, client_id, text, reply_to: None };
            publisher.publish(sent).await.unwrap();
        }
    }
    let mut client = bob.connect().await;
    let answers = client.subscribe_to_all(&requests).await;
    let missed = |answer: &Value| answer["subscribe"]["publications"].as_array().map_or(0, Vec::len);
    assert!(answers.iter().all(|answer| answer["subscribe"]["recovered"] == true));
    assert_eq!(
        answers.iter().map(missed).sum::<usize>(),
        5 * ROOMS + 1,
        "more than a slow reader is allowed"
    );
}

/// The other side of a conversation is there without ever having signed up.
async fn begun_by_others(server: &support::Server, with: uuid::Uuid, count: usize) -> Vec<uuid::Uuid> {
    let mut rooms = Vec::new();
    for _ in 0..count {
        let (room, by) = (uuid::Uuid::now_v7(), uuid::Uuid::now_v7());
        let people = [with.min(by), with.max(by)];
        server.messenger.publisher().publish(direct::Started { room, people, by }).await.unwrap();
        rooms.push(room);
    }
    rooms
}

#[tokio::test]
async fn others_cannot_fill_the_places_that_a_person_has_for_rooms_of_their_own() {
    const ASKED: usize = 300;
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut eve = server.person("eve").await.connect().await;
    let mut fay = server.person("fay").await.connect().await;
    let rooms = begun_by_others(&server, ada.person.id.parse().unwrap(), ASKED - 1).await;
    eventually("the model has them", async || {
        ada.rpc("sync", json!({})).await.unwrap()["rooms"].as_array().unwrap().len() == ASKED - 1
    })
    .await;
    let with_ada = json!({ "person": ada.person.id });
    // Both at once, where there is one place left.
    let (one, two) = tokio::join!(eve.rpc("dm.open", with_ada.clone()), fay.rpc("dm.open", with_ada.clone()));
    assert!(matches!((&one, &two), (Ok(_), Err(409)) | (Err(409), Ok(_))), "{one:?} {two:?}");
    let mut late = if one.is_ok() { fay } else { eve };
    assert_eq!(late.rpc("dm.open", with_ada.clone()).await, Err(409));
    server.room(&mut ada, true, &mut []).await;
    let with_late = json!({ "person": late.person.id });
    assert!(ada.rpc("dm.open", with_late).await.is_ok(), "her own places are free");
    let mut gil = server.person("gil").await.connect().await;
    assert_eq!(gil.rpc("dm.open", with_ada.clone()).await, Err(409));
    ada.rpc("room.leave", json!({ "room": rooms[0] })).await.unwrap();
    assert!(gil.rpc("dm.open", with_ada).await.is_ok(), "one that is hidden takes no place");
}

#[tokio::test]
async fn a_hidden_conversation_is_gone_on_all_devices_until_somebody_writes_there_and_nothing_of_it_is_lost()
{
    let server = support::start().await;
    let (ada, mut bob) = (server.person("ada").await, server.person("bob").await.connect().await);
    let (mut one, mut two) = (ada.connect().await, ada.connect().await);
    let direct = bob.rpc("dm.open", json!({ "person": ada.id })).await.unwrap()["id"].clone();
    let direct = direct.as_str().unwrap();
    bob.send_text(direct, "1", "hello").await;
    let rooms = |sync: &Value| sync["rooms"].as_array().unwrap().len();
    eventually("it is in the model", async || {
        one.rpc("sync", json!({})).await.unwrap()["rooms"][0]["unread"] == 1
    })
    .await;
    one.rpc("room.leave", json!({ "room": direct })).await.unwrap();
    assert_eq!(two.message("room_gone").await["room"], direct);
    assert_eq!(rooms(&two.rpc("sync", json!({})).await.unwrap()), 0);
    assert_eq!(rooms(&bob.rpc("sync", json!({})).await.unwrap()), 1, "the other has it still");
    two.pushed().await;
    bob.send_text(direct, "2", "are you there?").await;
    assert_eq!(two.message("room").await["room"]["unread"], 2);
    let page = one.rpc("messages", json!({ "room": direct })).await.unwrap();
    assert_eq!(page["messages"].as_array().unwrap().len(), 2);
    one.rpc("room.leave", json!({ "room": direct })).await.unwrap();
    assert_eq!(one.rpc("dm.open", json!({ "person": bob.person.id })).await.unwrap()["id"], direct);
    assert_eq!(rooms(&two.rpc("sync", json!({})).await.unwrap()), 1, "opened again, it is back");
}

#[tokio::test]
async fn who_connects_does_not_wait_for_the_disk() {
    let server = support::start().await;
    let ada = server.person("ada").await;
    let token = ada.token().await;
    let database = rusqlite::Connection::open(server.data().join("messenger.db")).unwrap();
    database.execute_batch("BEGIN IMMEDIATE").unwrap();
    // Sooner than a write gives up waiting for the database.
    let connected =
        tokio::time::timeout(Duration::from_secs(4), support::Client::connect(&ada, &token)).await;
    assert!(matches!(connected, Ok(Ok(_))), "while nothing can be written");
    database.execute_batch("ROLLBACK").unwrap();
}
