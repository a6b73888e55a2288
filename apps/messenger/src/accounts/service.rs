//! What people do with their accounts.
//!
//! Ending live connections is the caller's part: it follows every method that ends sessions.

use super::attempts::Attempts;
use super::hashing::Hashing;
use super::{AccountError, Cost, Link, Listed, Notice, Person, Session, SignedIn};
use super::{is_name, people, resets, secret, sessions};
use crate::db::Db;
use crate::time;
use rusqlite::{OptionalExtension, params};
use std::net::IpAddr;
use std::sync::Arc;
use uuid::Uuid;

/// Who may sign up.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum SignUp {
    /// Everybody.
    #[default]
    Open,
    /// Who has an invitation link.
    Invitation,
    /// Nobody.
    Closed,
}

/// People's accounts. Cloning gives another handle.
#[derive(Clone)]
pub struct Accounts {
    db: Db,
    sign_up: SignUp,
    hashing: Arc<Hashing>,
    attempts: Arc<Attempts>,
}

/// How long an invitation may be used, in milliseconds: a week.
const INVITATION_LASTS_MS: i64 = 7 * 24 * 3600 * 1000;

impl Accounts {
    /// The accounts of this database.
    #[must_use]
    pub fn new(db: Db, sign_up: SignUp, cost: Cost) -> Self {
        let (hashing, attempts) = (Arc::new(Hashing::new(cost)), Arc::new(Attempts::new()));
        Self { db, sign_up, hashing, attempts }
    }

    #[cfg(test)]
    pub(super) fn hashed(&self) -> super::hashing::Work {
        self.hashing.work()
    }

    /// Who may sign up.
    #[must_use]
    pub fn sign_up_policy(&self) -> SignUp {
        self.sign_up
    }

    /// Makes sure that somebody can administer: the password of the new first administrator, to be shown once. While it
    /// was not replaced by one of their own, each start makes a new one, so that a lost one locks nobody out.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn first_admin(&self, name: &str) -> Result<Option<String>, AccountError> {
        let password = secret::password();
        let hash = self.hashing.hash(password.clone()).await?;
        let name = name.to_owned();
        let is_new = self
            .db
            .write(move |tx| {
                let others: u64 = tx.query_row(
                    "SELECT count(*) FROM person WHERE is_admin AND removed_at IS NULL AND NOT must_change",
                    [],
                    |row| row.get(0),
                )?;
                if others > 0 {
                    return Ok(false);
                }
                let waiting: Option<Uuid> = tx
                    .query_row("SELECT id FROM person WHERE is_admin AND must_change", [], |row| row.get(0))
                    .optional()?;
                match waiting {
                    Some(id) => {
                        tx.execute("UPDATE person SET password = ? WHERE id = ?", params![hash, id])?;
                        sessions::end_all(tx, id, None)?;
                    }
                    None => drop(people::insert(tx, &name, &hash, true, true)?),
                }
                Ok::<_, AccountError>(true)
            })
            .await?;
        Ok(is_new.then_some(password))
    }

    /// Signs somebody up and in.
    ///
    /// # Errors
    /// When the setting, the name or the password does not allow it.
    pub async fn sign_up(
        &self,
        name: &str,
        password: String,
        invitation: Option<String>,
        from: IpAddr,
    ) -> Result<SignedIn, AccountError> {
        self.attempts.unnamed(from)?;
        match self.sign_up {
            SignUp::Open => {}
            SignUp::Invitation if invitation.is_some() => {}
            SignUp::Invitation => return Err(AccountError::Invitation),
            SignUp::Closed => return Err(AccountError::Closed),
        }
        if !is_name(name) {
            return Err(AccountError::Name);
        }
        people::check_password(&password)?;
        let hash = self.hashing.hash(password).await?;
        let (name, must_use) = (name.to_owned(), self.sign_up == SignUp::Invitation);
        self.db
            .write(move |tx| {
                if let Some(invitation) = invitation.filter(|_| must_use) {
                    let used = tx.execute(
                        "DELETE FROM invitation WHERE token = ? AND expires_at > ?",
                        params![secret::kept(&invitation), time::now()],
                    )?;
                    if used == 0 {
                        return Err(AccountError::Invitation);
                    }
                }
                let person = people::insert(tx, &name, &hash, false, false)?;
                let token = sessions::insert(tx, person.id)?;
                let recovery = Some(people::new_recovery(tx, person.id)?);
                Ok(SignedIn { person, token, notices: Vec::new(), recovery })
            })
            .await
    }

    /// Adds a person without their asking, for the demonstration.
    pub(crate) async fn add(&self, name: &str, password: String) -> Result<Person, AccountError> {
        let hash = self.hashing.hash(password).await?;
        let name = name.to_owned();
        self.db.write(move |tx| people::insert(tx, &name, &hash, false, false)).await
    }

    /// Who has a name.
    pub(crate) async fn find(&self, name: &str) -> Result<Option<Uuid>, AccountError> {
        let name = name.to_owned();
        let found = self.db.read(move |tx| people::by_name(tx, &name).map_err(AccountError::from)).await?;
        Ok(found.map(|(person, _)| person.id))
    }

    /// Signs somebody in. Whether the name exists shows neither in the answer nor in its time.
    ///
    /// # Errors
    /// [`AccountError::Credentials`], or too many attempts for this name or from this network.
    pub async fn sign_in(
        &self,
        name: &str,
        password: String,
        from: IpAddr,
    ) -> Result<SignedIn, AccountError> {
        self.attempts.named(name, from)?;
        let wanted = name.to_owned();
        let found = self.db.read(move |tx| people::by_name(tx, &wanted).map_err(AccountError::from)).await?;
        let (person, hash) = found.unzip();
        // What nobody's password can be is not hashed at length, for no name.
        let password = if password.len() > 1024 { String::new() } else { password };
        let is_right = self.hashing.verify(password, hash.clone()).await?;
        let (Some(person), Some(hash), true) = (person, hash, is_right) else {
            return Err(AccountError::Credentials);
        };
        self.db
            .write(move |tx| {
                // The password may have been changed, or the person removed, while it was checked.
                let (person, now) = people::by_name(tx, &person.name)?.ok_or(AccountError::Credentials)?;
                if now != hash {
                    return Err(AccountError::Credentials);
                }
                let token = sessions::insert(tx, person.id)?;
                let notices = resets::notices(tx, person.id)?;
                Ok(SignedIn { person, token, notices, recovery: None })
            })
            .await
    }

    /// Who a cookie is.
    ///
    /// # Errors
    /// [`AccountError::SignedOut`].
    pub async fn session(&self, token: &str) -> Result<Session, AccountError> {
        let token = token.to_owned();
        let found = self.db.read(move |tx| sessions::find(tx, &token).map_err(AccountError::from)).await?;
        let (session, is_aging) = found.ok_or(AccountError::SignedOut)?;
        if is_aging {
            let id = session.id;
            self.db.write(move |tx| sessions::move_on(tx, id).map_err(AccountError::from)).await?;
        }
        Ok(session)
    }

    /// Whether a session may be connected: signed in still, and not removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn is_open(&self, session: i64, person: Uuid) -> Result<bool, AccountError> {
        self.db.read(move |tx| Ok(sessions::is_open(tx, session, person)?)).await
    }

    /// Ends one session.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out(&self, session: &Session) -> Result<(), AccountError> {
        let id = session.id;
        self.db.write(move |tx| Ok(sessions::end(tx, id)?)).await
    }

    /// Ends every session of a person.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sign_out_everywhere(&self, person: Uuid) -> Result<(), AccountError> {
        self.db.write(move |tx| Ok(sessions::end_all(tx, person, None)?)).await
    }

    /// Replaces a password by its person; every other session ends. Whoever has no recovery code yet is given one.
    ///
    /// # Errors
    /// A wrong current password, or one that cannot be a password.
    pub async fn change_password(
        &self,
        session: &Session,
        current: String,
        new: String,
        from: IpAddr,
    ) -> Result<Option<String>, AccountError> {
        people::check_password(&new)?;
        let old = self.checked(session, current, from).await?;
        let hash = self.hashing.hash(new).await?;
        let (id, person) = (session.id, session.person.clone());
        self.db
            .write(move |tx| {
                still(tx, &person, id, &old)?;
                people::set_password(tx, person.id, &hash)?;
                resets::cancel(tx, person.id)?;
                sessions::end_all(tx, person.id, Some(id))?;
                let has_code = people::has_recovery(tx, person.id)?;
                Ok(if has_code { None } else { Some(people::new_recovery(tx, person.id)?) })
            })
            .await
    }

    /// Another recovery code, in place of the one before.
    ///
    /// # Errors
    /// A wrong password.
    pub async fn new_recovery(
        &self,
        session: &Session,
        password: String,
        from: IpAddr,
    ) -> Result<String, AccountError> {
        let hash = self.checked(session, password, from).await?;
        let (id, person) = (session.id, session.person.clone());
        self.db
            .write(move |tx| {
                still(tx, &person, id, &hash)?;
                Ok(people::new_recovery(tx, person.id)?)
            })
            .await
    }

    /// Checks the password of whoever is signed in: its hash.
    async fn checked(
        &self,
        session: &Session,
        password: String,
        from: IpAddr,
    ) -> Result<String, AccountError> {
        self.attempts.signed_in(&session.person.name, from)?;
        let name = session.person.name.clone();
        let found = self.db.read(move |tx| people::by_name(tx, &name).map_err(AccountError::from)).await?;
        let hash = found.map(|(_, hash)| hash);
        let is_right = self.hashing.verify(password, hash.clone()).await?;
        hash.filter(|_| is_right).ok_or(AccountError::Credentials)
    }

    /// An invitation for one sign-up, and when it runs out.
    ///
    /// # Errors
    /// When the person may not invite.
    pub async fn invite(&self, by: &Person) -> Result<(String, String), AccountError> {
        if !by.is_admin && self.sign_up != SignUp::Invitation {
            return Err(AccountError::Forbidden);
        }
        let (token, expires_at, by) = (secret::token(), time::now() + INVITATION_LASTS_MS, by.id);
        let kept = secret::kept(&token);
        self.db
            .write(move |tx| {
                tx.execute("DELETE FROM invitation WHERE expires_at < ?", [time::now()])?;
                tx.execute(
                    "INSERT INTO invitation (token, by, expires_at) VALUES (?, ?, ?)",
                    params![kept, by, expires_at],
                )?;
                Ok::<_, AccountError>(())
            })
            .await?;
        Ok((token, time::text(expires_at)))
    }

    /// Everybody, for administrators.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(&self) -> Result<Vec<Listed>, AccountError> {
        self.db.read(people::list).await
    }

    /// Removes a person: nobody can sign in under that name again. Removing again changes nothing.
    ///
    /// # Errors
    /// Somebody who never was, or the last administrator.
    pub async fn remove(&self, person: Uuid) -> Result<(), AccountError> {
        self.db
            .write(move |tx| {
                if people::is_removed(tx, person)? {
                    return Ok(());
                }
                let found = people::by_id(tx, person)?.ok_or(AccountError::Unknown)?;
                if found.is_admin && people::other_admins(tx, person)? == 0 {
                    return Err(AccountError::LastAdmin);
                }
                tx.execute(
                    "UPDATE person SET removed_at = ?, password = '' WHERE id = ?",
                    params![time::now(), person],
                )?;
                tx.execute("DELETE FROM reset WHERE person = ?", [person])?;
                tx.execute("DELETE FROM notification WHERE person = ?", [person])?;
                Ok(sessions::end_all(tx, person, None)?)
            })
            .await
    }

    /// Makes or unmakes an administrator.
    ///
    /// # Errors
    /// An unknown person, or the last administrator.
    pub async fn set_admin(&self, person: Uuid, is_admin: bool) -> Result<(), AccountError> {
        self.db
            .write(move |tx| {
                people::by_id(tx, person)?.ok_or(AccountError::Unknown)?;
                if !is_admin && people::other_admins(tx, person)? == 0 {
                    return Err(AccountError::LastAdmin);
                }
                tx.execute("UPDATE person SET is_admin = ? WHERE id = ?", params![is_admin, person])?;
                Ok(())
            })
            .await
    }

    /// Starts a password reset: until when the person may complete it. Whoever starts it is given nothing to do that with.
    ///
    /// # Errors
    /// An unknown person.
    pub async fn start_reset(&self, person: Uuid, by: Uuid) -> Result<String, AccountError> {
        let expires_at = self.db.write(move |tx| resets::start(tx, person, by)).await?;
        Ok(time::text(expires_at))
    }

    /// The link of a reset, for whoever knows the name's recovery code.
    ///
    /// # Errors
    /// [`AccountError::Credentials`], whether the name, the code or the reset is missing; too many attempts.
    pub async fn prove_reset(&self, name: &str, code: String, from: IpAddr) -> Result<Link, AccountError> {
        self.attempts.named(name, from)?;
        let name = name.to_owned();
        self.db
            .write(move |tx| {
                let person = resets::proven(tx, &name, &code)?;
                resets::link(tx, person)
            })
            .await
    }

    /// The link of a reset, on a device on which its person is signed in.
    ///
    /// # Errors
    /// When no reset is open.
    pub async fn claim_reset(&self, session: &Session) -> Result<Link, AccountError> {
        let person = session.person.id;
        self.db.write(move |tx| resets::link(tx, person)).await
    }

    /// Completes a reset; every session of the person ends. Answers who it was, and their new recovery code.
    ///
    /// # Errors
    /// A link that was used, has run out or never was; a password that cannot be one.
    pub async fn complete_reset(
        &self,
        token: String,
        new: String,
        from: IpAddr,
    ) -> Result<(Uuid, String), AccountError> {
        self.attempts.unnamed(from)?;
        people::check_password(&new)?;
        let asked = token.clone();
        self.db.read(move |tx| resets::find(tx, &asked)).await?;
        let hash = self.hashing.hash(new).await?;
        self.db.write(move |tx| resets::complete(tx, &token, &hash)).await
    }

    /// The person refuses a reset.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn cancel_reset(&self, person: Uuid) -> Result<(), AccountError> {
        self.db.write(move |tx| resets::cancel(tx, person)).await
    }

    /// What happened to an account while its person was away.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notices(&self, person: Uuid) -> Result<Vec<Notice>, AccountError> {
        self.db.read(move |tx| resets::notices(tx, person)).await
    }

    /// The person has seen the notices.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notices_seen(&self, person: Uuid) -> Result<(), AccountError> {
        self.db.write(move |tx| resets::seen(tx, person)).await
    }
}

/// The password and the session may have changed while the password was checked.
fn still(
    tx: &rusqlite::Transaction<'_>,
    person: &Person,
    session: i64,
    hash: &str,
) -> Result<(), AccountError> {
    let now = people::by_name(tx, &person.name)?.map(|(_, hash)| hash);
    let is_still = now.as_deref() == Some(hash) && sessions::find_by_id(tx, session)?;
    if is_still { Ok(()) } else { Err(AccountError::Credentials) }
}

impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Accounts").field("sign_up", &self.sign_up).finish_non_exhaustive()
    }
}
