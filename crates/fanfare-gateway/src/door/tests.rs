//! Who says nothing, or half of it, or comes too often.

use super::places::Places;
use super::{Door, tls};
use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n";

async fn door(tls: Option<tokio_rustls::TlsAcceptor>) -> (Door, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    (Door::new(listener, tls).unwrap(), address)
}

fn serve(door: Door) {
    tokio::spawn(door.serve(Router::new().route("/", get(async || "hello")), std::future::pending()));
}

/// Connects from 127.0.0.`last`.
async fn connect(address: SocketAddr, last: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 0, last), 0).into()).unwrap();
    socket.connect(address).await.unwrap()
}

/// What comes until the other end closes.
async fn said(socket: &mut TcpStream) -> String {
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), socket.read_to_end(&mut all)).await;
    let _ = read.expect("an end in time");
    String::from_utf8_lossy(&all).into_owned()
}

async fn ask(address: SocketAddr, last: u8) -> String {
    let mut socket = connect(address, last).await;
    let _ = socket.write_all(REQUEST).await;
    said(&mut socket).await
}

#[tokio::test]
async fn half_a_head_has_its_time_and_so_has_the_next_one() {
    let (mut door, address) = door(None).await;
    door.patience.head = Duration::from_millis(300);
    serve(door);
    for begun in
        [&b""[..], b"G", b"GET / HTTP/1.1\r\nHost: here\r\n", b"GET / HTTP/1.1\r\nHost: here\r\n\r\n"]
    {
        let mut socket = connect(address, 1).await;
        socket.write_all(begun).await.unwrap();
        let said = said(&mut socket).await;
        assert_eq!(said.contains("hello"), begun.ends_with(b"\r\n\r\n"), "{said}");
    }
}

/// Sends a byte of a body every 20 ms for as long as somebody takes them, and returns what was answered.
async fn trickle(address: SocketAddr, path: &str, bytes: usize) -> String {
    let (mut from, mut to) = connect(address, 1).await.into_split();
    let head = format!("POST {path} HTTP/1.1\r\nHost: here\r\nContent-Length: {bytes}\r\n\r\n");
    to.write_all(head.as_bytes()).await.unwrap();
    let trickling = tokio::spawn(async move {
        let mut every = tokio::time::interval(Duration::from_millis(20));
        for _ in 0..bytes {
            every.tick().await;
            if to.write_all(b"x").await.is_err() {
                return;
            }
        }
        // Open, but silent.
        std::future::pending().await
    });
    let mut all = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), from.read_to_end(&mut all)).await;
    let _ = read.expect("an end in time");
    trickling.abort();
    String::from_utf8_lossy(&all).into_owned()
}

#[tokio::test]
async fn a_body_has_its_time_however_little_of_it_comes_at_a_time() {
    let (mut door, address) = door(None).await;
    door.patience.head = Duration::from_millis(500);
    let routes = Router::new()
        .route("/read", post(async |body: String| body))
        .route("/other", post(async || (StatusCode::UNAUTHORIZED, "no")));
    tokio::spawn(door.body_timeout(Duration::from_millis(500)).serve(routes, std::future::pending()));
    let late = trickle(address, "/read", 100_000).await;
    assert!(late.starts_with("HTTP/1.1 408 "), "{late}");
    let unread = trickle(address, "/other", 100_000).await;
    assert!(unread.starts_with("HTTP/1.1 401 "), "{unread}");
    let in_time = trickle(address, "/read", 5).await;
    assert!(in_time.ends_with("xxxxx"), "{in_time}");
}

#[tokio::test]
async fn an_address_has_its_share_and_another_one_gets_in() {
    let (door, address) = door(None).await;
    serve(door.places(Places::new(100, 2)));
    let (first, _second) = (connect(address, 1).await, connect(address, 1).await);
    assert_eq!(ask(address, 1).await, "");
    assert!(ask(address, 2).await.ends_with("hello"));
    drop(first);
    // Its place is given back.
    while !ask(address, 1).await.ends_with("hello") {}
}

#[tokio::test]
async fn where_places_are_scarce_who_says_nothing_waits_a_shorter_time_and_others_get_in_behind() {
    let (mut door, address) = door(None).await;
    door.patience.head = Duration::from_secs(3_600);
    door.patience.scarce = Duration::from_millis(200);
    serve(door.places(Places::new(8, 100)));
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(connect(address, 1).await);
    }
    assert!(ask(address, 2).await.ends_with("hello"));
    let mut last = silent.pop().unwrap();
    assert_eq!(said(&mut last).await, "");
}

#[tokio::test]
async fn silent_peers_of_a_door_behind_tls_keep_nobody_else_out() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    let mut openssl = Command::new("openssl");
    openssl.args(["req", "-x509", "-newkey", "ed25519", "-nodes", "-subj", "/CN=here", "-keyout"]);
    let made =
        openssl.arg(&key).arg("-out").arg(&certificate).output().expect("openssl makes the certificate");
    assert!(made.status.success(), "{made:?}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (mut door, address) = door(Some(tls(&certificate, &key).unwrap())).await;
    door.patience.handshake = Duration::from_secs(3_600);
    serve(door.places(Places::new(2_000, 300)));
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(connect(address, 1).await);
    }
    // What is no TLS is answered by an alert: it was heard.
    let mut other = connect(address, 2).await;
    other.write_all(REQUEST).await.unwrap();
    assert_ne!(said(&mut other).await, "");
    assert_eq!(ask(address, 1).await, "");
}

#[tokio::test]
async fn what_is_being_answered_when_the_door_closes_is_answered() {
    let (door, address) = door(None).await;
    let (asked, answer) = (tokio::sync::Notify::new(), tokio::sync::Notify::new());
    let both = std::sync::Arc::new((asked, answer));
    let held = both.clone();
    let routes = Router::new().route(
        "/",
        get(async move || {
            held.0.notify_one();
            held.1.notified().await;
            "hello"
        }),
    );
    let (close, closed) = tokio::sync::oneshot::channel::<()>();
    let served = tokio::spawn(door.serve(routes, async {
        let _ = closed.await;
    }));
    let asking = tokio::spawn(ask(address, 1));
    both.0.notified().await;
    close.send(()).unwrap();
    // Nobody gets in any more.
    while TcpStream::connect(address).await.is_ok() {}
    assert!(!served.is_finished());
    both.1.notify_one();
    assert!(asking.await.unwrap().ends_with("hello"));
    served.await.unwrap();
}
