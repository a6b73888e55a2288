//! publish and broadcast.

use super::answer;
use super::call::Answer;
use super::request::Publish;
use crate::protocol::ErrorReply;
use crate::standalone::channels::{Position, Publishing};
use crate::standalone::run::Parts;
use futures_util::future::join_all;
use std::sync::Arc;

pub(super) async fn publish(parts: &Arc<Parts>, request: Publish) -> Answer {
    let channel = request.channel.clone();
    let position = into(parts, &channel, publishing(request)?).await?;
    Ok(answer::position(position.as_ref()))
}

pub(super) async fn broadcast(parts: &Arc<Parts>, request: Publish) -> Answer {
    let channels = request.channels.clone();
    if channels.is_empty() {
        return Err(ErrorReply::BAD_REQUEST.because("there are no channels").into());
    }
    let publishing = publishing(request)?;
    let all = channels.iter().map(|channel| into(parts, channel, publishing.clone()));
    let answers = join_all(all).await.into_iter().map(|answer| match answer {
        Ok(position) => answer::member("result", answer::position(position.as_ref())),
        Err(error) => answer::member("error", answer::error(&error)),
    });
    Ok(answer::list("responses", answers.collect()))
}

async fn into(
    parts: &Arc<Parts>,
    channel: &str,
    publishing: Publishing,
) -> Result<Option<Position>, ErrorReply> {
    let channel = parts.channels.resolve(channel)?;
    parts.channels.publish_into(&channel, publishing).await
}

fn publishing(request: Publish) -> Result<Publishing, ErrorReply> {
    let words = if !request.b64data.is_empty() {
        "b64data is for binary payloads, and this gateway speaks JSON: give data"
    } else if request.version != 0 {
        "version is not available here: publish with an idempotency_key"
    } else {
        match request.data {
            None => "there is no data",
            Some(data) => {
                return Ok(Publishing {
                    tags: request.tags,
                    skips_history: request.skip_history,
                    idempotency_key: Some(request.idempotency_key).filter(|key| !key.is_empty()),
                    ..Publishing::new(data)
                });
            }
        }
    };
    Err(ErrorReply::BAD_REQUEST.because(words))
}
