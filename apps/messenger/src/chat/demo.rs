//! People and rooms that talk, for looking around.

use super::requests::{Create, Send, WithPerson};
use super::service::Chat;
use crate::accounts::{AccountError, Accounts};
use std::time::Duration;
use uuid::Uuid;

const PEOPLE: [&str; 4] = ["ada", "grace", "linus", "margaret"];
/// What every person of the demonstration signs in with.
pub const PASSWORD: &str = "demonstration";

const LINES: [&str; 10] = [
    "Good morning! Did the night's run finish?",
    "It did. 2,048 messages, none lost.",
    "@ada could you look at the numbers? https://example.org/numbers",
    "Looking. They are what I hoped for.",
    "Who is in for lunch at twelve?",
    "Me! The small place at the corner?",
    "@grace it is yours to choose today.",
    "Then it is noodles.",
    "I will be five minutes late, start without me.",
    "The tick beside a message means that it is on the disk, by the way.",
];

/// How often somebody says something.
const EVERY: Duration = Duration::from_secs(4);

const LOBBY: &str = "Lobby";

/// Makes people and rooms, unless they are there from an earlier start, and a task that has them talk.
pub(crate) async fn demonstrate(
    chat: &Chat,
    accounts: &Accounts,
) -> Result<impl Future<Output = ()> + use<>, String> {
    let mut people = Vec::new();
    let mut is_new = true;
    for name in PEOPLE {
        match accounts.add(name, PASSWORD.into()).await {
            Ok(person) => people.push(person.id),
            Err(AccountError::Taken) => {
                is_new = false;
                people.extend(accounts.find(name).await.map_err(|error| error.to_string())?);
            }
            Err(error) => return Err(error.to_string()),
        }
    }
    let made = if is_new { furnish(chat, &people).await.map(Some) } else { lobby(chat, &people).await };
    let room = made.map_err(|refusal| refusal.0.to_string())?;
    let chat = chat.clone();
    Ok(async move {
        let Some(room) = room else { return };
        for (number, line) in LINES.iter().cycle().enumerate() {
            tokio::time::sleep(EVERY).await;
            let by = people.get(number % people.len()).copied().unwrap_or_default();
            // Another start says the same under other names.
            say(&chat, by, room, line, &format!("{}-{number}", Uuid::now_v7())).await;
        }
    })
}

/// The lobby of an earlier start, if somebody of the demonstration is still in it.
async fn lobby(chat: &Chat, people: &[Uuid]) -> Result<Option<Uuid>, super::refusal::Refusal> {
    let Some(first) = people.first().copied() else { return Ok(None) };
    let rooms = chat.sync(first).await?.rooms;
    Ok(rooms.into_iter().find(|room| room.name == LOBBY).map(|room| room.id))
}

async fn furnish(chat: &Chat, people: &[Uuid]) -> Result<Uuid, super::refusal::Refusal> {
    let [ada, grace, linus, margaret] = people else { return Err(super::refusal::Refusal::missing()) };
    let create = |name: &str, is_public| Create { name: name.into(), is_public };
    let lobby = chat.create(*ada, create(LOBBY, true)).await?.id;
    let garden = chat.create(*grace, create("Garden", true)).await?.id;
    let engine = chat.create(*margaret, create("Engine room", false)).await?.id;
    for person in [grace, linus, margaret] {
        chat.join(*person, lobby).await?;
    }
    chat.join(*linus, garden).await?;
    chat.invite(*margaret, WithPerson { room: engine, person: *ada }).await?;
    chat.join(*ada, engine).await?;
    let direct = chat.open_direct(*ada, *grace).await?.id;
    for (number, line) in LINES.iter().enumerate() {
        let by = people.get(number % people.len()).copied().unwrap_or_default();
        say(chat, by, lobby, line, &number.to_string()).await;
    }
    say(chat, *grace, garden, "The roses are out.", "0").await;
    say(chat, *margaret, engine, "Hands off the big lever, please.", "0").await;
    say(chat, *ada, direct, "Just between us: noodles again?", "0").await;
    Ok(lobby)
}

async fn say(chat: &Chat, by: Uuid, room: Uuid, line: &str, id: &str) {
    let send = Send { room, client_id: format!("demo-{id}"), text: line.to_owned(), reply_to: None };
    if let Err(refusal) = chat.send(by, send).await {
        tracing::debug!(error = %refusal.0, "the demonstration could not say something");
    }
}
