//! Puts people into a room of a messenger that runs, past its journal: more than would care to sign up for a test of the page.
//! They are forgotten when the read model is made anew.
//!
//! ```console
//! $ cargo run -p messenger --example crowd -- FOLDER ROOM 250
//! ```

#![allow(clippy::disallowed_methods, reason = "a program reads its arguments")]

use anyhow::{Context, Result, bail};
use rusqlite::{Connection, params};
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, room, count] = arguments.as_slice() else { bail!("say where: FOLDER ROOM COUNT") };
    let mut db = Connection::open(Path::new(folder).join("messenger.db"))?;
    db.busy_timeout(Duration::from_secs(20))?;
    let tx = db.transaction()?;
    let room: Uuid = tx
        .query_row("SELECT id FROM room WHERE name = ?", [room], |row| row.get(0))
        .context("there is no such room")?;
    for number in 0..count.parse::<u32>()? {
        let (id, name) = (Uuid::now_v7(), format!("p{number:05}"));
        let person = "INSERT INTO person (id, name, folded, password, created_at) VALUES (?, ?, ?2, '', 0)";
        tx.execute(person, params![id, name])?;
        let member = "INSERT INTO member (room, person, is_owner, since, is_asked) VALUES (?, ?, 0, 1, 0)";
        tx.execute(member, params![room, id])?;
    }
    tx.commit()?;
    Ok(())
}
