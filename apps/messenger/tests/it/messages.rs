//! Saying, editing, deleting, reacting.

use crate::support;
use serde_json::{Value, json};

#[tokio::test]
async fn a_repeat_is_answered_like_the_first_and_makes_no_second_message() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let first = ada.send_text(&room, "1", "hello").await;
    for _ in 0..3 {
        let again = ada.send_text(&room, "1", "hello").await;
        assert_eq!(
            (&again["message"], &again["offset"], &again["is_repeat"]),
            (&first["message"], &first["offset"], &json!(true))
        );
    }
    ada.send_text(&room, "2", "another").await;
    let mut texts = Vec::new();
    support::eventually("the other one is in the model too", async || {
        let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
        texts = page["messages"].as_array().unwrap().iter().map(|message| message["text"].clone()).collect();
        texts.contains(&json!("another"))
    })
    .await;
    assert_eq!(texts, ["hello", "another"]);
}

#[tokio::test]
async fn the_same_client_id_of_another_sender_or_room_is_another_message() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let one = server.room(&mut ada, true, &mut [&mut bob]).await;
    let two = server.room(&mut ada, true, &mut []).await;
    let sent = [
        ada.send_text(&one, "1", "a").await,
        bob.send_text(&one, "1", "a").await,
        ada.send_text(&two, "1", "a").await,
    ];
    assert!(sent.iter().all(|sent| sent["is_repeat"] == false), "{sent:?}");
}

#[tokio::test]
async fn texts_and_names_have_limits() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    for (client_id, text, code) in [
        ("1", "   ", 400),
        ("", "hello", 400),
        (&*"x".repeat(65), "hello", 400),
        ("1", &*"ä".repeat(4_001), 413),
    ] {
        let send = json!({ "room": room, "client_id": client_id, "text": text });
        assert_eq!(ada.rpc("message.send", send).await, Err(code));
    }
    ada.send_text(&room, "1", &"ä".repeat(4_000)).await;
    assert_eq!(ada.rpc("attach", json!({})).await, Err(501));
    assert_eq!(ada.rpc("room.create", json!({ "name": "x".repeat(65), "is_public": true })).await, Err(400));
    assert_eq!(ada.rpc("message.send", json!({ "room": 1 })).await, Err(107));
}

#[tokio::test]
async fn who_sends_too_fast_is_told_to_wait() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let mut codes = Vec::new();
    for number in 0..40 {
        let send = json!({ "room": room, "client_id": number.to_string(), "text": "hello" });
        let answer = ada.command(json!({ "rpc": { "method": "message.send", "data": send } })).await.unwrap();
        codes.push(answer["error"]["code"].as_u64());
    }
    assert!(codes[..10].iter().all(Option::is_none), "{codes:?}");
    assert!(codes.contains(&Some(429)), "{codes:?}");
}

#[tokio::test]
async fn an_edit_a_deletion_and_reactions_reach_the_others_in_order() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    let channel = format!("room:{room}");
    bob.subscribe(&channel).await.unwrap();
    let message = ada.send_text(&room, "1", "helo").await["message"].clone();
    let about = |more: Value| {
        let mut about = json!({ "room": room, "message": message });
        about.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        about
    };
    assert_eq!(bob.rpc("message.edit", about(json!({ "text": "mine" }))).await, Err(403));
    assert_eq!(bob.rpc("message.delete", about(json!({}))).await, Err(403));
    ada.rpc("message.edit", about(json!({ "text": "hello" }))).await.unwrap();
    bob.rpc("reaction.add", about(json!({ "emoji": "👍" }))).await.unwrap();
    assert_eq!(bob.rpc("reaction.add", about(json!({ "emoji": "👍" }))).await.unwrap()["offset"], 0);
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"][0]["text"], "hello");
    assert_eq!(page["messages"][0]["reactions"], json!([{ "emoji": "👍", "people": [bob.person.id] }]));
    bob.rpc("reaction.remove", about(json!({ "emoji": "👍" }))).await.unwrap();
    ada.rpc("message.delete", about(json!({}))).await.unwrap();
    assert_eq!(ada.rpc("message.edit", about(json!({ "text": "again" }))).await, Err(404));
    let mut seen = Vec::new();
    while seen.last() != Some(&json!("message_deleted")) {
        seen.push(bob.publication(&channel).await.1["type"].clone());
    }
    assert_eq!(
        seen,
        ["message_sent", "message_edited", "reaction_added", "reaction_removed", "message_deleted"]
    );
}

#[tokio::test]
async fn an_answer_quotes_a_message_of_the_same_room_only() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let (one, two) = (server.room(&mut ada, true, &mut []).await, server.room(&mut ada, true, &mut []).await);
    let message = ada.send_text(&one, "1", "what?").await["message"].clone();
    let answer = |room: &str| json!({ "room": room, "client_id": "2", "text": "that", "reply_to": message });
    assert_eq!(ada.rpc("message.send", answer(&two)).await, Err(404));
    ada.rpc("message.send", answer(&one)).await.unwrap();
    support::eventually("the answer is in the model", async || {
        let page = ada.rpc("messages", json!({ "room": one })).await.unwrap();
        page["messages"][1]["reply_to"]["text"] == "what?"
    })
    .await;
}

#[tokio::test]
async fn a_message_has_at_most_so_many_different_reactions_also_when_many_react_at_once() {
    const MAX: usize = 24;
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let mut cat = server.person("cat").await.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob, &mut cat]).await;
    let message = ada.send_text(&room, "1", "hello").await["message"].clone();
    let react = |emoji: usize| json!({ "room": room, "message": message, "emoji": format!("e{emoji}") });
    for emoji in 0..MAX - 1 {
        ada.rpc("reaction.add", react(emoji)).await.unwrap();
    }
    let (one, two, three) = tokio::join!(
        ada.rpc("reaction.add", react(100)),
        bob.rpc("reaction.add", react(101)),
        cat.rpc("reaction.add", react(102)),
    );
    let added = [&one, &two, &three].iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(added, 1, "{one:?} {two:?} {three:?}");
    assert_eq!(bob.rpc("reaction.add", react(103)).await, Err(409));
    assert!(bob.rpc("reaction.add", react(0)).await.is_ok(), "one that is there takes more people");
    ada.rpc("reaction.remove", react(1)).await.unwrap();
    assert!(bob.rpc("reaction.add", react(103)).await.is_ok());
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    assert_eq!(page["messages"][0]["reactions"].as_array().unwrap().len(), MAX);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_client_sends_to_a_room_without_waiting_is_kept_in_the_order_in_which_it_came() {
    let server = support::start().await;
    for round in 0..12 {
        let mut ada = server.person(&format!("ada{round}")).await.connect().await;
        let room = server.room(&mut ada, true, &mut []).await;
        let sends: Vec<Value> = (0..10)
            .map(|number| {
                let data =
                    json!({ "room": room, "client_id": format!("{number}"), "text": format!("{number}") });
                json!({ "rpc": { "method": "message.send", "data": data } })
            })
            .collect();
        let answers = ada.all_at_once(&sends).await;
        let offsets: Vec<u64> =
            answers.iter().map(|answer| answer["rpc"]["data"]["offset"].as_u64().unwrap()).collect();
        assert!(offsets.is_sorted(), "round {round}: {offsets:?}");
    }
}
