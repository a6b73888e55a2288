//! One life: clients publish keyed events, three groups handle them, until SIGKILL or until all is drained.
//!
//! Arguments: the data folder, the number of this life, `work` or `drain`, and the name of a bug to plant, if any;
//! standard input: a JSON list of what to publish again.

#![allow(clippy::disallowed_methods, reason = "a program: it runs until it is killed, in real time")]

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use fanfare::{App, Attempt, Context, Event, HandlerExt, Publisher, Retry, State};
use fanfare_core::{KeyRange, Topic, Transport};
use fanfare_crash::{Line, Random, Work};
use serde::{Deserialize, Serialize};

const CLIENTS: u64 = 8;
const KEYS: u64 = 12;

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event(type = "crash.work.noted", key = key)]
struct Noted {
    key: String,
    id: String,
}

/// Numbers for the handlers' moods; one per life.
#[derive(Clone)]
struct Mood(u64);

async fn steady(event: Noted, attempt: Attempt, context: Context, State(mood): State<Mood>) {
    handle("steady", &event, attempt, &context, &mood, 0).await.expect("a steady handler succeeds");
}

async fn flaky(
    event: Noted,
    attempt: Attempt,
    context: Context,
    State(mood): State<Mood>,
) -> Result<(), String> {
    handle("flaky", &event, attempt, &context, &mood, 30).await
}

async fn slow(
    event: Noted,
    attempt: Attempt,
    context: Context,
    State(mood): State<Mood>,
) -> Result<(), String> {
    handle("slow", &event, attempt, &context, &mood, 5).await
}

async fn handle(
    group: &str,
    event: &Noted,
    attempt: Attempt,
    context: &Context,
    mood: &Mood,
    failures_percent: u64,
) -> Result<(), String> {
    let revision = context.place().expect("the embedded broker gives places").revision;
    let (key, attempt) = (event.key.clone(), attempt.0);
    let start =
        Line::Start { group: group.into(), key: key.clone(), revision, attempt, id: event.id.clone() };
    start.tell();
    let mut random = Random::new(mood.0 ^ revision ^ (u64::from(attempt) << 32) ^ group.len() as u64);
    let micros = random.below(if group == "slow" { 6_000 } else { 1_500 });
    tokio::time::sleep(Duration::from_micros(micros)).await;
    let is_ok = random.below(100) >= failures_percent;
    Line::End { group: group.into(), key, revision, attempt, is_ok }.tell();
    if is_ok { Ok(()) } else { Err("it is that kind of day".into()) }
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let mut argument = |name| arguments.next().with_context(|| format!("missing argument: {name}"));
    let data = PathBuf::from(argument("data folder")?);
    let number: u64 = argument("number of this life")?.parse()?;
    let is_working = argument("`work` or `drain`")? == "work";
    let is_key_lock_dropped = arguments.next().is_some_and(|bug| bug == "key-lock-dropped");
    let again: Vec<Work> = serde_json::from_reader(std::io::stdin())?;

    let retry = Retry::fixed(Duration::from_millis(5)).attempts_max(10_000);
    let mut app = App::new("crash");
    if is_key_lock_dropped {
        app = app.plant_key_lock_dropped();
    }
    let running = app
        .transport(format!("file:{}", data.display()))
        .state(Mood(number))
        .on(steady.retry(retry))
        .on(flaky.retry(retry).concurrency(4))
        .on(slow.retry(retry))
        .start()
        .await?;
    Line::Ready.tell();
    for work in &again {
        publish(running.publisher(), work).await?;
    }
    if is_working {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| tokio::spawn(publish_for_ever(running.publisher().clone(), number, client)))
            .collect();
        for client in clients {
            client.await??;
        }
    }
    let transport = running.transport();
    drain(&**transport).await?;
    tell_log(&**transport).await?;
    Line::Drained.tell();
    running.shutdown().await?;
    Ok(())
}

/// The id is the idempotency key, so that what a killed life published is not there twice.
async fn publish(publisher: &Publisher, work: &Work) -> anyhow::Result<()> {
    Line::Publishing(work.clone()).tell();
    let event = Noted { key: work.key.clone(), id: work.id.clone() };
    let receipt = publisher.publish(event).idempotency_key(work.id.as_str()).await?;
    let revision = receipt.place.context("a receipt of the embedded broker has a place")?.revision;
    Line::Acked { work: work.clone(), revision }.tell();
    Ok(())
}

async fn publish_for_ever(publisher: Publisher, number: u64, client: u64) -> anyhow::Result<()> {
    let mut random = Random::new(number << 8 | client);
    for index in 0_u64.. {
        let key = format!("k{}", random.below(KEYS));
        publish(&publisher, &Work { key, id: format!("{number}-{client}-{index}") }).await?;
        tokio::time::sleep(Duration::from_micros(random.below(8_000))).await;
    }
    Ok(())
}

/// Until no group has anything left to do.
async fn drain(transport: &dyn Transport) -> anyhow::Result<()> {
    let operator = transport.operator().context("the embedded broker has an operator")?;
    loop {
        let groups = operator.groups().await?;
        if groups.iter().all(|group| group.lag == 0) {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn tell_log(transport: &dyn Transport) -> anyhow::Result<()> {
    let log = transport.log().context("the embedded broker has a log")?;
    let topic = Topic::from_static(Noted::TOPIC);
    for key in (0..KEYS).map(|key| format!("k{key}")) {
        let mut next = 1;
        loop {
            let records = log.read_key(&topic, &key, KeyRange::from(next, 500)).await?;
            let Some(last) = records.last() else { break };
            next = last.place.revision + 1;
            for record in records {
                let noted: Noted = serde_json::from_slice(&record.message.payload)?;
                Line::Logged { work: Work { key: noted.key, id: noted.id }, revision: record.place.revision }
                    .tell();
            }
        }
    }
    Ok(())
}
