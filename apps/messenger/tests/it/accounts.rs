//! Accounts over HTTP.

use crate::support::{self, Client};
use serde_json::json;

#[tokio::test]
async fn a_request_of_another_page_is_refused() {
    let server = support::start().await;
    let ada = server.person("ada").await;
    for origin in ["https://evil.example", "null", ""] {
        let answer = ada.post_with("/api/token", json!({}), &[("Origin", origin)]).await;
        assert_eq!(
            (answer.status, answer.body["error"].as_str()),
            (403, Some("foreign_origin")),
            "{origin:?}"
        );
    }
    let form = [("Content-Type", "text/plain")];
    let answer =
        ada.post_with("/api/sign-in", json!({ "name": "ada", "password": "correct horse" }), &form).await;
    assert_eq!(answer.status, 415);
}

#[tokio::test]
async fn the_cookie_is_kept_from_scripts_and_other_sites_and_nothing_is_cached() {
    let server = support::start().await;
    let answer = server.post("/api/sign-up", json!({ "name": "ada", "password": "correct horse" })).await;
    assert!(answer.head.contains("HttpOnly; SameSite=Strict"), "{}", answer.head);
    assert!(answer.head.contains("cache-control: no-store"), "{}", answer.head);
    assert!(answer.head.contains("content-security-policy: default-src 'none'"), "{}", answer.head);
}

#[tokio::test]
async fn behind_tls_the_cookie_is_secure() {
    let server = support::start_with(|config| config.reach.is_secure = true).await;
    let answer = server.post("/api/sign-up", json!({ "name": "ada", "password": "correct horse" })).await;
    assert!(answer.head.contains("; Secure"), "{}", answer.head);
}

#[tokio::test]
async fn bad_bodies_get_clear_answers() {
    let server = support::start().await;
    let long = "x".repeat(40_000);
    for (body, status) in [
        (json!({}), 400),
        (json!({ "name": 1, "password": 2 }), 400),
        (json!({ "name": "ada", "password": long }), 413),
        (json!({ "name": "a b", "password": "correct horse" }), 400),
    ] {
        assert_eq!(server.post("/api/sign-up", body).await.status, status);
    }
    assert_eq!(server.post("/api/nothing", json!({})).await.status, 404);
}

#[tokio::test]
async fn without_a_session_there_is_no_token() {
    let server = support::start().await;
    let answer = server.post("/api/token", json!({})).await;
    assert_eq!((answer.status, answer.body["error"].as_str()), (401, Some("signed_out")));
}

#[tokio::test]
async fn signing_out_everywhere_ends_connections_and_their_tokens() {
    let server = support::start().await;
    let ada = server.person("ada").await;
    let other = server.again("ada").await;
    let token = other.token().await;
    let mut client = other.connect().await;
    assert_eq!(ada.post("/api/sign-out-everywhere", json!({})).await.status, 200);
    assert_eq!(client.closed().await, 4501);
    assert_eq!(
        Client::connect(&other, &token).await.err(),
        Some(4501),
        "the token is of a session that ended"
    );
    assert_eq!(other.post("/api/token", json!({})).await.status, 401);
}

#[tokio::test]
async fn signing_out_leaves_the_other_devices_signed_in() {
    let server = support::start().await;
    let (here, there) = (server.person("ada").await, server.again("ada").await);
    let (mine, theirs) = (here.token().await, there.token().await);
    let mut client = here.connect().await;
    assert_eq!(here.post("/api/sign-out", json!({})).await.status, 200);
    assert_eq!(client.closed().await, 4001);
    assert_eq!(Client::connect(&here, &mine).await.err(), Some(4501));
    assert!(Client::connect(&there, &theirs).await.is_ok());
}

#[tokio::test]
async fn a_removed_person_is_out_of_everything_at_once() {
    let server = support::start().await;
    let admin = server.admin().await;
    let (ada, bob) = (server.person("ada").await, server.person("bob").await);
    let (mut ada_client, mut bob_client) = (ada.connect().await, bob.connect().await);
    let room = server.room(&mut ada_client, true, &mut [&mut bob_client]).await;
    let token = bob.token().await;
    assert_eq!(admin.post(&format!("/api/admin/people/{}/remove", bob.id), json!({})).await.status, 200);
    assert_eq!(bob_client.closed().await, 4501);
    assert_eq!(Client::connect(&bob, &token).await.err(), Some(4501));
    assert_eq!(
        server.post("/api/sign-in", json!({ "name": "bob", "password": "correct horse" })).await.status,
        401
    );
    let members = ada_client.rpc("room.members", json!({ "room": room })).await.unwrap();
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn administration_is_for_administrators() {
    let server = support::start().await;
    let (admin, ada) = (server.admin().await, server.person("ada").await);
    for path in ["remove", "reset", "admin"] {
        let path = format!("/api/admin/people/{}/{path}", admin.id);
        assert_eq!(ada.post(&path, json!({ "is_admin": true })).await.status, 403, "{path}");
        assert_eq!(server.post(&path, json!({ "is_admin": true })).await.status, 401, "{path}");
    }
    assert_eq!(ada.get("/api/admin/people").await.status, 403);
    for path in ["events", "groups", "event/x", "dead?group=messenger/workers/log_event"] {
        assert_eq!(ada.get(&format!("/api/flow/{path}")).await.status, 404, "{path}");
    }
    assert_eq!(
        ada.post("/api/flow/redrive", json!({ "group": "messenger/workers/log_event" })).await.status,
        404
    );
}

#[tokio::test]
async fn the_first_administrator_chooses_a_password_before_anything_else() {
    let server = support::start().await;
    let first = server.messenger.first_password().unwrap().to_owned();
    let answer = server.post("/api/sign-in", json!({ "name": "admin", "password": first })).await;
    let cookie = answer.cookie.unwrap();
    let person = support::Person { id: String::new(), cookie, address: server.address };
    assert_eq!(person.post("/api/token", json!({})).await.body["error"], "must_change");
    assert_eq!(person.get("/api/admin/people").await.body["error"], "must_change");
    let change = json!({ "current": first, "new": "battery staple" });
    assert_eq!(person.post("/api/password", change).await.status, 200);
    assert_eq!(person.get("/api/admin/people").await.status, 200);
}

#[tokio::test]
async fn a_reset_link_works_once_and_the_person_is_told_who_made_it() {
    let server = support::start().await;
    let (admin, ada) = (server.admin().await, server.person("ada").await);
    let answer = admin.post(&format!("/api/admin/people/{}/reset", ada.id), json!({})).await;
    let link = answer.body["link"].as_str().unwrap();
    let reset = link.split_once("/#reset=").unwrap().1;
    let told = ada.get("/api/me").await.body["notices"].clone();
    assert_eq!((&told[0]["kind"], &told[0]["by"]), (&json!("reset_started"), &json!("admin")));
    let mut client = ada.connect().await;
    let complete = json!({ "reset": reset, "password": "battery staple" });
    assert_eq!(server.post("/api/reset", complete.clone()).await.status, 200);
    assert_eq!(client.closed().await, 4501);
    assert_eq!(server.post("/api/reset", complete).await.body["error"], "reset");
}

#[tokio::test]
async fn invitations_are_made_by_members_only_where_sign_up_is_by_invitation() {
    let open = support::start().await;
    assert_eq!(open.person("ada").await.post("/api/invitations", json!({})).await.status, 403);
    let server = support::start_with(support::by_invitation).await;
    let made = server.admin().await.post("/api/invitations", json!({})).await;
    let up = json!({ "name": "ada", "password": "correct horse", "invitation": made.body["invitation"] });
    assert_eq!(server.post("/api/sign-up", up).await.status, 200);
    assert_eq!(server.again("ada").await.post("/api/invitations", json!({})).await.status, 200);
}
