//! How many rooms, conversations and invitations a person has place for, and conversations that are hidden.
//!
//! ```text
//! |<---------------- ROOMS_MAX ---------------->|
//! |<-- one's own: made, joined, begun -->|<---->|  conversations that others began: ASKED_MAX at most, so that nobody
//!                                                can fill the rest for somebody else
//! ```

use super::refusal::Refusal;
use super::service::Chat;
use super::turns::{Turn, Turns};
use crate::model::{self, Space};
use rusqlite::Transaction;
use serde_json::json;
use uuid::Uuid;

/// Rooms and conversations of one person.
pub(super) const ROOMS_MAX: usize = 1_000;
/// Conversations of one person that others began.
pub(super) const ASKED_MAX: usize = 300;
/// Invitations of one person that are open.
const INVITED_MAX: usize = 100;
/// Those of them that one other has made: so it takes many to fill them.
const INVITED_BY_ONE_MAX: usize = 10;
/// Invitations into one room that are open.
const INVITED_INTO_MAX: usize = 500;

/// Whoever takes a place is in the row until that is in the model: so the limits are exact. One's own row comes before
/// another's.
#[derive(Debug, Default)]
pub(super) struct Places {
    own: Turns<Uuid>,
    asked: Turns<Uuid>,
    /// Into rooms, and of people: in this order.
    inviting: Turns<Uuid>,
    invited: Turns<Uuid>,
}

impl Chat {
    /// A place for a room or conversation of one's own. Taken as long as the answer lives.
    pub(super) async fn own_place(&self, person: Uuid) -> Result<Turn, Refusal> {
        let turn = self.0.places.own.turn(&person).await;
        let Space { all, asked, .. } = self.space(person).await?;
        if all < ROOMS_MAX && all - asked < ROOMS_MAX - ASKED_MAX {
            Ok(turn)
        } else {
            Err(Refusal::conflict(
                "you are in as many rooms and conversations as one can be; leave one first",
            ))
        }
    }

    /// A place for a conversation that somebody else begins, or brings back by writing.
    pub(super) async fn asked_place(&self, person: Uuid, is_asked: bool) -> Result<Turn, Refusal> {
        let is_full = |space: Space| space.all >= ROOMS_MAX || (is_asked && space.asked >= ASKED_MAX);
        let full = || Refusal::conflict("this person can take no more conversations");
        // Whoever would be refused anyway is not let in the row.
        if is_full(self.space(person).await?) {
            return Err(full());
        }
        let turn = self.0.places.asked.turn(&person).await;
        if is_full(self.space(person).await?) { Err(full()) } else { Ok(turn) }
    }

    /// A place for an invitation that nobody has answered yet.
    pub(super) async fn invitation_place(
        &self,
        room: Uuid,
        person: Uuid,
        by: Uuid,
    ) -> Result<(Turn, Turn), Refusal> {
        let check = async || {
            let open = self.read(move |tx| Ok(model::open_invitations(tx, room, person, by)?)).await?;
            match open {
                open if open.into_room >= INVITED_INTO_MAX => {
                    Err(Refusal::conflict("too many invitations into this room are not answered yet"))
                }
                open if open.by_one >= INVITED_BY_ONE_MAX => {
                    Err(Refusal::conflict("this person has not answered your other invitations yet"))
                }
                open if open.of_person >= INVITED_MAX => {
                    Err(Refusal::conflict("this person can take no more invitations"))
                }
                _ => Ok(()),
            }
        };
        // Whoever would be refused anyway is not let in the rows.
        check().await?;
        let turns = (self.0.places.inviting.turn(&room).await, self.0.places.invited.turn(&person).await);
        check().await.map(|()| turns)
    }

    /// Puts a conversation out of a person's sight until somebody writes there, or they open it again.
    pub(super) async fn hide(&self, room: Uuid, person: Uuid) -> Result<(), Refusal> {
        let epoch = self.epoch();
        let work = move |tx: &Transaction<'_>| Ok::<_, Refusal>(model::hide(tx, room, person, epoch)?);
        self.0.model.db().write(work).await?;
        self.0.outside.unsubscribe(person, &model::Kind::Direct.channel(room));
        self.0.outside.push([person], &json!({ "kind": "room_gone", "room": room, "why": "left" }));
        Ok(())
    }

    /// Brings a conversation that a person has hidden back to them.
    pub(super) async fn show(&self, room: Uuid, person: Uuid) -> Result<(), Refusal> {
        let work = move |tx: &Transaction<'_>| {
            let is_back = model::show(tx, room, person)?;
            if is_back && model::space(tx, person)?.all > ROOMS_MAX {
                return Err(Refusal::conflict(
                    "you are in as many rooms and conversations as one can be; leave one first",
                ));
            }
            Ok::<_, Refusal>(is_back)
        };
        if self.0.model.db().write(work).await? {
            self.tell_of_room(room, person).await;
        }
        Ok(())
    }

    async fn space(&self, person: Uuid) -> Result<Space, Refusal> {
        self.read(move |tx| Ok(model::space(tx, person)?)).await
    }
}
