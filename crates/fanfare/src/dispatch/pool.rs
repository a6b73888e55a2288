//! Threads for handlers that block: started when needed, gone when idle. They hold up no runtime that ends.

use std::{collections::VecDeque, time::Duration};

use crate::sync::{Condvar, Mutex, MutexGuard, global, thread};

const THREADS_MAX: usize = 512;
const IDLE: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

#[derive(Default)]
struct Pool {
    jobs: VecDeque<Job>,
    threads: usize,
    idle: usize,
}

global! {
    static POOL: Mutex<Pool> = Mutex::new(Pool { jobs: VecDeque::new(), threads: 0, idle: 0 });
}
global! {
    static ARRIVED: Condvar = Condvar::new();
}

/// Runs a job on a thread where it may take its time. Jobs beyond the most threads wait; each stands for a handler
/// that its emitter counts, so that their number is bounded by those.
pub(crate) fn spawn(job: impl FnOnce() + Send + 'static) {
    let mut pool = POOL.lock();
    pool.jobs.push_back(Box::new(job));
    if pool.idle >= pool.jobs.len() {
        ARRIVED.notify_one();
    } else if pool.threads < THREADS_MAX {
        let started = thread::Builder::new().name("fanfare-blocking".into()).spawn(work);
        pool.threads += usize::from(started.is_ok());
        assert!(pool.threads > 0, "a thread can be started for a blocking handler");
    }
}

fn work() {
    let mut pool = POOL.lock();
    loop {
        if let Some(job) = pool.jobs.pop_front() {
            MutexGuard::unlocked(&mut pool, job);
            continue;
        }
        pool.idle += 1;
        let is_over = ARRIVED.wait_for(&mut pool, IDLE).timed_out();
        pool.idle -= 1;
        if is_over && pool.jobs.is_empty() {
            pool.threads -= 1;
            return;
        }
    }
}
