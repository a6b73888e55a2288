use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicUsize, Ordering},
        mpsc::{Receiver, Sender, channel},
    },
    thread,
};

use fanfare_core::{Error, ErrorKind, Promise, Ticket};

use super::{command::closed, core::Core, guard::Guard};
use crate::index::Source;

/// Reads of callers that wait at most; over it a read is refused as `Full`.
const READS_MAX: usize = 1024;

type Job = Box<dyn FnOnce(&Source) + Send>;

/// The thread that reads what is not in memory. Consumers and tails have one read under way at most, each;
/// the others' are counted.
#[derive(Clone)]
pub(crate) struct ReadThread {
    jobs: Sender<Job>,
    /// Callers' reads that wait.
    waiting: Arc<AtomicUsize>,
}

impl ReadThread {
    /// One that was not started, and what it is to do.
    pub(crate) fn new() -> (Self, Jobs) {
        let (jobs, receiver) = channel();
        (Self { jobs, waiting: Arc::default() }, Jobs(receiver))
    }

    /// Reads for one that waits for it before it reads again.
    pub(crate) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Ticket<T> {
        let (promise, ticket) = Ticket::pair();
        let job: Job = Box::new(move |source| promise.fulfil(job(source)));
        if self.jobs.send(job).is_err() {
            return Ticket::ready(Err(closed()));
        }
        ticket
    }

    /// Reads for an operator, to whom the answer was promised.
    pub(crate) fn read_for<T: Send + 'static>(
        &self,
        promise: Promise<T>,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) {
        // Dropped, the promise says that the transport has ended.
        drop(self.jobs.send(Box::new(move |source| promise.fulfil(job(source)))));
    }

    /// Reads for a caller, who may have asked for much at once.
    pub(crate) fn try_read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Ticket<T> {
        if self.waiting.fetch_add(1, Ordering::Relaxed) >= READS_MAX {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            let text = "read the journal: too many reads wait already; read it later";
            return Ticket::ready(Err(Error::new(ErrorKind::Full, text)));
        }
        let waiting = self.waiting.clone();
        self.read(move |source| {
            waiting.fetch_sub(1, Ordering::Relaxed);
            job(source)
        })
    }
}

/// What is asked of a [`ReadThread`].
pub(crate) struct Jobs(Receiver<Job>);

impl Jobs {
    /// Starts the thread; it ends with the last who can ask.
    pub(crate) fn start(self, source: Source, core: Weak<Core>) -> Result<(), Error> {
        let run = move || {
            let _guard = Guard { core, task: "reads" };
            self.0.into_iter().for_each(|job| job(&source));
        };
        let started = thread::Builder::new().name("fanfare-read".into()).spawn(run);
        started.map(drop).map_err(|error| Error::new(ErrorKind::Io, "start a thread").because(error))
    }
}

#[cfg(test)]
mod tests {
    use std::{
        future::Future,
        pin::pin,
        sync::{Weak, mpsc},
        task,
    };

    use fanfare_core::{Epoch, ErrorKind, Ticket};

    use super::{READS_MAX, ReadThread};
    use crate::index::{Index, Source};

    /// Waits for an answer without a runtime.
    fn answer(ticket: Ticket<usize>) -> Result<usize, ErrorKind> {
        let mut ticket = pin!(ticket);
        let mut cx = task::Context::from_waker(task::Waker::noop());
        loop {
            if let task::Poll::Ready(answer) = ticket.as_mut().poll(&mut cx) {
                return answer.map_err(|error| error.kind());
            }
            std::thread::yield_now();
        }
    }

    #[test]
    fn over_the_limit_callers_reads_are_refused_and_consumers_go_on() {
        let source = Source { index: Index::new().into(), reader: None, epoch: Epoch(1) };
        let (thread, jobs) = ReadThread::new();
        jobs.start(source, Weak::new()).unwrap();
        let (go, gone) = mpsc::channel::<()>();
        let (begin, begun) = mpsc::channel();
        let first = thread.try_read(move |_| {
            begin.send(()).unwrap();
            Ok(gone.recv().map_or(0, |()| 0))
        });
        begun.recv().unwrap();
        let waiting: Vec<_> = (0..READS_MAX).map(|n| thread.try_read(move |_| Ok(n))).collect();
        assert_eq!(answer(thread.try_read(|_| Ok(0))), Err(ErrorKind::Full));
        let consumer = thread.read(|_| Ok(7));
        go.send(()).unwrap();
        assert_eq!(answer(first), Ok(0));
        assert!(waiting.into_iter().enumerate().all(|(n, ticket)| answer(ticket) == Ok(n)));
        assert_eq!(answer(consumer), Ok(7));
        assert_eq!(answer(thread.try_read(|_| Ok(8))), Ok(8));
    }
}
