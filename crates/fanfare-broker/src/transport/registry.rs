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

/// The store of this name, opened if nobody has it open. Two that open the same one at once wait for each
/// other; others do not.
pub(super) fn share(
    name: Name,
    open: impl FnOnce() -> Result<Arc<Core>, Error>,
    hold: impl FnOnce(&Arc<Core>),
) -> Result<Arc<Core>, Error> {
    let slot = OPEN.lock().entry(name).or_default().clone();
    let mut known = slot.lock();
    let core = match known.upgrade().filter(|core| !core.is_ending()) {
        Some(core) => core,
        None => {
            let core = open()?;
            *known = Arc::downgrade(&core);
            core
        }
    };
    hold(&core);
    Ok(core)
}
