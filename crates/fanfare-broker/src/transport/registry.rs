use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, LazyLock, Weak},
};

use fanfare_core::Error;
use parking_lot::Mutex;

use crate::driver::Core;

/// Which store.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Name {
    Folder(PathBuf),
    Memory(String),
}

type Slot = Arc<Mutex<Weak<Core>>>;

/// The stores that this process has open: whoever opens one a second time gets the same.
static OPEN: LazyLock<Mutex<HashMap<Name, Slot>>> = LazyLock::new(Mutex::default);

/// The store of this name with one more handle, opened if nobody has it open. Two that open the same one at once wait for each
/// other; others do not.
pub(super) fn share(name: Name, open: impl FnOnce() -> Result<Arc<Core>, Error>) -> Result<Arc<Core>, Error> {
    let slot = OPEN.lock().entry(name).or_default().clone();
    let mut known = slot.lock();
    if let Some(core) = known.upgrade().filter(|core| core.hold()) {
        return Ok(core);
    }
    let core = open()?;
    *known = Arc::downgrade(&core);
    Ok(core)
}
