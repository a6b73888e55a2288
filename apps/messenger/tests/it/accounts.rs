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
    let changed = person.post("/api/password", change).await;
    assert!(changed.body["recovery"].is_string(), "and is given a recovery code: {changed:?}");
    assert_eq!(person.get("/api/admin/people").await.status, 200);
}

#[tokio::test]
async fn a_reset_is_completed_by_the_recovery_code_once_and_the_person_is_told_who_started_it() {
    let server = support::start().await;
    let admin = server.admin().await;
    let signed_up = server.post("/api/sign-up", json!({ "name": "ada", "password": "correct horse" })).await;
    let recovery = signed_up.body["recovery"].clone();
    let ada = server.again("ada").await;
    admin.post(&format!("/api/admin/people/{}/reset", ada.id), json!({})).await;
    let told = ada.get("/api/me").await.body["notices"].clone();
    assert_eq!((&told[0]["kind"], &told[0]["by"]), (&json!("reset_started"), &json!("admin")));
    let mut client = ada.connect().await;
    let proof = json!({ "name": "ada", "recovery": recovery });
    let made = server.post("/api/reset/prove", proof.clone()).await.body;
    assert!(
        made["link"].as_str().unwrap().ends_with(&format!("/#reset={}", made["reset"].as_str().unwrap()))
    );
    let complete = json!({ "reset": made["reset"], "password": "battery staple" });
    let completed = server.post("/api/reset", complete.clone()).await;
    assert_eq!(completed.status, 200);
    assert_ne!(completed.body["recovery"], recovery, "a used code is replaced");
    assert_eq!(client.closed().await, 4501);
    assert_eq!(server.post("/api/reset", complete).await.body["error"], "reset");
    assert_eq!(server.post("/api/reset/prove", proof).await.body["error"], "credentials");
}

#[tokio::test]
async fn a_reset_is_completed_on_a_device_that_is_still_signed_in() {
    let server = support::start().await;
    let (admin, ada) = (server.admin().await, server.person("ada").await);
    assert_eq!(ada.post("/api/reset/claim", json!({})).await.body["error"], "reset");
    admin.post(&format!("/api/admin/people/{}/reset", ada.id), json!({})).await;
    let made = ada.post("/api/reset/claim", json!({})).await.body;
    let complete = json!({ "reset": made["reset"], "password": "battery staple" });
    assert_eq!(server.post("/api/reset", complete).await.status, 200);
    assert_eq!(ada.post("/api/token", json!({})).await.status, 401, "that device is signed out too");
    let again = json!({ "name": "ada", "password": "battery staple" });
    assert_eq!(server.post("/api/sign-in", again).await.status, 200);
}

#[tokio::test]
async fn an_administrator_who_starts_a_reset_is_given_nothing_to_complete_it_with() {
    let server = support::start().await;
    let (admin, ada) = (server.admin().await, server.person("ada").await);
    let started = admin.post(&format!("/api/admin/people/{}/reset", ada.id), json!({})).await.body;
    let fields: Vec<&String> = started.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["expires_at"]);
    let listed = admin.get("/api/admin/people").await.body.to_string();
    let flow = admin.get("/api/flow/events?after=0").await.body.to_string();
    assert!(!listed.contains("token") && !listed.contains("recovery") && !flow.contains("reset"));
    assert_eq!(admin.post("/api/reset/claim", json!({})).await.body["error"], "reset", "it is not theirs");
    for guess in ["", "admin", started["expires_at"].as_str().unwrap(), &ada.id] {
        let proof = json!({ "name": "ada", "recovery": guess });
        assert_eq!(admin.post("/api/reset/prove", proof).await.body["error"], "credentials");
        let complete = json!({ "reset": guess, "password": "battery staple" });
        assert_eq!(admin.post("/api/reset", complete).await.body["error"], "reset");
    }
    assert_eq!(ada.post("/api/token", json!({})).await.status, 200, "nothing of the person's has changed");
    assert_eq!(ada.post("/api/reset/cancel", json!({})).await.status, 200);
    assert_eq!(ada.post("/api/reset/claim", json!({})).await.body["error"], "reset");
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

#[tokio::test]
async fn a_removal_that_broke_off_half_way_is_finished_by_asking_again_and_takes_invitations_back() {
    let server = support::start().await;
    let admin = server.admin().await;
    let (mut ada, bob) = (server.person("ada").await.connect().await, server.person("bob").await);
    let mut bob_client = bob.connect().await;
    let room = server.room(&mut ada, true, &mut [&mut bob_client]).await;
    let asked = server.room(&mut ada, false, &mut []).await;
    ada.rpc("room.invite", json!({ "room": asked, "person": bob.id })).await.unwrap();
    // As far as it came when the model was too late.
    server.messenger.accounts().remove(bob.id.parse().unwrap()).await.unwrap();
    let path = format!("/api/admin/people/{}/remove", bob.id);
    for _ in 0..2 {
        assert_eq!(admin.post(&path, json!({})).await.status, 200);
    }
    let members = ada.rpc("room.members", json!({ "room": room })).await.unwrap();
    assert_eq!(members["members"].as_array().unwrap().len(), 1);
    let invited = ada.rpc("room.members", json!({ "room": asked })).await.unwrap();
    assert_eq!(invited["invited"], json!([]));
    let nobody = format!("/api/admin/people/{}/remove", uuid::Uuid::now_v7());
    assert_eq!(admin.post(&nobody, json!({})).await.status, 404);
}
