//! One connection's task.

use super::decoder::Violation;
use super::io::{Incoming, Io};
use crate::connections::Registered;
use crate::gateway::Inner;
use crate::hub::{Item, Outbox};
use crate::protocol::{Command, Disconnect, line};
use crate::session::{Done, Session, Turn};
use crate::work;
use fanfare_core::BoxFuture;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::Sleep;

pub(super) struct Connection {
    gateway: Arc<Inner>,
    registered: Registered,
    io: Io,
    session: Session,
    outbox: Arc<Outbox>,
    work: FuturesUnordered<BoxFuture<'static, Done>>,
    /// Finished, and waiting for the peer to take what was answered before.
    finished: VecDeque<Done>,
    /// One for each read whose records may be in memory.
    reads: Arc<Semaphore>,
    /// A frame whose commands are not all taken, and where the next one begins.
    frame: Option<(String, usize)>,
    turn: Turn,
    timer: Pin<Box<Sleep>>,
    /// The session's deadline that the timer stands at.
    timer_at: Duration,
    items: Vec<Item>,
}

/// How a connection ends.
enum End {
    Close(Disconnect),
    /// The peer said goodbye.
    Closed,
    /// The peer went.
    Gone,
    /// Without a word.
    Cut,
}

/// Replies that wait while the peer takes nothing; over it no command is taken any more, and no finished work answered.
const UNWRITTEN_MAX: usize = 64 * 1024;

/// Histories and recoveries that one connection has in memory before they are answered.
const READS_MAX: usize = 4;

impl Connection {
    pub(super) fn new(gateway: &Arc<Inner>, io: Io, registered: Registered) -> Self {
        let client = uuid::Uuid::new_v4().to_string();
        let session = Session::new(Arc::clone(&gateway.shared), client, rand::random(), gateway.now());
        Self {
            outbox: Arc::new(Outbox::new(gateway.settings().queued_bytes_max)),
            gateway: Arc::clone(gateway),
            registered,
            io,
            session,
            work: FuturesUnordered::new(),
            finished: VecDeque::new(),
            reads: Arc::new(Semaphore::new(READS_MAX)),
            frame: None,
            turn: Turn::default(),
            timer: Box::pin(tokio::time::sleep(Duration::ZERO)),
            timer_at: Duration::ZERO,
            items: Vec::new(),
        }
    }

    pub(super) async fn run(mut self) {
        let gateway = Arc::clone(&self.gateway);
        self.registered.begin(&self.outbox);
        let mut is_known = false;
        let end = loop {
            self.take_commands();
            if !is_known && let Some(caller) = self.session.caller() {
                is_known = true;
                let max = gateway.settings().connections_per_user_max;
                if !self.registered.identify(&caller.user, &caller.client, max) {
                    break End::Close(Disconnect::CONNECTION_LIMIT);
                }
            }
            for effect in self.turn.effects.drain(..) {
                let (outbox, reads) = (Arc::clone(&self.outbox), Arc::clone(&self.reads));
                let work = work::perform(Arc::clone(&gateway), outbox, reads, effect);
                self.work.push(Box::pin(work));
            }
            if let Some(disconnect) = self.turn.close.take() {
                break End::Close(disconnect);
            }
            if self.turn.is_cut {
                break End::Cut;
            }
            self.set_timer();
            if let Err(end) = poll_fn(|cx| self.poll(cx)).await {
                break end;
            }
        };
        let Self { mut io, mut session, turn, work, finished, registered, .. } = self;
        if let End::Close(reason) = &end {
            session.ends(reason);
        }
        // Leaves every room before the peer is waited for.
        drop((session, work, finished));
        let timeout = gateway.settings().close_timeout;
        let _ = tokio::time::timeout(timeout, finish(&mut io, turn, end)).await;
        drop(registered);
    }

    /// Whether the session goes on and the peer takes what it is answered: one command may be answered by far more bytes than
    /// it has.
    fn takes_commands(&self) -> bool {
        !self.session.is_waiting() && self.turn.replies.len() < UNWRITTEN_MAX
    }

    /// Takes the frame's commands as far as they may be taken.
    fn take_commands(&mut self) {
        let Some((frame, start)) = self.frame.take() else { return };
        let now = self.gateway.now();
        let mut start = start;
        loop {
            if !self.takes_commands() {
                self.frame = Some((frame, start));
                return;
            }
            let Some((line, next)) = line(&frame, start) else { return };
            match Command::parse(line) {
                _ if self.session.has_failed() => return,
                Ok(command) => self.session.command(command, now, &mut self.turn),
                Err(disconnect) => self.turn.close = Some(disconnect),
            }
            if self.turn.close.is_some() {
                return;
            }
            start = next;
        }
    }

    /// Looks at everything that may have happened. Ready when there is something new to act upon.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), End>> {
        let mut has_news = false;
        // What the hub queued is written at once: most turns of a busy connection are nothing but this.
        loop {
            if self.poll_write(cx).is_err() {
                return Poll::Ready(Err(End::Gone));
            }
            match self.outbox.poll_take(cx, self.io.is_blocked(), &mut self.items) {
                Poll::Ready(Err(disconnect)) => return Poll::Ready(Err(End::Close(disconnect))),
                Poll::Ready(Ok(())) => {
                    for item in self.items.drain(..) {
                        self.session.item(item, &mut self.turn);
                    }
                    self.items.shrink_to(ITEMS_KEPT);
                    if self.turn.is_to_act_upon() {
                        return Poll::Ready(Ok(()));
                    }
                }
                Poll::Pending => break,
            }
        }
        has_news |= match self.take_finished(cx) {
            Ok(has_news) => has_news,
            Err(end) => return Poll::Ready(Err(end)),
        };
        // What the peer did not take before it may have taken now.
        has_news |= self.frame.is_some() && self.takes_commands();
        if self.frame.is_none() && self.takes_commands() {
            match self.io.poll_read(cx) {
                Poll::Ready(Incoming::Message(frame)) => {
                    has_news = true;
                    self.frame = Some((frame, 0));
                }
                Poll::Ready(Incoming::Violation(violation)) => {
                    return Poll::Ready(Err(End::Close(match violation {
                        Violation::Protocol => Disconnect::PROTOCOL_ERROR,
                        Violation::NotText => Disconnect::BAD_REQUEST,
                        Violation::TooBig => Disconnect::MESSAGE_TOO_BIG,
                    })));
                }
                Poll::Ready(Incoming::Closed) => return Poll::Ready(Err(End::Closed)),
                Poll::Ready(Incoming::Gone) => return Poll::Ready(Err(End::Gone)),
                Poll::Pending => {}
            }
        }
        if self.timer.as_mut().poll(cx).is_ready() {
            has_news = true;
            self.session.tick(self.gateway.now(), &mut self.turn);
            self.timer_at = Duration::ZERO;
        }
        if has_news { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    /// Works on, and answers what is finished as far as the peer takes the answers; whether there was anything.
    fn take_finished(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        while !self.work.is_empty()
            && let Poll::Ready(Some(done)) = self.work.poll_next_unpin(cx)
        {
            self.finished.push_back(done);
        }
        if self.finished.is_empty() || self.turn.replies.len() >= UNWRITTEN_MAX {
            return Ok(false);
        }
        // A channel may have been taken away, and that answered, before the last of this was read.
        self.outbox.take_urgent(&mut self.items).map_err(End::Close)?;
        for item in self.items.drain(..) {
            self.session.item(item, &mut self.turn);
        }
        while self.turn.replies.len() < UNWRITTEN_MAX
            && let Some(done) = self.finished.pop_front()
        {
            self.session.done(done, self.gateway.now(), &mut self.turn);
        }
        Ok(true)
    }

    /// Writes what waits, as one frame, as soon as the one before it is with the kernel.
    fn poll_write(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        while let Poll::Ready(written) = self.io.poll_flush(cx) {
            written?;
            if self.turn.replies.is_empty() {
                break;
            }
            self.io.write(&self.turn.replies.take());
        }
        Ok(())
    }

    fn set_timer(&mut self) {
        let deadline = self.session.deadline();
        if deadline != self.timer_at {
            self.timer_at = deadline;
            let left = deadline.saturating_sub(self.gateway.clock.monotonic()).min(TIMER_MAX);
            self.timer.as_mut().reset(tokio::time::Instant::now() + left);
        }
    }
}

/// A deadline that is further away is looked at again then.
const TIMER_MAX: Duration = Duration::from_secs(24 * 3600);

/// Room that an idle connection keeps for items.
const ITEMS_KEPT: usize = 16;

/// Writes what is left to say and closes.
async fn finish(io: &mut Io, mut turn: Turn, end: End) {
    match end {
        End::Gone | End::Cut => {}
        End::Closed => io.answer_close().await,
        End::Close(disconnect) => {
            // Who reads too slowly has enough unread already.
            if disconnect != Disconnect::SLOW && !turn.replies.is_empty() {
                if poll_fn(|cx| io.poll_flush(cx)).await.is_err() {
                    return;
                }
                io.write(&turn.replies.take());
            }
            io.close(disconnect.code, &disconnect.reason).await;
        }
    }
}
