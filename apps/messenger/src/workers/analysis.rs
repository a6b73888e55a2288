//! What is in messages: names, links, and too many of them. Of rooms only; direct messages are nobody's to analyse.

use crate::events::room::MessageSent;
use crate::events::signal::{FloodSuspected, LinkFound, MentionFound};
use crate::flow::Flow;
use crate::model::{Model, ModelError, named};
use crate::text;
use fanfare::{Context, State};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use uuid::Uuid;

/// How fast people write, by the journal's time.
#[derive(Clone, Debug, Default)]
pub struct Flood(Arc<Mutex<HashMap<Uuid, VecDeque<i64>>>>);

/// Messages within [`WINDOW_S`] that are a flood.
const MESSAGES_MAX: u32 = 30;
const WINDOW_S: u32 = 10;
/// People that are watched at a time.
const PEOPLE_MAX: usize = 10_000;

/// Finds what is in a message. What it returns is published together with its acknowledgement.
///
/// # Errors
/// When the database fails.
pub async fn analyse(
    sent: MessageSent,
    context: Context,
    State(model): State<Model>,
    State(flood): State<Flood>,
    State(flow): State<Flow>,
) -> Result<Found, ModelError> {
    flow.observe(&context, find(sent, &context, &model, &flood)).await
}

/// What is in a message.
pub type Found = (Vec<MentionFound>, Vec<LinkFound>, Option<FloodSuspected>);

async fn find(
    sent: MessageSent,
    context: &Context,
    model: &Model,
    flood: &Flood,
) -> Result<Found, ModelError> {
    let MessageSent { room, message, by, text, .. } = sent;
    let link = |url: &str| LinkFound { room, message, by, url: url.to_owned() };
    let links = text::links(&text).into_iter().map(link).collect();
    let at = context.place().map_or(0, |place| place.recorded_at.as_millisecond());
    let flood = flood.wrote(by, at).then_some(FloodSuspected {
        person: by,
        room,
        messages: MESSAGES_MAX,
        seconds: WINDOW_S,
    });
    let mut mentions = Vec::new();
    if text.contains('@') {
        let people = model.db().read(move |tx| named(tx, room, &text).map_err(ModelError::from)).await?;
        let others = people.into_iter().filter(|person| *person != by);
        mentions = others.map(|person| MentionFound { person, by, room, message }).collect();
    }
    Ok((mentions, links, flood))
}

impl Flood {
    /// Whether this message makes it a flood; then it is counted anew.
    fn wrote(&self, person: Uuid, at: i64) -> bool {
        let mut people = self.0.lock();
        let since = at - i64::from(WINDOW_S) * 1000;
        if people.len() >= PEOPLE_MAX && !people.contains_key(&person) {
            people.retain(|_, times| times.back().is_some_and(|last| *last > since));
            if people.len() >= PEOPLE_MAX {
                people.clear();
            }
        }
        let times = people.entry(person).or_default();
        times.push_back(at);
        while times.front().is_some_and(|first| *first <= since) {
            times.pop_front();
        }
        let is_flood = times.len() >= MESSAGES_MAX as usize;
        if is_flood {
            times.clear();
        }
        is_flood
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thirty_messages_in_ten_seconds_are_a_flood_once() {
        let (flood, ada) = (Flood::default(), Uuid::from_u128(1));
        let found: Vec<bool> = (0..60).map(|n| flood.wrote(ada, n * 300)).collect();
        assert_eq!(found.iter().filter(|is| **is).count(), 2);
        assert!((0..60).all(|n| !flood.wrote(Uuid::from_u128(2), n * 1000)), "a message a second is none");
    }
}
