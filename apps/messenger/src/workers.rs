//! What happens behind the scenes with every message. Each handler is a consumer group of its own: one that fails is
//! retried and delays neither the chat nor the other.

use crate::events::{MentionFound, MessageSent};
use fanfare::RawEvent;

/// Logs every event of the chat, whatever its type; not what was said.
pub(crate) async fn log_event(event: RawEvent) {
    tracing::info!(
        event = event.event_type(),
        key = event.key(),
        position = event.place().map(|place| place.position),
        bytes = event.payload().len(),
        "happened"
    );
}

/// Finds who is mentioned. What it returns is published together with its acknowledgement.
pub(crate) async fn find_mentions(message: MessageSent) -> Vec<MentionFound> {
    let found = |name| MentionFound { name, room: message.room.clone(), message: message.message };
    mentions(&message.text).into_iter().map(found).collect()
}

/// The names after each `@` that does not continue a word, lower case, each once.
fn mentions(text: &str) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    let mut before = None;
    for (index, character) in text.char_indices() {
        if character == '@' && !before.is_some_and(char::is_alphanumeric) {
            let rest = text.get(index + 1..).unwrap_or_default();
            let is_name = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-');
            let name = rest.split(|c| !is_name(c)).next().unwrap_or_default().trim_end_matches(['.', '-']);
            let name = name.to_lowercase();
            if !name.is_empty() && !names.contains(&name) {
                names.push(name);
            }
        }
        before = Some(character);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mentions_are_names_after_an_at_sign() {
        assert_eq!(
            mentions("@Ann, and @Jörg-Peter. @ann! mail@example.org @ @.. (@bob_2)"),
            ["ann", "jörg-peter", "bob_2"]
        );
    }
}
