//! What passes, for administrators. Of direct messages nobody is shown more than type and counts.

use super::Web;
use super::answer::{Asked, Problem};
use super::signed::Admin;
use crate::flow::{Stage, is_direct};
use axum::Json;
use axum::extract::{Path, Query, State};
use fanfare_core::{Cursor, DeadLetter, GroupName, Operator, Recorded, Selection, TopicFilter};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(super) struct After {
    #[serde(default)]
    after: u64,
}

#[derive(Deserialize)]
pub(super) struct Letters {
    group: String,
    #[serde(default)]
    from: u64,
}

#[derive(Deserialize)]
pub(super) struct Redrive {
    group: String,
    position: Option<u64>,
}

/// How long a question for news waits for some.
const WAIT: Duration = Duration::from_secs(20);
/// Dead letters of one answer.
const LETTERS_MAX: usize = 100;

pub(super) async fn events(State(web): State<Web>, _: Admin, Query(asked): Query<After>) -> Answer {
    Ok(Json(json!(web.flow.wait_after(asked.after, WAIT).await)))
}

/// One event's life. Its payload is read from the journal when it is opened, and only then.
pub(super) async fn event(State(web): State<Web>, _: Admin, Path(id): Path<String>) -> Answer {
    let (own, caused) = web.flow.life(&id);
    let position = own.iter().find_map(|passing| passing.position).ok_or_else(Problem::missing)?;
    let log = web.transport.log().ok_or_else(Problem::missing)?;
    let all: TopicFilter = ">".parse().map_err(|_| Problem::missing())?;
    let page = log
        .read(&all, Cursor::new(log.epoch(), position), 1)
        .await
        .map_err(|error| Problem::internal(&error))?;
    let record = page.records.first().filter(|record| record.message.metadata.id.to_string() == id);
    let record = record.filter(|record| !is_direct(&record.message.metadata.event_type));
    let record = record.ok_or_else(Problem::missing)?;
    let (published, handled): (Vec<_>, Vec<_>) =
        own.into_iter().partition(|passing| passing.stage == Stage::Published);
    let attributes = record.message.metadata.attributes();
    let metadata: serde_json::Map<String, Value> =
        attributes.into_iter().map(|(name, value)| (name.into_owned(), value.into_owned().into())).collect();
    Ok(Json(json!({
        "event": published.first(),
        "payload": payload(record),
        "metadata": metadata,
        "position": record.place.position,
        "offset": record.place.revision,
        "handled": handled,
        "caused": caused,
    })))
}

pub(super) async fn groups(State(web): State<Web>, _: Admin) -> Answer {
    let groups = operator(&web)?.groups().await.map_err(|error| Problem::internal(&error))?;
    let groups: Vec<Value> = groups
        .into_iter()
        .map(|group| {
            json!({
                "group": group.name.to_string(),
                "lag": group.lag,
                "oldest": group.oldest,
                "retrying": group.retrying,
                "dead": group.dead,
                "held": group.held,
                "is_active": group.is_active,
            })
        })
        .collect();
    Ok(Json(json!({ "groups": groups, "direct": web.flow.direct() })))
}

pub(super) async fn dead(State(web): State<Web>, _: Admin, Query(asked): Query<Letters>) -> Answer {
    let group = name(&asked.group)?;
    let letters = operator(&web)?.dead_letters(&group, asked.from, LETTERS_MAX).await;
    let letters = letters.map_err(|error| Problem::internal(&error))?;
    Ok(Json(json!({ "letters": letters.iter().map(letter).collect::<Vec<_>>() })))
}

pub(super) async fn redrive(State(web): State<Web>, by: Admin, Asked(asked): Asked<Redrive>) -> Answer {
    let group = name(&asked.group)?;
    let which = asked.position.map_or(Selection::All, |position| Selection::Positions(vec![position]));
    let redriven = operator(&web)?.redrive(&group, which).await.map_err(|error| Problem::internal(&error))?;
    tracing::info!(group = %group, redriven, by = by.0.person.name, "dead letters were sent back");
    Ok(Json(json!({ "redriven": redriven })))
}

fn letter(letter: &DeadLetter) -> Value {
    let metadata = &letter.record.message.metadata;
    let position = letter.record.place.position;
    if is_direct(&metadata.event_type) {
        return json!({ "position": position, "type": &*metadata.event_type, "attempts": letter.history.len() });
    }
    let history = letter
        .history
        .iter()
        .map(|attempt| json!({ "attempt": attempt.attempt, "at": attempt.at, "error": &*attempt.error }));
    json!({
        "position": position,
        "id": metadata.id.to_string(),
        "type": &*metadata.event_type,
        "key": metadata.key.as_deref(),
        "reason": &*letter.reason,
        "at": letter.at,
        "payload": payload(&letter.record),
        "attempts": letter.history.len(),
        "history": history.collect::<Vec<_>>(),
    })
}

fn payload(record: &Recorded) -> Value {
    serde_json::from_slice(&record.message.payload).unwrap_or(Value::Null)
}

fn operator(web: &Web) -> Result<&dyn Operator, Problem> {
    web.transport.operator().ok_or_else(Problem::missing)
}

fn name(group: &str) -> Result<GroupName, Problem> {
    group.parse().map_err(|_| Problem::missing())
}
