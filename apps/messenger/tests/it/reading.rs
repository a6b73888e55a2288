//! Pages, history, search, markers, notifications.

use crate::support::{self, Client, eventually};
use serde_json::{Value, json};

async fn say(client: &mut Client, room: &str, count: u64) {
    for number in 0..count {
        let send =
            json!({ "room": room, "client_id": format!("n{number}"), "text": format!("text {number}") });
        client.rpc("message.send", send).await.unwrap();
    }
    eventually("everything is in the model", async || {
        let page = client.rpc("messages", json!({ "room": room, "limit": 1 })).await.unwrap();
        page["messages"][0]["text"] == json!(format!("text {}", count - 1))
    })
    .await;
}

fn texts(page: &Value) -> Vec<String> {
    page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|message| message["text"].as_str().unwrap_or("-").to_owned())
        .collect()
}

#[tokio::test]
async fn pages_go_back_forward_and_around_without_gap_or_repeat() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    say(&mut ada, &room, 14).await;
    let (mut all, mut before) = (Vec::new(), Value::Null);
    loop {
        let page = ada.rpc("messages", json!({ "room": room, "limit": 4, "before": before })).await.unwrap();
        all.splice(0..0, texts(&page));
        if page["has_more"] == false {
            break;
        }
        before = page["messages"][0]["offset"].clone();
    }
    assert_eq!(all, (0..14).map(|number| format!("text {number}")).collect::<Vec<_>>());
    let around = ada.rpc("messages", json!({ "room": room, "limit": 4, "around": 6 })).await.unwrap();
    assert!(texts(&around).contains(&"text 4".to_owned()), "{around}");
    let message = around["messages"][1]["message"].clone();
    let by_message =
        ada.rpc("messages", json!({ "room": room, "limit": 4, "message": message })).await.unwrap();
    let middle = &by_message["messages"][2];
    assert_eq!(middle["message"], message, "in the middle of its page: {by_message}");
    let elsewhere = server.room(&mut ada, true, &mut []).await;
    assert_eq!(ada.rpc("messages", json!({ "room": elsewhere, "message": message })).await, Err(404));
    let both = json!({ "room": room, "message": message, "around": 6 });
    assert_eq!(ada.rpc("messages", both).await, Err(400));
}

#[tokio::test]
async fn what_was_deleted_or_edited_away_is_blank_in_history_recovery_and_pages() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let room = server.room(&mut ada, true, &mut []).await;
    let channel = format!("room:{room}");
    let start = ada.rpc("history", json!({ "room": room })).await.unwrap();
    let deleted = ada.send_text(&room, "1", "secret-deleted").await["message"].clone();
    let edited = ada.send_text(&room, "2", "secret-edited").await["message"].clone();
    let twice = json!({ "room": room, "message": edited, "text": "secret-edited-twice" });
    ada.rpc("message.edit", twice).await.unwrap();
    ada.rpc("message.edit", json!({ "room": room, "message": edited, "text": "shown" })).await.unwrap();
    ada.rpc("message.edit", json!({ "room": room, "message": deleted, "text": "secret-edit" }))
        .await
        .unwrap();
    ada.rpc("message.delete", json!({ "room": room, "message": deleted })).await.unwrap();

    let history = ada.rpc("history", json!({ "room": room })).await.unwrap();
    let offsets: Vec<u64> =
        history["events"].as_array().unwrap().iter().map(|event| event["offset"].as_u64().unwrap()).collect();
    assert_eq!(offsets, (1..=7).collect::<Vec<_>>(), "no gaps");
    let since = json!({ "recover": true, "offset": 1, "epoch": start["epoch"] });
    let recovered = ada.subscribe_from(&channel, since).await.unwrap();
    assert_eq!(recovered["recovered"], true, "{recovered}");
    let page = ada.rpc("messages", json!({ "room": room })).await.unwrap();
    for (what, shown) in [("history", &history), ("recovery", &recovered), ("page", &page)] {
        let text = shown.to_string();
        assert!(!text.contains("secret"), "{what}: {text}");
        assert!(text.contains("shown"), "{what}: {text}");
    }
    let data: Vec<&Value> = recovered["publications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|publication| &publication["data"])
        .collect();
    let mut of_history = history["events"].as_array().unwrap()[1..].to_vec();
    of_history.iter_mut().for_each(|event| drop(event.as_object_mut().unwrap().remove("offset")));
    assert_eq!(data, of_history.iter().collect::<Vec<_>>(), "one view for both");
    let found = ada.rpc("search", json!({ "text": "secret" })).await.unwrap();
    assert_eq!(found["messages"], json!([]));
}

#[tokio::test]
async fn search_finds_beginnings_of_words_newest_first_page_by_page() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let (one, two) =
        (server.room(&mut ada, true, &mut []).await, server.room(&mut ada, false, &mut []).await);
    ada.send_text(&one, "1", "Über den Garten").await;
    ada.send_text(&one, "2", "nothing").await;
    ada.send_text(&two, "3", "gartenzaun\" OR x").await;
    let search = |more: Value| {
        let mut search = json!({ "text": "gart" });
        search.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        search
    };
    eventually("both are found", async || {
        ada.rpc("search", search(json!({}))).await.unwrap()["messages"].as_array().unwrap().len() == 2
    })
    .await;
    let first = ada.rpc("search", search(json!({ "limit": 1 }))).await.unwrap();
    assert_eq!(texts(&first), ["gartenzaun\" OR x"]);
    let second = ada.rpc("search", search(json!({ "limit": 1, "before": first["cursor"] }))).await.unwrap();
    assert_eq!(texts(&second), ["Über den Garten"]);
    assert_eq!(second["cursor"], Value::Null);
    let in_one = ada.rpc("search", search(json!({ "room": one }))).await.unwrap();
    assert_eq!(texts(&in_one), ["Über den Garten"]);
    assert_eq!(texts(&ada.rpc("search", json!({ "text": "uber" })).await.unwrap()), ["Über den Garten"]);
    assert_eq!(
        ada.rpc("search", json!({ "text": "\" OR *" })).await.unwrap()["messages"].as_array().unwrap().len(),
        1
    );
}

#[tokio::test]
async fn markers_go_forward_only_and_are_told_to_the_other_devices() {
    let server = support::start().await;
    let (mut ada, bob) = (server.person("ada").await.connect().await, server.person("bob").await);
    let (mut one, mut two) = (bob.connect().await, bob.connect().await);
    let room = server.room(&mut ada, true, &mut [&mut one]).await;
    ada.send_text(&room, "1", "hello @bob").await;
    ada.send_text(&room, "2", "and again").await;
    eventually("both count", async || {
        let sync = one.rpc("sync", json!({})).await.unwrap();
        (&sync["rooms"][0]["unread"], &sync["rooms"][0]["mentions"]) == (&json!(2), &json!(1))
    })
    .await;
    let sync = ada.rpc("sync", json!({})).await.unwrap();
    assert_eq!(sync["rooms"][0]["unread"], 0, "one's own do not count");
    let read = |offset: u64| json!({ "room": room, "offset": offset });
    assert_eq!(one.rpc("read", read(3)).await.unwrap(), json!({ "unread": 1, "mentions": 0 }));
    assert_eq!(two.message("read").await["offset"], 3);
    assert_eq!(one.rpc("read", read(1)).await.unwrap(), json!({ "unread": 1, "mentions": 0 }));
    assert_eq!(one.rpc("read", read(1_000_000)).await.unwrap(), json!({ "unread": 0, "mentions": 0 }));
    ada.send_text(&room, "3", "not read yet").await;
    eventually("a marker beyond the end does not swallow what comes", async || {
        one.rpc("sync", json!({})).await.unwrap()["rooms"][0]["unread"] == 1
    })
    .await;
}

#[tokio::test]
async fn mentions_answers_and_invitations_are_notified_once_each() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, false, &mut [&mut bob]).await;
    assert_eq!(bob.message("notification").await["notification"]["kind"], "invitation");
    let message = bob.send_text(&room, "1", "what?").await["message"].clone();
    ada.send_text(&room, "1", "look, @Bob, and @nobody and @ada").await;
    let pushed = bob.message("notification").await;
    assert_eq!((&pushed["notification"]["kind"], &pushed["unread"]), (&json!("mention"), &json!(2)));
    let answer = json!({ "room": room, "client_id": "2", "text": "that", "reply_to": message });
    ada.rpc("message.send", answer).await.unwrap();
    assert_eq!(bob.message("notification").await["notification"]["kind"], "reply");
    let feed = bob.rpc("notifications", json!({})).await.unwrap();
    let kinds: Vec<&Value> =
        feed["notifications"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    assert_eq!(kinds, ["reply", "mention", "invitation"]);
    assert_eq!(feed["notifications"][1]["text"], "look, @Bob, and @nobody and @ada");
    let up_to = feed["notifications"][1]["id"].clone();
    assert_eq!(bob.rpc("notifications.read", json!({ "up_to": up_to })).await.unwrap()["unread"], 1);
    assert_eq!(ada.rpc("notifications", json!({})).await.unwrap()["notifications"], json!([]));
}

#[tokio::test]
async fn typing_is_pushed_to_the_others_and_not_too_often() {
    let server = support::start().await;
    let (mut ada, mut bob) =
        (server.person("ada").await.connect().await, server.person("bob").await.connect().await);
    let room = server.room(&mut ada, true, &mut [&mut bob]).await;
    for _ in 0..5 {
        ada.rpc("typing", json!({ "room": room })).await.unwrap();
    }
    assert_eq!(bob.message("typing").await["person"], json!(ada.person.id));
    let more = bob.pushed().await;
    assert!(!more.iter().any(|push| push["message"]["data"]["kind"] == "typing"), "{more:?}");
}
