//! What a listener bears.

use std::{
    io::Error,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    task::Poll,
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::timeout,
};

use super::{Limits, listen, serve};
use crate::clock::RuntimeClock;

async fn render() -> String {
    "figures".to_owned()
}

async fn served(limits: Limits) -> (SocketAddr, tokio::task::JoinHandle<()>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    (address, tokio::spawn(listen(listener, limits, Arc::new(RuntimeClock::new()), render)))
}

async fn get(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn connections_that_say_nothing_give_their_places_back() {
    let limits = Limits { connections_max: 2, timeout: Duration::from_millis(50), ..Limits::default() };
    let (address, listener) = served(limits).await;
    let idle = [TcpStream::connect(address).await.unwrap(), TcpStream::connect(address).await.unwrap()];
    let answer = timeout(Duration::from_secs(10), get(address)).await.unwrap();
    assert!(answer.ends_with("figures"), "{answer}");
    drop(idle);
    listener.abort();
}

#[tokio::test]
async fn no_more_connections_are_served_at_a_time_than_allowed() {
    let limits = Limits { connections_max: 1, timeout: Duration::from_secs(3600), ..Limits::default() };
    let (address, listener) = served(limits).await;
    let idle = TcpStream::connect(address).await.unwrap();
    let early = timeout(Duration::from_millis(100), get(address)).await;
    assert!(early.is_err(), "a second connection was served");
    drop(idle);
    assert!(timeout(Duration::from_secs(10), get(address)).await.unwrap().ends_with("figures"));
    listener.abort();
}

#[tokio::test(start_paused = true)]
async fn after_a_connection_that_cannot_be_accepted_the_listener_waits() {
    let tries = Arc::new(AtomicUsize::new(0));
    let counted = tries.clone();
    // Ends by itself, so that this test fails rather than hangs.
    let accept = move |_: &mut std::task::Context<'_>| match counted.fetch_add(1, Relaxed) {
        0..1000 => Poll::Ready(Err(Error::other("too many open files"))),
        _ => Poll::Pending,
    };
    let serving = serve(accept, Limits::default(), Arc::new(RuntimeClock::new()), render);
    assert!(timeout(Duration::from_secs(10), serving).await.is_err());
    let tries = tries.load(Relaxed);
    assert!((45..=51).contains(&tries), "tried {tries} times in 10 s");
}
