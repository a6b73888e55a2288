//! Ending, without everybody coming back at once.

use crate::support::{Server, eventually, open};
use fanfare::clock::SystemClock;
use fanfare_core::{BoxFuture, Clock, Timestamp};
use fanfare_gateway::Settings;
use std::io::{Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Real time, but short sleeps last until the test lets them end. Long ones never end.
#[derive(Debug)]
struct Steps {
    time: SystemClock,
    allowed: Arc<Semaphore>,
    waiting: Arc<AtomicUsize>,
}

impl Clock for Steps {
    fn now(&self) -> Timestamp {
        self.time.now()
    }

    fn monotonic(&self) -> Duration {
        self.time.monotonic()
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let (allowed, waiting) = (Arc::clone(&self.allowed), Arc::clone(&self.waiting));
        Box::pin(async move {
            if duration >= Duration::from_secs(1) {
                std::future::pending::<()>().await;
            }
            waiting.fetch_add(1, Ordering::SeqCst);
            allowed.acquire().await.unwrap().forget();
        })
    }
}

#[tokio::test]
async fn connections_are_closed_at_a_pace_and_the_others_go_on_meanwhile() {
    let (allowed, waiting) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicUsize::new(0)));
    let clock =
        Steps { time: SystemClock::new(), allowed: Arc::clone(&allowed), waiting: Arc::clone(&waiting) };
    let mut settings = Settings::default();
    // Two in each step of 20 ms.
    settings.drain_per_second = 100;
    let server = Server::with(open(), |builder| builder.settings(settings).clock(Arc::new(clock))).await;
    let mut clients = Vec::new();
    for number in 0..6 {
        clients.push(server.connected(&format!("user-{number}")).await);
    }
    assert!(server.gateway.is_ready());
    let gateway = server.gateway.clone();
    let drained = tokio::spawn(async move { gateway.drain(Duration::from_secs(60)).await });
    for step in 1..=2 {
        eventually("a pause", || waiting.load(Ordering::SeqCst) == step).await;
        assert!(!server.gateway.is_ready());
        // Of those who are left nobody was told to go.
        let mut told = 0;
        let mut left = Vec::new();
        for mut client in std::mem::take(&mut clients) {
            client.send(r#"{"id":9,"rpc":{"method":"echo","data":1}}"#).await;
            match client.answer_or_close().await {
                Some(code) => {
                    assert_eq!(code, 3001);
                    told += 1;
                }
                None => left.push(client),
            }
        }
        assert_eq!((told, left.len()), (2, 6 - 2 * step));
        clients = left;
        allowed.add_permits(1);
    }
    for client in &mut clients {
        assert_eq!(client.closed().await, 3001);
    }
    drop(clients);
    assert_eq!(drained.await.unwrap(), 0);
}

#[tokio::test]
async fn it_is_ready_until_it_drains_and_alive_also_then() {
    let server = Server::start().await;
    let address = server.address;
    let status = move |path: &'static str| async move {
        let asked = tokio::task::spawn_blocking(move || {
            let mut socket = std::net::TcpStream::connect(address).unwrap();
            write!(socket, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
            let mut answer = String::new();
            socket.read_to_string(&mut answer).unwrap();
            answer.split(' ').nth(1).unwrap().to_owned()
        });
        asked.await.unwrap()
    };
    assert_eq!((status("/live").await, status("/ready").await), ("200".into(), "200".into()));
    server.gateway.drain(Duration::from_secs(1)).await;
    assert_eq!((status("/live").await, status("/ready").await), ("200".into(), "503".into()));
}
