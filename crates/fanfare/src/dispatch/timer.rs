//! Time from the operating system, on any executor: one thread wakes whoever sleeps.
#![allow(clippy::disallowed_methods, reason = "the driver of the Clock port")]

use std::{
    collections::BTreeMap,
    fmt,
    future::poll_fn,
    sync::{Arc, OnceLock, Weak},
    task::{Poll, Waker},
    time::{Duration, Instant},
};

use fanfare_core::{BoxFuture, Clock};
use jiff::Timestamp;

use crate::sync::{Condvar, Mutex, now, thread};

/// A clock whose sleeps are woken by a thread that starts with the first of them and ends with the clock.
#[derive(Default)]
pub(crate) struct ThreadClock {
    started: OnceLock<Instant>,
    timer: Arc<Timer>,
}

#[derive(Default)]
struct Timer {
    sleepers: Mutex<Sleepers>,
    changed: Condvar,
}

#[derive(Default)]
struct Sleepers {
    last: u64,
    due: BTreeMap<(Instant, u64), Waker>,
    has_thread: bool,
    is_over: bool,
}

impl ThreadClock {
    fn started(&self) -> Instant {
        *self.started.get_or_init(now)
    }
}

impl Clock for ThreadClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn monotonic(&self) -> Duration {
        now().saturating_duration_since(self.started())
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let Some(due) = now().checked_add(duration) else { return Box::pin(std::future::pending()) };
        let mut sleep = Sleep { timer: self.timer.clone(), due, number: None };
        Box::pin(poll_fn(move |cx| sleep.poll(cx.waker())))
    }
}

struct Sleep {
    timer: Arc<Timer>,
    due: Instant,
    number: Option<u64>,
}

impl Sleep {
    fn poll(&mut self, waker: &Waker) -> Poll<()> {
        if now() >= self.due {
            return Poll::Ready(());
        }
        let mut sleepers = self.timer.sleepers.lock();
        if !sleepers.has_thread {
            start(&self.timer);
            sleepers.has_thread = true;
        }
        let number = *self.number.get_or_insert_with(|| {
            sleepers.last += 1;
            sleepers.last
        });
        let is_first = sleepers.due.first_key_value().is_none_or(|(first, _)| (self.due, number) < *first);
        sleepers.due.insert((self.due, number), waker.clone());
        drop(sleepers);
        if is_first {
            self.timer.changed.notify_one();
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(number) = self.number {
            self.timer.sleepers.lock().due.remove(&(self.due, number));
        }
    }
}

fn start(timer: &Arc<Timer>) {
    let timer = Arc::downgrade(timer);
    let run = move || run(&timer);
    thread::Builder::new().name("fanfare-timer".into()).spawn(run).expect("a thread can be started");
}

/// The thread: it holds the timer only while it looks, so that the clock's end is its own.
fn run(timer: &Weak<Timer>) {
    while let Some(timer) = timer.upgrade() {
        let mut sleepers = timer.sleepers.lock();
        if sleepers.is_over {
            return;
        }
        let now = now();
        let later = sleepers.due.split_off(&(now, u64::MAX));
        let due = std::mem::replace(&mut sleepers.due, later);
        if due.is_empty() {
            let next = sleepers.due.first_key_value().map(|((due, _), _)| *due);
            let wait = next.map_or(IDLE, |next| next.saturating_duration_since(now).min(IDLE));
            timer.changed.wait_for(&mut sleepers, wait);
        }
        drop(sleepers);
        due.into_values().for_each(Waker::wake);
    }
}

/// How long the thread waits at most before it looks whether its clock is gone.
const IDLE: Duration = Duration::from_secs(1);

impl Drop for ThreadClock {
    fn drop(&mut self) {
        self.timer.sleepers.lock().is_over = true;
        self.timer.changed.notify_one();
    }
}

impl fmt::Debug for ThreadClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ThreadClock")
    }
}
