//! The folder of the journal: nobody else may look into it.

use anyhow::{Context, Result};
use std::fs::{self, DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

/// Makes the folder of a broker that has one, and takes other people's access away.
///
/// # Errors
/// When it cannot be created or changed.
pub(super) fn prepare(broker: &str) -> Result<()> {
    let Some(folder) = broker.strip_prefix("file:") else { return Ok(()) };
    // Behind the folder its parameters may stand.
    let path = Path::new(folder.split_once('?').map_or(folder, |(path, _)| path));
    let say = |what: &str| format!("failed to {what} the data folder {}", path.display());
    DirBuilder::new().recursive(true).mode(0o700).create(path).with_context(|| say("create"))?;
    let found = fs::metadata(path).with_context(|| say("look at"))?;
    if found.permissions().mode() & 0o077 != 0 {
        tracing::warn!(path = %path.display(), "others could look into the data folder; taking their access away");
        fs::set_permissions(path, Permissions::from_mode(0o700)).with_context(|| say("make private"))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_folder_is_its_owners_alone_also_when_it_was_not() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        let broker = format!("file:{}", path.display());
        prepare(&format!("{broker}?sync=os")).unwrap();
        assert_eq!(mode(), 0o700);
        fs::set_permissions(&path, Permissions::from_mode(0o755)).unwrap();
        prepare(&broker).unwrap();
        assert_eq!(mode(), 0o700);
    }
}
