//! The RPCs by name; `README.md` lists what each takes and answers.

use super::Chat;
use super::access::who;
use super::refusal::Refusal;
use super::requests::*;
use fanfare_gateway::{Caller, GatewayBuilder};
use serde_json::json;

/// Gives the gateway every RPC of the chat.
pub fn register(gateway: GatewayBuilder, chat: &Chat) -> GatewayBuilder {
    macro_rules! methods {
        ($($name:literal $request:ident |$chat:ident, $who:ident, $asked:ident| $answer:expr;)*) => {
            gateway$(.rpc($name, {
                let chat = chat.clone();
                move |caller: Caller, $asked: $request| {
                    let $chat = chat.clone();
                    async move {
                        let $who = who(&caller)?;
                        Ok::<_, Refusal>($answer)
                    }
                }
            }))*
        };
    }
    methods! {
        "sync" Nothing |chat, who, _asked| chat.sync(who).await?;
        "room.create" Create |chat, who, asked| chat.create(who, asked).await?;
        "room.list" ListRooms |chat, who, asked| json!({ "rooms": chat.list_rooms(who, asked).await? });
        "room.join" InRoom |chat, who, asked| chat.join(who, asked.room).await?;
        "room.leave" InRoom |chat, who, asked| { chat.leave(who, asked.room).await?; json!({}) };
        "room.invite" WithPerson |chat, who, asked| { chat.invite(who, asked).await?; json!({}) };
        "room.decline" InRoom |chat, who, asked| { chat.decline(who, asked.room).await?; json!({}) };
        "room.kick" WithPerson |chat, who, asked| { chat.kick(who, asked).await?; json!({}) };
        "room.members" Members |chat, who, asked| chat.members(who, asked).await?;
        "dm.open" OpenDirect |chat, who, asked| chat.open_direct(who, asked.person).await?;
        "message.send" Send |chat, who, asked| chat.send(who, asked).await?;
        "message.edit" Edit |chat, who, asked| chat.edit(who, asked).await?;
        "message.delete" Delete |chat, who, asked| chat.delete(who, asked).await?;
        "reaction.add" React |chat, who, asked| chat.react(who, asked, true).await?;
        "reaction.remove" React |chat, who, asked| chat.react(who, asked, false).await?;
        "messages" Page |chat, who, asked| chat.messages(who, asked).await?;
        "history" Page |chat, who, asked| chat.history(who, asked).await?;
        "search" Search |chat, who, asked| chat.search(who, asked).await?;
        "typing" InRoom |chat, who, asked| { chat.typing(who, asked.room).await?; json!({}) };
        "read" Read |chat, who, asked| chat.mark_read(who, asked).await?;
        "people" FindPeople |chat, who, asked| json!({ "people": chat.people(who, asked).await? });
        "notifications" Notifications |chat, who, asked| chat.notifications(who, asked).await?;
        "notifications.read" Seen |chat, who, asked| chat.notifications_read(who, asked).await?;
        "attach" Nothing |_chat, _who, _asked| {
            return Err::<serde_json::Value, _>(Refusal::not_yet("attachments are not there yet"));
            #[allow(unreachable_code, reason = "gives the arm its type")]
            serde_json::Value::Null
        };
    }
}
