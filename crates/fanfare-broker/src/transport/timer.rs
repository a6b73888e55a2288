use std::{
    task::{Context, Poll},
    time::Duration,
};

use fanfare_core::{BoxFuture, Timestamp};

use crate::driver::Core;

/// In memory nobody but those who wait looks at the clock: each wakes itself when a delayed event is due.
#[derive(Default)]
pub(crate) struct Timer(Option<(Timestamp, BoxFuture<'static, ()>)>);

impl Timer {
    /// Publishes what is due, and makes sure that the caller is woken when the next one is. `true`: look
    /// again.
    pub(crate) fn poll(&mut self, core: &Core, cx: &mut Context<'_>) -> bool {
        if !core.is_memory() {
            return false;
        }
        let Some(due) = core.next_due() else {
            self.0 = None;
            return false;
        };
        let now = core.clock.now();
        if due <= now {
            core.tick();
            return true;
        }
        if self.0.as_ref().is_none_or(|(known, _)| *known != due) {
            let wait = Duration::try_from(due.duration_since(now)).unwrap_or_default();
            // A timer may count in milliseconds: not before it is due.
            let wait = wait + Duration::from_millis(1);
            self.0 = Some((due, core.clock.sleep(wait)));
        }
        let Some((_, sleep)) = &mut self.0 else { return false };
        match sleep.as_mut().poll(cx) {
            Poll::Ready(()) => {
                self.0 = None;
                true
            }
            Poll::Pending => false,
        }
    }
}
