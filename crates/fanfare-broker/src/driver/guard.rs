use std::thread;

use super::core::Core;

/// Lies on the stack of each thread that answers callers: if it panics, the broker ends, and nobody waits
/// for ever.
pub(crate) struct Guard<'a> {
    pub(crate) core: &'a Core,
    /// What the thread does.
    pub(crate) task: &'static str,
}

impl Drop for Guard<'_> {
    fn drop(&mut self) {
        if !thread::panicking() {
            return;
        }
        let why = format!("the thread that {} has panicked; that is a bug: start again", self.task);
        self.core.end(Some(why.clone()));
        if let Some(driver) = self.core.file() {
            driver.syncs.close(&why);
            driver.inbox.end();
            let ended = || self.core.ended();
            driver.inbox.take_rest().into_iter().for_each(|command| command.refuse(ended));
        }
    }
}
