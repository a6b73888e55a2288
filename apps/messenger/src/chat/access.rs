//! Who asks, and whether they may.

use super::publish::Published;
use super::refusal::Refusal;
use super::service::{APPLIED_WITHIN, Chat};
use crate::accounts::Person;
use crate::limits::Bucket;
use crate::model::{self, Kind, Role, Standing};
use fanfare_gateway::Caller;
use rusqlite::Transaction;
use uuid::Uuid;

/// Who a connection is.
pub(super) fn who(caller: &Caller) -> Result<Uuid, Refusal> {
    caller.user.parse().map_err(|_| Refusal::forbidden("sign in first"))
}

/// What a member is to a room.
#[derive(Clone, Debug)]
pub(super) struct Membership {
    pub(super) kind: Kind,
    pub(super) role: Role,
}

/// Where a person stands with a room that they may know of: as a member, as somebody invited, or because it is public.
pub(super) fn standing(tx: &Transaction<'_>, room: Uuid, person: Uuid) -> Result<Standing, Refusal> {
    let found = model::standing(tx, room, person)?.ok_or_else(Refusal::missing)?;
    let is_visible = found.role.is_some() || found.is_invited || found.kind == Kind::Public;
    if is_visible { Ok(found) } else { Err(Refusal::missing()) }
}

/// What a member is to a room; everybody else is told that there is none, or that it is not theirs.
pub(super) fn membership(tx: &Transaction<'_>, room: Uuid, person: Uuid) -> Result<Membership, Refusal> {
    let found = standing(tx, room, person)?;
    let role = found.role.ok_or_else(|| Refusal::forbidden("only members may do this"))?;
    Ok(Membership { kind: found.kind, role })
}

/// Whether a person administers.
pub(super) fn is_admin(tx: &Transaction<'_>, person: Uuid) -> Result<bool, Refusal> {
    let found = tx
        .prepare_cached("SELECT is_admin AND removed_at IS NULL FROM person WHERE id = ?")?
        .query_row([person], |row| row.get(0));
    match found {
        Ok(is_admin) => Ok(is_admin),
        Err(rusqlite::Error::QueryReturnedNoRows) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Somebody who is here and was not removed.
pub(super) fn person(tx: &Transaction<'_>, id: Uuid) -> Result<Person, Refusal> {
    crate::accounts::find(tx, id)?.ok_or_else(Refusal::missing)
}

pub(super) fn take(limit: &Bucket<Uuid>, person: Uuid) -> Result<(), Refusal> {
    limit.take(&person).map_err(Refusal::too_many)
}

impl Chat {
    pub(super) async fn read<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        self.0.model.db().read(work).await
    }

    /// Waits until an event that was just published is in the model.
    pub(super) async fn applied(&self, published: Published) -> Result<Published, Refusal> {
        self.0.model.applied(&published.place, APPLIED_WITHIN).await?;
        Ok(published)
    }

    /// Carries something out to its end, also when the connection that asked for it goes away meanwhile.
    pub(super) async fn to_the_end<T, Fut>(&self, work: Fut) -> Result<T, Refusal>
    where
        T: Send + 'static,
        Fut: Future<Output = Result<T, Refusal>> + Send + 'static,
    {
        tokio::spawn(work).await.map_err(|error| Refusal::internal(&error))?
    }
}
