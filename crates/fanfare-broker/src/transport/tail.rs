use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use fanfare_core::{Error, Recorded, Tail, Taken, TopicFilter};

use super::{
    filter::Filter,
    timer::Timer,
    walk::{Loading, Walk, load, split},
};
use crate::driver::Core;

/// Follows the records of a filter.
pub(crate) struct LiveTail {
    core: Arc<Core>,
    place: u64,
    walk: Walk,
    loading: Option<Loading>,
    timer: Timer,
}

impl LiveTail {
    pub(crate) fn new(core: Arc<Core>, filter: TopicFilter, from: Option<u64>) -> Self {
        let from = from.unwrap_or_else(|| core.index.visible());
        let place = core.hub.place();
        Self {
            core,
            place,
            walk: Walk::new(Filter::topics(filter), from),
            loading: None,
            timer: Timer::default(),
        }
    }
}

impl Tail for LiveTail {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Arc<Recorded>>,
    ) -> Poll<Result<Taken, Error>> {
        let max = max.max(1);
        let mut is_waiting = false;
        loop {
            if let Some(loading) = &mut self.loading {
                let records = ready!(Pin::new(loading).poll(cx));
                self.loading = None;
                into.extend(records?);
                return Poll::Ready(Ok(Taken::Batch));
            }
            if self.core.is_closed() {
                return Poll::Ready(self.core.failure().map_or(Ok(Taken::Closed), Err));
            }
            let to = self.core.index.visible();
            let look = self.walk.look(&self.core, to, max, |_, _| true);
            if !look.found.is_empty() {
                match split(look.found) {
                    Ok(records) => {
                        into.extend(records);
                        return Poll::Ready(Ok(Taken::Batch));
                    }
                    Err(positions) => {
                        self.loading = Some(load(&self.core, positions));
                        continue;
                    }
                }
            }
            if !look.is_end || self.timer.poll(&self.core, cx) {
                continue;
            }
            if is_waiting {
                return Poll::Pending;
            }
            self.core.hub.wait(self.place, cx.waker());
            is_waiting = true;
        }
    }
}

impl Drop for LiveTail {
    fn drop(&mut self) {
        self.core.hub.leave(self.place);
    }
}
