use std::{sync::Weak, thread};

use super::core::Core;

/// Lies on the stack of each thread that answers callers: if it panics, the broker ends, and nobody waits
/// for ever.
pub(crate) struct Guard {
    pub(crate) core: Weak<Core>,
    /// What the thread does.
    pub(crate) task: &'static str,
}

impl Drop for Guard {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let Some(core) = self.core.upgrade() else { return };
        let why = format!("the thread that {} has panicked; that is a bug: start again", self.task);
        core.end(Some(why.clone()));
        if let Some(driver) = core.file() {
            driver.syncs.close(&why);
            driver.inbox.end();
            let ended = || core.ended();
            driver.inbox.take_rest().into_iter().for_each(|command| command.refuse(ended));
        }
    }
}
