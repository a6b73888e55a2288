//! What happens between threads, held still.

use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use fanfare_core::{ErrorKind, EventId, Message, Metadata, Operator, Outgoing, Random, Topic, Transport};

use fanfare_testkit::Still;

use super::{Broker, Options};
use crate::testing::FaultDisk;

#[derive(Debug)]
struct Same;

impl Random for Same {
    fn next_u64(&self) -> u64 {
        7
    }
}

fn options() -> Options {
    Options::new(Arc::new(Still), Arc::new(Same)).segment_bytes(1 << 16).reserve_bytes(1 << 14)
}

fn event(n: u64) -> Outgoing {
    let metadata = Metadata::new(EventId::from(n.to_string()), "test", "a.happened");
    Message::new(Topic::new("a").expect("it is a name"), metadata, Vec::new().into()).into()
}

#[tokio::test]
async fn what_an_operator_asks_for_is_read_while_the_writer_goes_on() {
    let broker = Broker::open_on(FaultDisk::new(1).disk(), options()).unwrap();
    let (go, gone) = mpsc::channel::<()>();
    let reading = broker.core.read(move |_| Ok(gone.recv().is_ok()));
    let mut groups = broker.groups();
    broker.submit(vec![event(1)], false).await.unwrap().pop().unwrap().unwrap();
    let waits = |cx: &mut std::task::Context<'_>| {
        std::task::Poll::Ready(std::pin::Pin::new(&mut groups).poll(cx).is_pending())
    };
    assert!(std::future::poll_fn(waits).await, "it waits for the reader, and the publish did not");
    go.send(()).unwrap();
    assert!(reading.await.unwrap());
    assert!(groups.await.unwrap().is_empty());
}

#[tokio::test]
async fn a_panic_of_the_thread_that_reads_ends_the_broker_and_nobody_waits() {
    let broker = Broker::open_on(FaultDisk::new(2).disk(), options()).unwrap();
    let read = broker.core.read::<()>(|_| panic!("planted by this test"));
    assert_eq!(read.await.unwrap_err().kind(), ErrorKind::Unknown);
    // The guard is dropped after what the job held.
    let ended = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            if let Err(error) = broker.groups().await
                && error.kind() == ErrorKind::Closed
            {
                break error;
            }
            tokio::task::yield_now().await;
        }
    });
    assert!(ended.await.unwrap().to_string().contains("reads has panicked"));
}

#[test]
fn a_store_whose_last_handle_is_gone_is_opened_anew() {
    let name = "opened-while-it-is-closed";
    let first = Broker::memory_named(name, options()).unwrap();
    let core = first.core.clone();
    assert!(core.hold(), "a second handle");
    core.handles.fetch_sub(1, std::sync::atomic::Ordering::AcqRel);
    drop(first);
    assert!(!core.hold());
    let second = Broker::memory_named(name, options()).unwrap();
    assert!(!Arc::ptr_eq(&core, &second.core));
}

#[test]
fn an_open_that_succeeds_is_never_of_a_store_that_is_being_closed() {
    let open = || {
        for _ in 0..5_000 {
            let broker = Broker::memory_named("opened-and-closed-by-many", options()).unwrap();
            std::thread::yield_now();
            broker.check().expect("it is open");
        }
    };
    std::thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(open))));
}
