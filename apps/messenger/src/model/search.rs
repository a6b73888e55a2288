//! Looking for words in what a person may read.

use super::{Message, messages};
use rusqlite::{Transaction, params};
use serde::Serialize;
use uuid::Uuid;

/// A page of what was found.
#[derive(Clone, Debug, Serialize)]
#[non_exhaustive]
pub struct Found {
    /// The messages, newest first.
    pub messages: Vec<Message>,
    /// Where the next page begins, if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<i64>,
}

/// Words of one search that count.
const WORDS_MAX: usize = 10;

/// Messages that have every word (each as the beginning of a word; a single letter as a word of its own), in the rooms and conversations of a person, or in
/// one of them.
///
/// # Errors
/// When the database fails.
pub fn search(
    tx: &Transaction<'_>,
    person: Uuid,
    text: &str,
    room: Option<Uuid>,
    before: Option<i64>,
    limit: usize,
) -> Result<Found, rusqlite::Error> {
    let Some(query) = query(text) else { return Ok(Found { messages: Vec::new(), cursor: None }) };
    let mut rows = tx.prepare_cached(
        "SELECT m.n FROM message_text t JOIN message m ON m.n = t.rowid
         JOIN member b ON b.room = m.room AND b.person = ?2
         WHERE message_text MATCH ?1 AND t.rowid < ?3 AND (?4 IS NULL OR m.room = ?4) AND NOT m.is_deleted
         ORDER BY t.rowid DESC LIMIT ?5",
    )?;
    let before = before.unwrap_or(i64::MAX);
    let numbers = rows.query_map(params![query, person, before, room, limit + 1], |row| row.get(0))?;
    let mut numbers: Vec<i64> = numbers.collect::<Result<_, _>>()?;
    let has_more = numbers.len() > limit;
    numbers.truncate(limit);
    let cursor = numbers.last().copied().filter(|_| has_more);
    let found = numbers.into_iter().map(|n| messages::by_number(tx, n, person)).filter_map(Result::transpose);
    Ok(Found { messages: found.collect::<Result<_, _>>()?, cursor })
}

/// What a person types is words, never the query language: each is quoted.
fn query(text: &str) -> Option<String> {
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).take(WORDS_MAX);
    let query: Vec<String> =
        words.map(|word| format!("\"{word}\"{}", if is_letter(word) { "" } else { "*" })).collect();
    (!query.is_empty()).then(|| query.join(" "))
}

/// Half of all words begin with one of a few letters. In scripts that have no letters one character says more.
fn is_letter(word: &str) -> bool {
    const IDEOGRAPHS: char = '\u{2e80}';
    let mut characters = word.chars();
    characters.next().is_some_and(|first| first < IDEOGRAPHS) && characters.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::query;

    #[test]
    fn operators_of_the_query_language_are_only_words() {
        assert_eq!(query("a\" OR b* NEAR(c)").unwrap(), "\"a\" \"OR\"* \"b\" \"NEAR\"* \"c\"");
        assert_eq!(query(" \"*- "), None);
    }

    #[test]
    fn one_letter_is_a_word_and_more_are_the_beginning_of_one() {
        assert_eq!(query("i am д 日").unwrap(), "\"i\" \"am\"* \"д\" \"日\"*");
    }
}
