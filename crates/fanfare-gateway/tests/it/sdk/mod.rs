//! The official clients, from npm and PyPI, against this gateway. `cargo xtask setup` installs them; a test whose client is
//! not installed says so by name and is passed over.

mod proxy;
mod puppet;

use crate::support::{Server, Store, eventually, issuer, open, publish, unix_now};
use fanfare_gateway::{Disconnect, Settings};
use proxy::Proxy;
use puppet::{Kind, Puppet};
use serde_json::json;
use std::time::Duration;

/// Runs a story with each client that is installed.
macro_rules! told_with_each_client {
    ($($name:ident)*) => {
        mod python {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if super::Kind::Python.is_here(stringify!($name)) {
                    super::$name(super::Kind::Python).await;
                }
            })*
        }
        mod npm {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                if super::Kind::Npm.is_here(stringify!($name)) {
                    super::$name(super::Kind::Npm).await;
                }
            })*
        }
    };
}

told_with_each_client! {
    a_cut_connection_recovers_what_it_missed
    three_hundred_missed_are_recovered_and_three_hundred_and_one_are_told_of
    another_epoch_is_told_of
    a_restarted_server_recovers_its_clients
    an_expiring_token_is_refreshed_without_a_break
    presence_names_who_is_there_and_leaving_is_told
    a_slow_reader_recovers_or_is_told_that_it_did_not
    a_terminal_disconnect_is_final
}

async fn start(kind: Kind) -> (Server, Proxy, Puppet) {
    let server = Server::start().await;
    let proxy = Proxy::to(server.address).await;
    let client = Puppet::start(kind, proxy.address, "ann").await;
    (server, proxy, client)
}

/// Cuts the client's connection, and waits until the server has seen it: what is published then is missed.
async fn cut(server: &Server, proxy: &Proxy) {
    proxy.cut();
    eventually("the connection to end", || server.gateway.connections() == 0).await;
}

async fn a_cut_connection_recovers_what_it_missed(kind: Kind) {
    let (server, proxy, mut client) = start(kind).await;
    client.subscribe("room:1").await;
    server.publish("1", 1..=3).await;
    client.reaches(3).await;
    for round in 1..=3 {
        cut(&server, &proxy).await;
        server.publish("1", 1..=5).await;
        proxy.open();
        client.reaches(3 + 5 * round).await;
    }
    assert_eq!(client.recoveries, [true, true, true]);
}

async fn three_hundred_missed_are_recovered_and_three_hundred_and_one_are_told_of(kind: Kind) {
    let (server, proxy, mut client) = start(kind).await;
    client.subscribe("room:1").await;
    for (missed, top, is_recovered) in [(300, 300, true), (301, 601, false), (1, 602, true)] {
        cut(&server, &proxy).await;
        server.publish("1", 1..=missed).await;
        proxy.open();
        client.reaches(top).await;
        assert_eq!(client.recoveries.last(), Some(&is_recovered), "{missed} missed");
    }
}

async fn another_epoch_is_told_of(kind: Kind) {
    let (server, proxy, mut client) = start(kind).await;
    client.subscribe("room:1").await;
    server.publish("1", 1..=3).await;
    client.reaches(3).await;
    cut(&server, &proxy).await;
    let other = Server::start().await;
    assert_ne!(other.store.epoch(), server.store.epoch());
    other.publish("1", 1..=7).await;
    proxy.lead_to(other.address);
    proxy.open();
    client.reaches(7).await;
    assert_eq!(client.recoveries, [false]);
}

async fn a_restarted_server_recovers_its_clients(kind: Kind) {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::with(Store::file(folder.path()), |builder| builder).await;
    let proxy = Proxy::to(server.address).await;
    let mut client = Puppet::start(kind, proxy.address, "ann").await;
    client.subscribe("room:1").await;
    server.publish("1", 1..=3).await;
    client.reaches(3).await;
    // What is published while it ends is missed by the client.
    proxy.pause();
    server.gateway.drain(Duration::from_millis(500)).await;
    server.publish("1", 4..=9).await;
    let Server { gateway, store, serving, .. } = server;
    serving.abort();
    drop((gateway, store));
    let again = Server::with(Store::file(folder.path()), |builder| builder).await;
    proxy.lead_to(again.address);
    proxy.open();
    client.reaches(9).await;
    assert_eq!(client.recoveries, [true]);
}

async fn an_expiring_token_is_refreshed_without_a_break(kind: Kind) {
    let server = Server::start().await;
    let short = issuer().connection("ann", &json!({}), unix_now() + 2);
    let mut client = Puppet::start_with(kind, server.address, "ann", Some(short)).await;
    client.subscribe("room:1").await;
    server.publish("1", 1..=1).await;
    client.reaches(1).await;
    client.until("a second token to be asked for", |client| client.asked == 2).await;
    server.publish("1", 2..=3).await;
    client.reaches(3).await;
    assert_eq!((client.connections, client.recoveries.len()), (1, 0));
}

async fn presence_names_who_is_there_and_leaving_is_told(kind: Kind) {
    let (server, proxy, mut client) = start(kind).await;
    client.subscribe("lobby:1").await;
    client.until("its own join", |client| client.joins == ["ann"]).await;
    let mut bob = Puppet::start(kind, proxy.address, "bob").await;
    bob.subscribe("lobby:1").await;
    client.until("the join of another", |client| client.joins == ["ann", "bob"]).await;
    assert_eq!(client.presence("lobby:1").await, ["ann", "bob"]);
    drop(bob);
    client.until("a leave", |client| client.leaves == ["bob"]).await;
    assert_eq!(client.presence("lobby:1").await, ["ann"]);
    drop(server);
}

async fn a_slow_reader_recovers_or_is_told_that_it_did_not(kind: Kind) {
    let mut settings = Settings::default();
    settings.queued_bytes_max = 64 * 1024;
    let server = Server::with(open(), |builder| builder.settings(settings)).await;
    let mut client = Puppet::start(kind, server.address, "ann").await;
    client.subscribe("room:1").await;
    client.tell(json!({ "do": "stall", "seconds": 3 })).await;
    let payload = format!("\"{}\"", "x".repeat(32 * 1024));
    for _ in 0..800 {
        publish(&server.store, "1", &payload).await;
    }
    client.reaches(800).await;
    assert!(!client.recoveries.is_empty(), "it was never slow");
}

async fn a_terminal_disconnect_is_final(kind: Kind) {
    let (server, _proxy, mut client) = start(kind).await;
    client.subscribe("room:1").await;
    server.gateway.disconnect("ann", &Disconnect::new(4501, "banned"));
    client.until("an end", |client| client.disconnected == Some(4501)).await;
}
