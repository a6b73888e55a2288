//! presence, history, channels, info: what only looks.

use super::answer;
use super::call::Answer;
use super::glob;
use super::request::{Channels, History, OfChannel};
use crate::protocol::ClientInfo;
use crate::protocol::{ErrorReply, object};
use crate::session::{HistoryRange, Resume};
use crate::standalone::channels::Channel;
use crate::standalone::run::Parts;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

pub(super) fn presence(parts: &Arc<Parts>, request: &OfChannel) -> Answer {
    let present = present(parts, request)?;
    let mut out = Vec::new();
    object(&mut out, |result| {
        result.object("presence", |presence| {
            for info in &present {
                presence.object(&info.client, |object| info.write(object));
            }
        });
    });
    Ok(out)
}

pub(super) fn presence_stats(parts: &Arc<Parts>, request: &OfChannel) -> Answer {
    let present = present(parts, request)?;
    let users: HashSet<&str> = present.iter().map(|info| info.user.as_str()).collect();
    let mut out = Vec::new();
    object(&mut out, |result| {
        result.number_always("num_clients", present.len() as u64);
        result.number_always("num_users", users.len() as u64);
    });
    Ok(out)
}

fn present(parts: &Arc<Parts>, request: &OfChannel) -> Result<Vec<Arc<ClientInfo>>, ErrorReply> {
    let channel = parts.channels.resolve(&request.channel)?;
    if !channel.options().presence {
        return Err(ErrorReply::NOT_AVAILABLE);
    }
    Ok(parts.gateway.present(channel.name, &channel.key))
}

pub(super) async fn history(parts: &Arc<Parts>, request: &History) -> Answer {
    let channel = with_history(parts, &request.channel)?;
    if request.reverse && request.since.as_ref().is_some_and(|since| since.offset == 0) {
        return Err(ErrorReply::BAD_REQUEST.because("there is nothing before offset 0").into());
    }
    let range = HistoryRange {
        // Negative: all that the namespace's size lets through.
        max: usize::try_from(request.limit).unwrap_or(usize::MAX),
        since: request
            .since
            .as_ref()
            .map(|since| Resume { epoch: since.epoch.clone(), offset: since.offset }),
        is_reverse: request.reverse,
    };
    let history = parts.gateway.history(channel.name, &channel.key, &range).await?;
    let mut out = Vec::new();
    object(&mut out, |result| {
        result.list("publications", history.publications.iter().map(|publication| publication.body()));
        result.number_always("offset", history.offset);
        result.text_always("epoch", &history.epoch);
    });
    Ok(out)
}

/// Refused: a journal is not rewritten for one channel.
pub(super) fn history_remove(parts: &Arc<Parts>, request: &OfChannel) -> Answer {
    with_history(parts, &request.channel)?;
    let words = "history is not removed by request: its age and size say until when it is served";
    Err(ErrorReply::NOT_AVAILABLE.because(words).into())
}

fn with_history<'a>(parts: &Arc<Parts>, channel: &'a str) -> Result<Channel<'a>, ErrorReply> {
    let channel = parts.channels.resolve(channel)?;
    if channel.options().has_history() { Ok(channel) } else { Err(ErrorReply::NOT_AVAILABLE) }
}

pub(super) fn channels(parts: &Arc<Parts>, request: &Channels) -> Answer {
    let mut found: BTreeMap<String, usize> = BTreeMap::new();
    for (channel, count) in parts.gateway.channels() {
        if request.pattern.is_empty() || glob::matches(&request.pattern, &channel) {
            *found.entry(channel).or_default() += count;
        }
    }
    let mut out = Vec::new();
    object(&mut out, |result| {
        result.object("channels", |channels| {
            for (channel, count) in &found {
                channels.object(channel, |object| object.number_always("num_clients", *count as u64));
            }
        });
    });
    Ok(out)
}

pub(super) fn info(parts: &Arc<Parts>) -> Vec<u8> {
    let channels = parts.gateway.channels();
    let subscriptions: usize = channels.iter().map(|(_, count)| count).sum();
    let mut node = Vec::new();
    object(&mut node, |node| {
        node.text_always("uid", &parts.uid);
        node.text_always("name", "fanfare-gateway");
        node.text_always("version", concat!("fanfare ", env!("CARGO_PKG_VERSION")));
        node.number_always("num_clients", parts.gateway.connections() as u64);
        node.number_always("num_users", parts.gateway.users() as u64);
        node.number_always("num_subs", subscriptions as u64);
        node.number_always("num_channels", channels.len() as u64);
        node.number_always("uptime", parts.started.elapsed().as_secs());
    });
    answer::list("nodes", vec![node])
}
