//! The data folder: what is in it, and that nobody else can look.

use anyhow::{Context, Result, bail};
use ring::rand::{SecureRandom, SystemRandom};
use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder of one messenger.
#[derive(Debug)]
pub struct Folder(PathBuf);

const SECRET_LEN: usize = 32;

impl Folder {
    /// Opens the folder, creating it, and takes other people's access away.
    ///
    /// # Errors
    /// When it cannot be created or used.
    pub fn open(path: &Path) -> Result<Self> {
        make(path)?;
        Ok(Self(path.to_owned()))
    }

    /// Makes the journal's own folder, before the broker does.
    ///
    /// # Errors
    /// When it cannot be created or used.
    pub fn make_journal(&self) -> Result<PathBuf> {
        let path = self.journal();
        make(&path)?;
        Ok(path)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// The journal's own folder.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }

    /// Accounts and the read model.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        self.0.join("messenger.db")
    }

    /// The secret that signs tokens, made at the first start. Whoever deletes it ends every connection.
    ///
    /// # Errors
    /// When it cannot be read or made, or is damaged.
    pub fn secret(&self) -> Result<Vec<u8>> {
        let path = self.0.join("secret");
        let say = || format!("failed to read the secret {}", path.display());
        match File::open(&path) {
            Ok(mut file) => {
                let mut secret = Vec::new();
                file.read_to_end(&mut secret).with_context(say)?;
                if secret.len() != SECRET_LEN {
                    bail!("{} is damaged: delete it, and everybody connects anew", path.display());
                }
                private(&path, 0o600)?;
                Ok(secret)
            }
            Err(error) if error.kind() == ErrorKind::NotFound => self.new_secret(&path),
            Err(error) => Err(error).with_context(say),
        }
    }

    /// Written beside its place and moved there, so that a crash leaves a whole secret or none.
    fn new_secret(&self, path: &Path) -> Result<Vec<u8>> {
        let mut secret = vec![0; SECRET_LEN];
        SystemRandom::new()
            .fill(&mut secret)
            .map_err(|_| anyhow::anyhow!("the system gives no random numbers"))?;
        let unfinished = path.with_extension("new");
        let write = || -> std::io::Result<()> {
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
            file.write_all(&secret)?;
            file.sync_all()?;
            fs::rename(&unfinished, path)?;
            File::open(&self.0)?.sync_all()
        };
        write().with_context(|| format!("failed to write the secret {}", path.display()))?;
        Ok(secret)
    }
}

fn make(path: &Path) -> Result<()> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .with_context(|| format!("failed to create the folder {}", path.display()))?;
    private(path, 0o700)
}

fn private(path: &Path, mode: u32) -> Result<()> {
    let found = fs::metadata(path).with_context(|| format!("failed to look at {}", path.display()))?;
    if found.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could read this; taking their access away");
        fs::set_permissions(path, Permissions::from_mode(mode))
            .with_context(|| format!("failed to make {} private", path.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    fn folder_and_secret_are_their_owners_alone() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let secret = Folder::open(&path).unwrap().secret().unwrap();
        assert_eq!((mode(&path), mode(&path.join("secret")), secret.len()), (0o700, 0o600, 32));
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        fs::set_permissions(path.join("secret"), Permissions::from_mode(0o644)).unwrap();
        assert_eq!(Folder::open(&path).unwrap().secret().unwrap(), secret);
        assert_eq!((mode(&path), mode(&path.join("secret"))), (0o700, 0o600));
    }

    #[test]
    fn a_damaged_secret_says_what_to_do() {
        let parent = tempfile::tempdir().unwrap();
        fs::write(parent.path().join("secret"), "short").unwrap();
        let error = Folder::open(parent.path()).unwrap().secret().unwrap_err();
        assert!(error.to_string().contains("delete it"), "{error}");
    }
}
