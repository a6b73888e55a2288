//! From a method's name to what it does.

use super::request::Batch;
use super::{answer, look, people, publish};
use crate::protocol::ErrorReply;
use crate::standalone::run::Parts;
use futures_util::future::join_all;
use serde::Deserialize;
use std::sync::Arc;

/// A call without a result.
#[derive(Debug)]
pub(super) enum Failure {
    /// HTTP 404.
    UnknownMethod,
    /// HTTP 400.
    Malformed(String),
    /// HTTP 200 with an error object.
    Refused(ErrorReply),
}

impl From<ErrorReply> for Failure {
    fn from(error: ErrorReply) -> Self {
        Self::Refused(error)
    }
}

/// A result as the JSON text of its object.
pub(super) type Answer = Result<Vec<u8>, Failure>;

/// Reads what a method takes.
pub(super) fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, Failure> {
    serde_json::from_str(body)
        .map_err(|error| Failure::Malformed(format!("the body is not what the method takes: {error}")))
}

/// Calls a method, or several of them.
pub(super) async fn call(parts: &Arc<Parts>, method: &str, body: &str) -> Answer {
    match method {
        "batch" => batch(parts, &read(body)?).await,
        method => one(parts, method, body).await,
    }
}

async fn one(parts: &Arc<Parts>, method: &str, body: &str) -> Answer {
    match method {
        "publish" => publish::publish(parts, read(body)?).await,
        "broadcast" => publish::broadcast(parts, read(body)?).await,
        "subscribe" => people::subscribe(parts, read(body)?).await,
        "unsubscribe" => people::unsubscribe(parts, &read(body)?),
        "disconnect" => people::disconnect(parts, &read(body)?),
        "presence" => look::presence(parts, &read(body)?),
        "presence_stats" => look::presence_stats(parts, &read(body)?),
        "history" => look::history(parts, &read(body)?).await,
        "history_remove" => look::history_remove(parts, &read(body)?),
        "channels" => look::channels(parts, &read(body)?),
        "info" => Ok(look::info(parts)),
        "refresh" => people::refresh(parts, &read(body)?),
        "rpc" => Err(ErrorReply::METHOD_NOT_FOUND.into()),
        _ => Err(Failure::UnknownMethod),
    }
}

/// Several calls; their answers in the same order.
async fn batch(parts: &Arc<Parts>, batch: &Batch<'_>) -> Answer {
    let answers: Vec<Vec<u8>> = if batch.parallel {
        join_all(batch.commands.iter().map(|command| reply(parts, command))).await
    } else {
        let mut answers = Vec::with_capacity(batch.commands.len());
        for command in &batch.commands {
            answers.push(reply(parts, command).await);
        }
        answers
    };
    Ok(answer::list("replies", answers))
}

async fn reply(parts: &Arc<Parts>, command: &super::request::BatchCommand<'_>) -> Vec<u8> {
    let mut members = command.iter();
    let (Some((method, body)), None) = (members.next(), members.next()) else {
        return answer::member("error", answer::error(&ErrorReply::BAD_REQUEST));
    };
    let error = match Box::pin(one(parts, method, body.get())).await {
        Ok(result) => return answer::member(method, result),
        Err(Failure::UnknownMethod) => ErrorReply::METHOD_NOT_FOUND,
        Err(Failure::Malformed(words)) => ErrorReply::BAD_REQUEST.because(words),
        Err(Failure::Refused(error)) => error,
    };
    parts.counts.errors.add();
    answer::member("error", answer::error(&error))
}
