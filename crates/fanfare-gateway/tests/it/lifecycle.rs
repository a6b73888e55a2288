//! Connections and subscriptions as events.

use crate::support::{Server, eventually, open, token};
use fanfare::{App, Events, HandlerExt, Running, State};
use fanfare_gateway::{
    ClientConnected, ClientDisconnected, ClientLeft, ClientSubscribed, Disconnect, GatewayStarted,
};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

#[derive(Events, Debug)]
enum Seen {
    Connected(ClientConnected),
    Subscribed(ClientSubscribed),
    Left(ClientLeft),
    Disconnected(ClientDisconnected),
}

#[derive(Clone, Default)]
struct Diary(Arc<Mutex<Vec<String>>>);

impl Diary {
    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }
}

async fn write_down(seen: Seen, State(diary): State<Diary>) {
    let line = match seen {
        Seen::Connected(event) => format!("{} connected", event.user),
        Seen::Subscribed(event) => format!("{} subscribed {}", event.user, event.channel),
        Seen::Left(event) => format!("{} left {}", event.user, event.channel),
        Seen::Disconnected(event) => format!("{} disconnected {}", event.user, event.code),
    };
    diary.0.lock().unwrap().push(line);
}

async fn only_ends(event: ClientDisconnected, State(diary): State<Diary>) {
    diary.0.lock().unwrap().push(format!("{} disconnected {} {}", event.user, event.code, event.reason));
}

/// A gateway beside an application on one store.
async fn start(app: impl FnOnce(App) -> App) -> (Server, Running, Diary) {
    let (store, diary) = (open(), Diary::default());
    let app = app(App::new("test").with_transport(store.transport()).state(diary.clone()));
    let running = app.start().await.unwrap();
    let server =
        Server::with(store, |builder| builder.lifecycle("test", |event_type| running.handles(event_type)))
            .await;
    (server, running, diary)
}

#[tokio::test]
async fn every_beginning_is_told_in_order_and_every_end_whatever_ended_it() {
    let (server, _running, diary) = start(|app| app.on(write_down.named("write_down"))).await;
    let mut ann = server.connected("ann").await;
    ann.subscribe(2, "room:1", "").await;
    ann.subscribe(3, "room:2", "").await;
    ann.call(r#"{"id":4,"unsubscribe":{"channel":"room:1"}}"#).await;
    server.gateway.disconnect("ann", &Disconnect::new(4501, "banned"));
    assert_eq!(ann.closed().await, 4501);
    let expected = [
        "ann connected",
        "ann subscribed room:1",
        "ann subscribed room:2",
        "ann left room:1",
        "ann left room:2",
        "ann disconnected 4501",
    ];
    eventually("the end", || diary.lines().len() == expected.len()).await;
    assert_eq!(diary.lines(), expected);
}

#[tokio::test]
async fn a_client_that_goes_or_is_cut_off_has_disconnected_too_and_a_refused_one_never_came() {
    let (server, _running, diary) = start(|app| app.on(write_down.named("write_down"))).await;
    drop(server.connected("guest").await);
    eventually("the end", || diary.lines().len() == 4).await;
    assert_eq!(
        diary.lines(),
        ["guest connected", "guest subscribed room:1", "guest left room:1", "guest disconnected 3000"]
    );
    let mut banned = server.client().await;
    banned.send(&format!(r#"{{"id":1,"connect":{{"token":"{}"}}}}"#, token("banned"))).await;
    assert_eq!(banned.closed().await, 4501);
    drop(banned);
    assert_eq!(server.gateway.drain(Duration::from_secs(5)).await, 0);
    assert_eq!(diary.lines().len(), 4);
}

#[tokio::test]
async fn only_what_a_handler_claims_is_published() {
    let (server, _running, diary) = start(|app| app.on(only_ends)).await;
    let mut ann = server.connected("ann").await;
    ann.subscribe(2, "room:1", "").await;
    drop(ann);
    eventually("the end", || !diary.lines().is_empty()).await;
    assert_eq!(diary.lines(), ["ann disconnected 3000 connection closed"]);
    assert_eq!(server.store.transport().log().unwrap().end(), 1, "one record");
}

#[tokio::test]
async fn without_a_handler_nothing_is_published() {
    let (server, _running, _) = start(|app| app).await;
    let mut ann = server.connected("ann").await;
    ann.subscribe(2, "room:1", "").await;
    drop(ann);
    assert_eq!(server.gateway.drain(Duration::from_secs(5)).await, 0);
    assert_eq!(server.store.transport().log().unwrap().end(), 0);
}

#[tokio::test]
async fn a_drain_waits_until_the_ends_are_durable() {
    let (server, _running, _) = start(|app| app.on(only_ends)).await;
    let clients = [server.connected("ann").await, server.connected("bob").await];
    let closed = clients.map(|mut client| tokio::spawn(async move { client.closed().await }));
    assert_eq!(server.gateway.drain(Duration::from_secs(5)).await, 0);
    assert_eq!(server.store.transport().log().unwrap().end(), 2);
    for client in closed {
        assert_eq!(client.await.unwrap(), 3001);
    }
}

/// Start and user of each connection.
type Connections = BTreeMap<String, (String, String)>;

/// The newest start, and who is there.
#[derive(Clone, Default)]
struct Open(Arc<Mutex<(String, Connections)>>);

#[derive(Events, Debug)]
enum Known {
    Started(GatewayStarted),
    Connected(ClientConnected),
    Disconnected(ClientDisconnected),
}

async fn keep(known: Known, State(Open(open)): State<Open>) {
    let (newest, open) = &mut *open.lock().unwrap();
    match known {
        Known::Started(event) => *newest = newest.clone().max(event.start),
        Known::Connected(event) => drop(open.insert(event.client, (event.start, event.user))),
        Known::Disconnected(event) => drop(open.remove(&event.client)),
    }
    open.retain(|_, (start, _)| start >= newest);
}

#[tokio::test]
async fn connections_whose_end_nobody_told_are_known_to_be_gone_once_the_gateway_has_started_again() {
    let (store, open) = (open(), Open::default());
    let app = App::new("test").with_transport(store.transport()).state(open.clone()).on(keep);
    let running = app.start().await.unwrap();
    let gateway = async || {
        let claims = |event_type: &str| running.handles(event_type);
        Server::with(store.clone(), |builder| builder.lifecycle("test", claims)).await
    };
    let users = || open.0.lock().unwrap().1.values().map(|(_, user)| user.clone()).collect::<Vec<_>>();
    // What is never dropped tells no end, like a process that was killed.
    let killed = gateway().await;
    let ann = killed.connected("ann").await;
    eventually("ann", || users() == ["ann"]).await;
    let again = gateway().await;
    eventually("the start", || users().is_empty()).await;
    let _bob = again.connected("bob").await;
    eventually("bob", || users() == ["bob"]).await;
    drop((ann, killed));
}
