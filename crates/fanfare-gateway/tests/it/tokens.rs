//! Subscription tokens.

use crate::support::{SECRET, Server, issuer, open, unix_now};
use fanfare_gateway::Settings;
use fanfare_gateway::auth::TokenIssuer;
use serde_json::{Value, json};
use std::time::Duration;

async fn subscribe(client: &mut crate::support::Client, token: &str) -> Value {
    client.call(&json!({ "id": 2, "subscribe": { "channel": "token:1", "token": token } }).to_string()).await
}

#[tokio::test]
async fn a_token_opens_its_channel_for_its_user_until_it_expires() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    assert_eq!(client.subscribe(2, "token:1", "").await["error"]["code"], 103);
    let reply = subscribe(&mut client, &issuer().subscription("ann", "token:1", unix_now() + 60)).await;
    assert_eq!(reply["subscribe"]["expires"], true);
    assert!((55..=60).contains(&reply["subscribe"]["ttl"].as_u64().unwrap()), "{reply}");
}

#[tokio::test]
async fn an_expired_one_is_told_so_and_a_forged_one_is_denied() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    let expired = issuer().subscription("ann", "token:1", unix_now() - 1);
    assert_eq!(subscribe(&mut client, &expired).await["error"]["code"], 109);
    let other = TokenIssuer::hs256(b"another-secret-another-secret-32", "test").unwrap();
    let forged = other.subscription("ann", "token:1", unix_now() + 60);
    for bad in [&*forged, "nonsense"] {
        assert_eq!(subscribe(&mut client, bad).await["error"]["code"], 103);
    }
}

#[tokio::test]
async fn somebody_elses_or_another_channels_closes_the_connection() {
    let server = Server::start().await;
    let exp = unix_now() + 60;
    for wrong in [issuer().subscription("bob", "token:1", exp), issuer().subscription("ann", "token:2", exp)]
    {
        let mut client = server.connected("ann").await;
        client
            .send(&json!({ "id": 2, "subscribe": { "channel": "token:1", "token": wrong } }).to_string())
            .await;
        assert_eq!(client.closed().await, 3500);
    }
    let no_secret = TokenIssuer::hs256(SECRET, "other").unwrap().subscription("ann", "token:1", exp);
    assert_eq!(subscribe(&mut server.connected("ann").await, &no_secret).await["error"]["code"], 103);
}

#[tokio::test]
async fn a_subscription_that_is_not_refreshed_ends_with_2501_and_one_that_is_goes_on() {
    let mut settings = Settings::default();
    settings.expiry_grace = Duration::from_secs(1);
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    let mut refreshed = server.connected("ann").await;
    let mut forgotten = server.connected("ann").await;
    let short = issuer().subscription("ann", "token:1", unix_now() + 1);
    for client in [&mut refreshed, &mut forgotten] {
        assert!(subscribe(client, &short).await["subscribe"].is_object());
    }
    let long = issuer().subscription("ann", "token:1", unix_now() + 60);
    let refresh = json!({ "id": 3, "sub_refresh": { "channel": "token:1", "token": long } }).to_string();
    assert!(refreshed.call(&refresh).await["sub_refresh"]["ttl"].as_u64().unwrap() > 50);
    let push = forgotten.next().await;
    assert_eq!(push["push"]["unsubscribe"], json!({ "code": 2501, "reason": "subscription expired" }));
    server.publish("1", 1..=1).await;
    assert_eq!(refreshed.pushed(1).await, [1]);
}

#[tokio::test]
async fn a_refresh_with_an_expired_token_ends_the_subscription_so_that_it_is_made_again() {
    let server = Server::start().await;
    let mut client = server.connected("ann").await;
    subscribe(&mut client, &issuer().subscription("ann", "token:1", unix_now() + 60)).await;
    let expired = issuer().subscription("ann", "token:1", unix_now() - 1);
    let refresh = json!({ "id": 3, "sub_refresh": { "channel": "token:1", "token": expired } }).to_string();
    assert!(client.call(&refresh).await["sub_refresh"].is_object());
    assert_eq!(client.next().await["push"]["unsubscribe"]["code"], 2501);
    client.send(&json!({ "id": 4, "sub_refresh": { "channel": "a", "token": "" } }).to_string()).await;
    assert_eq!(client.next().await["error"]["code"], 107);
}
