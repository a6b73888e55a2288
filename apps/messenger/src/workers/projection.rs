//! The read model's handler.

use crate::chat::Chat;
use crate::flow::Flow;
use crate::model::{Event, Model, ModelError};
use fanfare::{Context, RawEvent, State};

/// Applies every event of rooms and conversations, in the journal's order. Each is a reason to apply all that the journal
/// has by then: what came with an earlier one is passed by.
///
/// # Errors
/// When the database fails; the group waits and tries again.
pub async fn project(
    event: RawEvent,
    context: Context,
    State(model): State<Model>,
    State(chat): State<Chat>,
    State(flow): State<Flow>,
) -> Result<(), ModelError> {
    let Some(place) = event.place().copied() else { return Ok(()) };
    let work = async {
        // One that stands alone is at hand.
        if let Some(log) = chat.journal().filter(|log| log.end() > place.position + 1) {
            model.follow(log, place.position).await?;
        }
        if model.has(place.position) {
            return Ok(());
        }
        let (event_type, payload) = (event.event_type().to_owned(), event.payload().clone());
        model.apply(vec![Event { event_type, payload, place }]).await
    };
    flow.observe(&context, work).await
}
