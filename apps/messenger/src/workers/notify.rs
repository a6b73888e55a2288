//! Telling people what concerns them.

use crate::chat::{Chat, Notify};
use crate::events::room::{Invited, MessageSent};
use crate::events::signal::MentionFound;
use crate::flow::Flow;
use crate::model::{self, ModelError};
use fanfare::{Context, State};

/// Somebody was named.
///
/// # Errors
/// When the database fails.
pub async fn notify_mentioned(
    found: MentionFound,
    context: Context,
    State(chat): State<Chat>,
    State(flow): State<Flow>,
) -> Result<(), ModelError> {
    let MentionFound { person, by, room, message } = found;
    let (at, event) = of(&context);
    let notify = Notify { person, kind: "mention", room, by, message: Some(message), at, event };
    flow.observe(&context, chat.notify(notify)).await
}

/// Somebody was answered.
///
/// # Errors
/// When the database fails.
pub async fn notify_replied(
    sent: MessageSent,
    context: Context,
    State(chat): State<Chat>,
    State(flow): State<Flow>,
) -> Result<(), ModelError> {
    let MessageSent { room, message, by, reply_to: Some(answered), .. } = sent else { return Ok(()) };
    let (at, event) = of(&context);
    let work = async {
        let find =
            move |tx: &rusqlite::Transaction<'_>| Ok::<_, ModelError>(model::find(tx, room, answered, by)?);
        let Some(answered) = chat.model().db().read(find).await? else { return Ok(()) };
        let person = answered.sender;
        chat.notify(Notify { person, kind: "reply", room, by, message: Some(message), at, event }).await
    };
    flow.observe(&context, work).await
}

/// Somebody was asked in.
///
/// # Errors
/// When the database fails.
pub async fn notify_invited(
    invited: Invited,
    context: Context,
    State(chat): State<Chat>,
    State(flow): State<Flow>,
) -> Result<(), ModelError> {
    let Invited { room, person, by } = invited;
    let Some(place) = context.place().copied() else { return Ok(()) };
    let (at, event) = of(&context);
    let work = async {
        // Whether they may know of the room is in the model once the event is.
        chat.model().applied(&place, std::time::Duration::from_secs(10)).await?;
        chat.notify(Notify { person, kind: "invitation", room, by, message: None, at, event }).await
    };
    flow.observe(&context, work).await
}

fn of(context: &Context) -> (i64, String) {
    let at = context.place().map_or_else(crate::time::now, |place| place.recorded_at.as_millisecond());
    (at, context.event_id().to_string())
}
