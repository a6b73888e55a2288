//! Argon2id, a few at a time and beside the runtime.

use super::AccountError;
use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;

/// What one hash costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cost {
    /// 19 MiB and two passes (OWASP Password Storage Cheat Sheet).
    Standard,
    /// Next to nothing, for tests and demonstrations.
    Least,
}

/// Hashes that run at a time: each takes a processor and 19 MiB.
const AT_A_TIME_MAX: usize = 2;
/// How long a caller waits for its turn before it is told to come later.
const TURN_WAIT: Duration = Duration::from_secs(5);

pub(super) struct Hashing {
    argon: Hasher,
    turns: Arc<Semaphore>,
    /// Checked in place of a person who does not exist, so that the answer takes as long.
    nobody: String,
}

/// Argon2id. In tests it counts what it does.
#[derive(Clone)]
struct Hasher {
    argon: Argon2<'static>,
    #[cfg(test)]
    done: Work,
}

/// What was hashed: memory in KiB and passes of each.
#[cfg(test)]
pub(super) type Work = Arc<parking_lot::Mutex<Vec<(u32, u32)>>>;

impl Hashing {
    pub(super) fn new(cost: Cost) -> Self {
        let (memory, passes) = match cost {
            Cost::Standard => (19 * 1024, 2),
            Cost::Least => (Params::MIN_M_COST, 1),
        };
        let params = Params::new(memory, passes, 1, None).expect("these parameters are in range");
        let argon = Hasher {
            argon: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            #[cfg(test)]
            done: Work::default(),
        };
        let nobody = argon.hash("nobody has this password");
        Self { argon, turns: Arc::new(Semaphore::new(AT_A_TIME_MAX)), nobody }
    }

    pub(super) async fn hash(&self, password: String) -> Result<String, AccountError> {
        let argon = self.argon.clone();
        self.in_turn(move || argon.hash(&password)).await
    }

    /// Whether it is the password of this hash; of `None` never, after the same work.
    pub(super) async fn verify(&self, password: String, hash: Option<String>) -> Result<bool, AccountError> {
        let argon = self.argon.clone();
        let exists = hash.is_some();
        let hash = hash.unwrap_or_else(|| self.nobody.clone());
        let is_right = self.in_turn(move || argon.verify(&password, &hash));
        Ok(is_right.await? && exists)
    }

    #[cfg(test)]
    pub(super) fn work(&self) -> Work {
        Arc::clone(&self.argon.done)
    }

    async fn in_turn<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, AccountError> {
        let busy = || AccountError::TooMany(TURN_WAIT.as_secs());
        let turn = Arc::clone(&self.turns).acquire_owned();
        let turn = tokio::time::timeout(TURN_WAIT, turn).await.map_err(|_| busy())?.map_err(|_| busy())?;
        let working = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(turn);
            done
        });
        working.await.map_err(|_| AccountError::Db(crate::db::DbError::Gone))
    }
}

impl Hasher {
    fn hash(&self, password: &str) -> String {
        let salt = SaltString::encode_b64(&rand::random::<[u8; 16]>()).expect("16 bytes are a salt");
        let hash =
            self.argon.hash_password(password.as_bytes(), &salt).expect("a password of any length is hashed");
        #[cfg(test)]
        self.count(&hash);
        hash.to_string()
    }

    fn verify(&self, password: &str, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else { return false };
        #[cfg(test)]
        self.count(&hash);
        self.argon.verify_password(password.as_bytes(), &hash).is_ok()
    }

    /// A check costs what the hash says that it was made with.
    #[cfg(test)]
    fn count(&self, hash: &PasswordHash<'_>) {
        let params = Params::try_from(hash).unwrap();
        self.done.lock().push((params.m_cost(), params.t_cost()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[tokio::test]
    async fn no_more_than_two_are_hashed_at_a_time() {
        let hashing = Arc::new(Hashing::new(Cost::Least));
        let counts = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let all = (0..12).map(|_| {
            let (hashing, counts) = (hashing.clone(), counts.clone());
            tokio::spawn(async move {
                let hashing_now = hashing.argon.clone();
                let work = move || {
                    let (running, most) = &*counts;
                    most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    // Gives the others time to begin, if they may.
                    std::thread::yield_now();
                    std::hint::black_box(hashing_now.hash("correct horse"));
                    running.fetch_sub(1, Ordering::SeqCst);
                    most.load(Ordering::SeqCst)
                };
                hashing.in_turn(work).await.unwrap()
            })
        });
        let most = futures_util::future::join_all(all.collect::<Vec<_>>()).await;
        assert_eq!(most.into_iter().map(Result::unwrap).max(), Some(AT_A_TIME_MAX));
    }
}
