//! What comes up to a limit is refused whole, said by kind, and loses nothing.

use std::time::Duration;

use fanfare_broker::{Broker, Options};
use fanfare_core::{
    Error, ErrorKind, ExpectedRevision, Log, Operator, Outgoing, Selection, Settle, Transport,
};

use super::rig::*;

/// An event that is due in an hour.
fn delayed(n: u64) -> Outgoing {
    let mut outgoing = event("later", "x", n);
    outgoing.message.metadata.set_not_before(Some(now() + Duration::from_secs(3600)));
    outgoing
}

fn memory(options: Options) -> Broker {
    Broker::memory(options).unwrap()
}

#[tokio::test(start_paused = true)]
async fn outputs_that_do_not_all_fit_the_schedule_are_refused_with_their_acknowledgement() {
    let broker = memory(options().scheduled_max(3));
    publish(&broker, delayed(1)).await.unwrap();
    publish(&broker, delayed(2)).await.unwrap();
    put(&broker, "a", "x", 1).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let delivery = take(consumer, 1).await.pop().unwrap();
    begin(consumer, delivery.token).await.unwrap();
    let outputs = vec![delayed(3), delayed(4)];
    let refused = settle(consumer, delivery.token, Settle::Ack { outputs }).await.unwrap_err();
    assert_eq!((refused.kind(), refused.is_retryable()), (ErrorKind::Full, true));
    assert_eq!(broker.stats().scheduled, 2, "none of the two");
    assert_eq!(broker.groups().await.unwrap()[0].lag, 1, "it is not settled");
    settle(consumer, delivery.token, Settle::Ack { outputs: vec![delayed(3)] }).await.unwrap();
    assert_eq!((broker.stats().scheduled, broker.groups().await.unwrap()[0].lag), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn an_atomic_batch_that_does_not_all_fit_the_schedule_is_refused_whole() {
    for options in [options().scheduled_max(3), options().memory_max(2_500)] {
        let broker = memory(options);
        let large = |n| {
            let mut outgoing = delayed(n);
            outgoing.message.payload = vec![b'x'; 700].into();
            outgoing
        };
        publish(&broker, large(1)).await.unwrap();
        publish(&broker, large(2)).await.unwrap();
        let answers = broker.submit(vec![large(3), large(4)], true).await.unwrap();
        let kinds: Vec<_> = answers.into_iter().map(|answer| answer.unwrap_err().error.kind()).collect();
        assert_eq!((kinds, broker.stats().scheduled), (vec![ErrorKind::Full; 2], 2));
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeat_within_an_atomic_batch_counts_for_no_revision() {
    let expecting = |n, revision| {
        let mut outgoing = event("a", "x", n);
        outgoing.expected = Some(ExpectedRevision::Exact(revision));
        outgoing
    };
    let broker = memory(options());
    let refused = broker.submit(vec![event("a", "x", 1), event("a", "x", 1), expecting(2, 2)], true);
    assert!(refused.await.unwrap().iter().all(Result::is_err));
    assert_eq!(broker.end(), 0, "nothing of it was published");
    let batch = vec![event("a", "x", 1), event("a", "x", 1), expecting(2, 1)];
    let receipts = broker.submit(batch, true).await.unwrap();
    let receipts: Vec<_> = receipts.into_iter().map(Result::unwrap).collect();
    assert_eq!(receipts.iter().map(|receipt| receipt.is_repeat).collect::<Vec<_>>(), [false, true, false]);
    assert_eq!(receipts[1].place, receipts[0].place);
    assert_eq!(receipts[2].place.unwrap().revision, 2);
}

#[tokio::test(start_paused = true)]
async fn a_key_used_twice_within_an_atomic_batch_for_different_payloads_is_a_conflict() {
    let keyed = |n| {
        let mut outgoing = event("a", "x", n);
        outgoing.message.metadata.set_idempotency_key(Some("once".into()));
        outgoing
    };
    let broker = memory(options());
    let answers = broker.submit(vec![keyed(1), keyed(2)], true).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().error.kind() == ErrorKind::Conflict));
    assert_eq!(broker.end(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_window_of_repeats_that_its_count_ends_early_says_so() {
    let broker = memory(options().window_max(3));
    for n in 0..3 {
        put(&broker, "a", "x", n).await;
    }
    assert_eq!(broker.stats().repeats_window_cut, 0);
    put(&broker, "a", "x", 3).await;
    put(&broker, "a", "x", 4).await;
    assert_eq!(broker.stats().repeats_window_cut, 2);
    assert!(!publish(&broker, event("a", "x", 1)).await.unwrap().is_repeat);
    assert!(publish(&broker, event("a", "x", 4)).await.unwrap().is_repeat);
    // What is forgotten in its time is not counted.
    for n in 0..20 {
        tokio::time::advance(Duration::from_secs(700)).await;
        put(&broker, "b", "x", n).await;
    }
    assert_eq!(broker.stats().repeats_window_cut, 3);
}

#[tokio::test(start_paused = true)]
async fn a_held_key_takes_so_many_records_and_is_refused_then_until_it_is_resumed() {
    let broker = memory(options().held_records_max(3));
    put(&broker, "a", "x", 0).await;
    let mut subscription = join(&broker, "h", &["a"]).await;
    let delivery = take(&mut *subscription.consumer, 1).await.pop().unwrap();
    begin(&mut *subscription.consumer, delivery.token).await.unwrap();
    settle(&mut *subscription.consumer, delivery.token, Settle::Hold).await.unwrap();
    put(&broker, "a", "x", 1).await;
    put(&broker, "a", "x", 2).await;
    let refused = publish(&broker, event("a", "x", 3)).await.unwrap_err();
    assert_eq!((refused.error.kind(), refused.error.is_retryable()), (ErrorKind::Full, true));
    assert!(refused.error.to_string().contains("app//h"), "{}", refused.error);
    put(&broker, "a", "y", 1).await;
    put(&broker, "b", "x", 1).await;
    drop(subscription);
    let mut subscription = join(&broker, "h", &["a"]).await;
    let held = subscription.held[0].clone();
    assert_eq!(subscription.consumer.resume(&held).await.unwrap(), 3);
    put(&broker, "a", "x", 3).await;
}

fn reject(reason: &str) -> Settle {
    Settle::Reject { reason: reason.to_owned().into(), failed: None, park: false }
}

#[tokio::test(start_paused = true)]
async fn a_group_has_so_many_dead_letters_and_gives_no_more_up_until_some_are_mended() {
    let broker = memory(options().dead_letters_max(2));
    let (mut subscription, tokens) = begun(&broker).await;
    let consumer = &mut *subscription.consumer;
    let mut batch: Vec<_> = tokens.iter().map(|token| (*token, reject("no"))).collect();
    let answers = consumer.settle(&mut batch).await.unwrap();
    let kinds: Vec<_> = answers.iter().map(|answer| answer.as_ref().map_err(Error::kind).copied()).collect();
    let full = Err(ErrorKind::Full);
    assert_eq!(kinds, [Ok(()), Ok(()), full, full, full]);
    let error = answers[2].as_ref().unwrap_err();
    assert!(error.is_retryable() && error.to_string().contains("redrive or discard"), "{error}");
    let status = &broker.groups().await.unwrap()[0];
    assert_eq!((status.dead, status.lag), (2, 3), "nothing is lost");
    settle(consumer, tokens[2], ack()).await.expect("it may succeed");
    assert_eq!(broker.discard(&name("h"), Selection::Positions(vec![0])).await.unwrap(), 1);
    settle(consumer, tokens[3], reject("no")).await.unwrap();
    assert_eq!(settle(consumer, tokens[4], reject("no")).await.unwrap_err().kind(), ErrorKind::Full);
}

#[tokio::test(start_paused = true)]
async fn dead_letters_count_as_memory_and_are_refused_by_another_kind_than_work_that_is_under_way() {
    let broker = memory(options().recent_max(2_000).memory_max(10_000));
    let mut subscription = join(&broker, "h", &["a"]).await;
    let consumer = &mut *subscription.consumer;
    let (mut kept, mut kind) = (0, None);
    while kind.is_none() && kept < 1_000 {
        match publish(&broker, event("a", "x", kept)).await {
            Err(refused) => kind = Some(refused.error.kind()),
            Ok(_) => {
                let token = take(consumer, 1).await[0].token;
                begin(consumer, token).await.unwrap();
                settle(consumer, token, reject("no")).await.unwrap();
                kept += 1;
            }
        }
    }
    assert_eq!(kind, Some(ErrorKind::Full), "after {kept}");
    assert!(broker.stats().bytes > 8_000, "{}", broker.stats().bytes);
    assert_eq!(broker.discard(&name("h"), Selection::All).await.unwrap(), kept);
    put(&broker, "a", "x", 2_000).await;
    assert!(broker.stats().bytes < 4_000, "{}", broker.stats().bytes);
    // What a group has yet to handle is work under way.
    let mut n = 3_000;
    let refused = loop {
        match publish(&broker, event("a", "x", n)).await {
            Err(refused) => break refused.error.kind(),
            Ok(_) => n += 1,
        }
    };
    assert_eq!(refused, ErrorKind::Busy);
}

/// Five records of their own keys, taken, and begun.
async fn begun(broker: &Broker) -> (fanfare_core::Subscription, Vec<fanfare_core::Token>) {
    for n in 0..5 {
        put(broker, "a", &n.to_string(), n).await;
    }
    let mut subscription = join(broker, "h", &["a"]).await;
    let deliveries = take_all(&mut *subscription.consumer, 5).await;
    for delivery in &deliveries {
        begin(&mut *subscription.consumer, delivery.token).await.unwrap();
    }
    (subscription, deliveries.into_iter().map(|delivery| delivery.token).collect())
}

fn of_bytes(n: u64, bytes: usize) -> Outgoing {
    let mut outgoing = event("out", "x", n);
    outgoing.message.payload = vec![b'x'; bytes].into();
    outgoing
}

fn retry() -> Settle {
    Settle::Retry { after: Duration::ZERO, failed: None }
}

#[tokio::test(start_paused = true)]
async fn in_full_memory_only_the_settlement_with_outputs_is_refused() {
    let broker = memory(options().memory_max(10_000));
    let (mut subscription, tokens) = begun(&broker).await;
    let outputs = vec![of_bytes(1, 20_000)];
    let mut batch = vec![
        (tokens[0], ack()),
        (tokens[1], Settle::Ack { outputs }),
        (tokens[2], retry()),
        (tokens[3], ack()),
    ];
    let answers = subscription.consumer.settle(&mut batch).await.unwrap();
    let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
    assert_eq!(kinds, [Ok(()), Err(ErrorKind::Full), Ok(()), Ok(())]);
    let group = &broker.groups().await.unwrap()[0];
    assert_eq!((group.lag, group.retrying), (3, 1));
    begin(&mut *subscription.consumer, tokens[2]).await.expect("its retry was noted");
}

#[tokio::test]
async fn outputs_of_more_than_64_mib_are_refused_alone_and_the_broker_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let files = Broker::open(folder.path(), options().message_max(40 << 20)).await.unwrap();
    for broker in [files, memory(options().message_max(40 << 20))] {
        let (mut subscription, tokens) = begun(&broker).await;
        let too_large = Settle::Ack { outputs: vec![of_bytes(1, 33 << 20), of_bytes(2, 33 << 20)] };
        let mut batch = vec![(tokens[0], ack()), (tokens[1], too_large), (tokens[2], retry())];
        let answers = subscription.consumer.settle(&mut batch).await.unwrap();
        let kinds: Vec<_> = answers.into_iter().map(|answer| answer.map_err(|error| error.kind())).collect();
        assert_eq!(kinds, [Ok(()), Err(ErrorKind::TooLarge), Ok(())]);
        settle(&mut *subscription.consumer, tokens[1], ack()).await.expect("the broker goes on");
    }
}

#[tokio::test]
async fn settlements_with_more_outputs_than_a_batch_of_the_journal_holds_are_written_in_several() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::open(folder.path(), options().message_max(60 << 20)).await.unwrap();
    let (mut subscription, tokens) = begun(&broker).await;
    let with_output = |(n, token)| (token, Settle::Ack { outputs: vec![of_bytes(n, 55 << 20)] });
    let mut batch: Vec<_> = (0..).zip(tokens).map(with_output).collect();
    let answers = subscription.consumer.settle(&mut batch).await.unwrap();
    assert!(answers.iter().all(Result::is_ok), "{answers:?}");
    assert_eq!((broker.groups().await.unwrap()[0].lag, put(&broker, "b", "x", 1).await), (0, 10));
}

#[tokio::test]
async fn delayed_events_that_are_due_together_are_written_in_several_batches() {
    let folder = tempfile::tempdir().unwrap();
    let broker = Broker::open(folder.path(), options().message_max(60 << 20)).await.unwrap();
    let due = now() + Duration::from_millis(1500);
    for n in 0..5 {
        let mut outgoing = of_bytes(n, 55 << 20);
        outgoing.message.metadata.set_not_before(Some(due));
        publish(&broker, outgoing).await.unwrap();
    }
    let mut tail = broker.tail(&"out".parse().unwrap(), Some(broker.start())).await.unwrap();
    let all = tokio::time::timeout(Duration::from_secs(60), follow(&mut *tail, 5)).await.unwrap();
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn a_batch_of_more_than_64_mib_is_refused_whole() {
    let broker = memory(options());
    let batch: Vec<_> = (0..5).map(|n| of_bytes(n, 15 << 20)).collect();
    let answers = broker.submit(batch, false).await.unwrap();
    assert!(answers.iter().all(|answer| answer.as_ref().unwrap_err().error.kind() == ErrorKind::TooLarge));
    let batch: Vec<_> = (0..4).map(|n| of_bytes(n, 15 << 20)).collect();
    assert!(broker.submit(batch, false).await.unwrap().iter().all(Result::is_ok));
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_bytes_that_may_wait_for_the_writer_a_publish_is_refused() {
    let disk = fanfare_broker::testing::FaultDisk::new(13);
    let broker = Broker::open_on(disk.disk(), options().segment_bytes(1 << 20).inbox_max(20_000)).unwrap();
    let broker = std::sync::Arc::new(broker);
    put(&broker, "a", "x", 1).await;
    let (sender, runtime) = (broker.clone(), tokio::runtime::Handle::current());
    let (result, tickets) = std::sync::mpsc::channel();
    disk.during_next_sync(move || {
        let _entered = runtime.enter();
        let tickets: Vec<_> = (0..4).map(|n| sender.submit(vec![of_bytes(n, 8_000)], false)).collect();
        result.send(tickets).unwrap();
    });
    put(&broker, "a", "x", 2).await;
    let mut kinds = Vec::new();
    for ticket in tickets.recv().unwrap() {
        let answer = ticket.await.unwrap().pop().unwrap();
        kinds.push(answer.map(drop).map_err(|refused| refused.error.kind()));
    }
    assert_eq!(kinds, [Ok(()), Ok(()), Err(ErrorKind::Busy), Err(ErrorKind::Busy)]);
}
