//! What administrators do with people.

use super::Web;
use super::answer::{Asked, Problem};
use super::signed::Admin;
use axum::Json;
use axum::extract::{Path, State};
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

type Answer = Result<Json<Value>, Problem>;

#[derive(Deserialize)]
pub(super) struct SetAdmin {
    is_admin: bool,
}

pub(super) async fn people(State(web): State<Web>, _: Admin) -> Answer {
    Ok(Json(json!({ "people": web.accounts.list().await? })))
}

/// The account ends first, then the connections, then the rooms are left: at no point can the person come back in.
pub(super) async fn remove(State(web): State<Web>, Admin(by): Admin, Path(id): Path<Uuid>) -> Answer {
    web.accounts.remove(id).await?;
    web.chat.outside().sign_out(id);
    if let Err(error) = web.chat.take_out_of_everything(id, by.person.id).await {
        return Err(Problem::internal(&error));
    }
    Ok(Json(json!({})))
}

/// Answers with nothing that could complete it: that is the person's part.
pub(super) async fn reset(State(web): State<Web>, Admin(by): Admin, Path(id): Path<Uuid>) -> Answer {
    let expires_at = web.accounts.start_reset(id, by.person.id).await?;
    Ok(Json(json!({ "expires_at": expires_at })))
}

pub(super) async fn set_admin(
    State(web): State<Web>,
    _: Admin,
    Path(id): Path<Uuid>,
    Asked(asked): Asked<SetAdmin>,
) -> Answer {
    web.accounts.set_admin(id, asked.is_admin).await?;
    Ok(Json(json!({})))
}
