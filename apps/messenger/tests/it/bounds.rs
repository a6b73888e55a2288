//! What one person, or one room, can make of others' work: many people in a room, and many invitations.

use crate::support::{self, Client, Server};
use rusqlite::{Connection, params};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::time::Duration;
use uuid::Uuid;

const MANY: usize = 10_000;

/// The server's database, beside it.
fn database(server: &Server) -> Connection {
    let db = Connection::open(server.data().join("messenger.db")).unwrap();
    db.busy_timeout(Duration::from_secs(20)).unwrap();
    db
}

/// So many people whom nobody has to wait for: they are in the tables, and nowhere else.
fn crowd(db: &mut Connection, count: usize, mut each: impl FnMut(&rusqlite::Transaction<'_>, Uuid)) {
    let tx = db.transaction().unwrap();
    for number in 0..count {
        let (id, name) = (Uuid::now_v7(), format!("p{number:05}"));
        let person = "INSERT INTO person (id, name, folded, password, created_at) VALUES (?, ?, ?2, '', 0)";
        tx.execute(person, params![id, name]).unwrap();
        each(&tx, id);
    }
    tx.commit().unwrap();
}

async fn room_of_many(server: &Server, ada: &mut Client) -> String {
    let room = server.room(ada, true, &mut []).await;
    let key: Uuid = room.parse().unwrap();
    let member = "INSERT INTO member (room, person, is_owner, since, is_asked) VALUES (?, ?, 0, 1, 0)";
    crowd(&mut database(server), MANY, |tx, person| {
        tx.execute(member, params![key, person]).unwrap();
    });
    room
}

fn ids(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn what_somebody_in_a_room_of_ten_thousand_syncs_stays_small_and_the_rest_is_asked_for() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut eve = server.person("eve").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let room = room_of_many(&server, &mut ada).await;
    ada.rpc("dm.open", json!({ "person": bob.person.id })).await.unwrap();

    let sync = ada.rpc("sync", json!({})).await.unwrap();
    assert!(sync.to_string().len() < 32 * 1024, "{} bytes", sync.to_string().len());
    let large = sync["rooms"].as_array().unwrap().iter().find(|one| one["id"] == json!(room)).unwrap();
    assert_eq!((large["member_count"].as_u64(), ids_of(&large["members"])), (Some(MANY as u64 + 1), 100));
    let people = ids(&sync["people"]);
    assert_eq!(
        people[..2],
        [ada.person.id.clone(), bob.person.id.clone()],
        "oneself, then whom one writes to"
    );
    assert!(people.len() <= 102, "{}", people.len());

    // Page by page everybody comes, once.
    let (mut all, mut names, mut after) = (BTreeSet::new(), Vec::new(), Value::Null);
    loop {
        let page = ada.rpc("room.members", json!({ "room": room, "after": after })).await.unwrap();
        assert_eq!((page["count"].as_u64(), ids_of(&page["members"]) <= 100), (Some(MANY as u64 + 1), true));
        names.extend(page["members"].as_array().unwrap().iter().map(|member| member["name"].to_string()));
        all.extend(ids(&page["members"]));
        after = page["members"].as_array().unwrap().last().unwrap()["id"].clone();
        if page["has_more"] == json!(false) {
            break;
        }
    }
    assert_eq!((all.len(), names.len()), (MANY + 1, MANY + 1));
    assert!(names[0] == "\"ada\"" && names[1..].is_sorted(), "the owner, then by name");

    let find = |place: &str| json!({ "search": "p09999", place: room });
    assert_eq!(ids_of(&ada.rpc("people", find("in_room")).await.unwrap()["people"]), 1);
    assert_eq!(ids_of(&ada.rpc("people", find("not_in_room")).await.unwrap()["people"]), 0);
    assert_eq!(eve.rpc("people", find("in_room")).await, Err(403), "who is there is for members");
    assert_eq!(ids_of(&bob.rpc("people", json!({ "search": "eve" })).await.unwrap()["people"]), 1);
}

fn ids_of(list: &Value) -> usize {
    list.as_array().unwrap().len()
}

async fn invite(by: &mut Client, room: &str, whom: &str) -> Result<Value, u64> {
    by.rpc("room.invite", json!({ "room": room, "person": whom })).await
}

#[tokio::test]
async fn one_person_has_few_open_invitations_of_another_however_they_come() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let whom = bob.person.id.clone();
    let mut rooms = Vec::new();
    for _ in 0..14 {
        rooms.push(server.room(&mut ada, false, &mut []).await);
    }
    // All at once: no more than may be.
    let commands = rooms
        .iter()
        .map(|room| json!({ "rpc": { "method": "room.invite", "data": { "room": room, "person": whom } } }));
    let answers = ada.all_at_once(&commands.collect::<Vec<_>>()).await;
    let refused: Vec<&Value> = answers.iter().filter(|answer| answer["error"].is_object()).collect();
    assert!(refused.iter().all(|answer| answer["error"]["code"] == 409), "{refused:?}");
    assert_eq!(refused.len(), 4);
    let sync = bob.rpc("sync", json!({})).await.unwrap();
    let open = ids(&sync["invitations"]);
    assert_eq!(open.len(), 10);
    // Asked again, it is the same one.
    assert!(invite(&mut ada, &open[0], &whom).await.is_ok());
    let other = rooms.iter().find(|room| !open.contains(room)).unwrap();
    assert_eq!(invite(&mut ada, other, &whom).await, Err(409));
    bob.rpc("room.decline", json!({ "room": open[0] })).await.unwrap();
    assert!(invite(&mut ada, other, &whom).await.is_ok());
}

#[tokio::test]
async fn open_invitations_of_a_person_and_into_a_room_are_limited() {
    let server = support::start().await;
    let mut ada = server.person("ada").await.connect().await;
    let mut bob = server.person("bob").await.connect().await;
    let cat = server.person("cat").await;
    let room = server.room(&mut ada, false, &mut []).await;
    let invited = "INSERT INTO invited (room, person, by) VALUES (?, ?, ?)";
    let (key, whom): (Uuid, Uuid) = (room.parse().unwrap(), bob.person.id.parse().unwrap());
    let mut db = database(&server);
    // By ninety-nine others, and one more.
    crowd(&mut db, 99, |tx, person| {
        tx.execute(invited, params![Uuid::now_v7(), whom, person]).unwrap();
    });
    assert!(invite(&mut ada, &room, &bob.person.id).await.is_ok());
    let second = server.room(&mut ada, false, &mut []).await;
    assert_eq!(invite(&mut ada, &second, &bob.person.id).await, Err(409));
    bob.rpc("room.decline", json!({ "room": room })).await.unwrap();
    assert!(invite(&mut ada, &second, &bob.person.id).await.is_ok());

    for _ in 0..500 {
        db.execute(invited, params![key, Uuid::now_v7(), whom]).unwrap();
    }
    assert_eq!(invite(&mut ada, &room, &cat.id).await, Err(409));
    let one =
        "DELETE FROM invited WHERE room = ?1 AND person = (SELECT min(person) FROM invited WHERE room = ?1)";
    db.execute(one, [key]).unwrap();
    assert!(invite(&mut ada, &room, &cat.id).await.is_ok());
}
