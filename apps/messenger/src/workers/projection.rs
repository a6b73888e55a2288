//! The read model's handler.

use crate::flow::Flow;
use crate::model::{Event, Model, ModelError};
use fanfare::{Context, RawEvent, State};

/// Applies every event of rooms and conversations, in the journal's order.
///
/// # Errors
/// When the database fails; the group waits and tries again.
pub async fn project(
    event: RawEvent,
    context: Context,
    State(model): State<Model>,
    State(flow): State<Flow>,
) -> Result<(), ModelError> {
    let Some(place) = event.place().copied() else { return Ok(()) };
    let event = Event { event_type: event.event_type().to_owned(), payload: event.payload().clone(), place };
    flow.observe(&context, model.apply(vec![event])).await
}
