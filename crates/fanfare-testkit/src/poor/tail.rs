//! Follows records live.

use std::{
    sync::Arc,
    task::{Context, Poll},
};

use fanfare_core::{Error, Recorded, Tail, Taken, TopicFilter};

use super::store::Store;

/// A reader without a group.
pub(super) struct PoorTail {
    pub(super) store: Arc<Store>,
    pub(super) filter: TopicFilter,
    pub(super) next: usize,
}

impl Tail for PoorTail {
    fn poll_next(
        &mut self,
        cx: &mut Context<'_>,
        max: usize,
        into: &mut Vec<Arc<Recorded>>,
    ) -> Poll<Result<Taken, Error>> {
        let mut state = self.store.state.lock();
        if state.is_closed {
            return Poll::Ready(Ok(Taken::Closed));
        }
        let before = into.len();
        while let Some(record) = state.records.get(self.next).filter(|_| into.len() - before < max) {
            self.next += 1;
            if self.filter.matches(record.message.topic.as_str()) {
                into.push(record.clone());
            }
        }
        if into.len() > before {
            return Poll::Ready(Ok(Taken::Batch));
        }
        state.waiting.push(cx.waker().clone());
        Poll::Pending
    }
}
