//! The log: that something happened, never what was said.

use crate::flow::Flow;
use fanfare::{Context, RawEvent, State};
use std::convert::Infallible;

/// Logs every event of the chat, whatever its type. It is registered for `chat.>`, so that no direct message comes by.
///
/// # Errors
/// Never.
pub async fn log_event(
    event: RawEvent,
    context: Context,
    State(flow): State<Flow>,
) -> Result<(), Infallible> {
    flow.observe(&context, async {
        tracing::info!(
            event = event.event_type(),
            key = event.key(),
            position = event.place().map(|place| place.position),
            bytes = event.payload().len(),
            "happened"
        );
        Ok(())
    })
    .await
}
