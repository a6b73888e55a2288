use std::{
    sync::mpsc::{Receiver, Sender, channel},
    thread,
};

use fanfare_core::{Error, ErrorKind, Ticket};

use super::command::closed;
use crate::index::Source;

type Job = Box<dyn FnOnce(&Source) + Send>;

/// The thread that reads what is not in memory. Each reader has one read under way at most, so that the
/// queue is as long as there are readers.
pub(crate) struct ReadThread(Sender<Job>);

impl ReadThread {
    /// Starts it; it ends with the last sender.
    pub(crate) fn start(source: Source) -> Result<Self, Error> {
        let (sender, jobs): (Sender<Job>, Receiver<Job>) = channel();
        let run = move || jobs.into_iter().for_each(|job| job(&source));
        let started = thread::Builder::new().name("fanfare-read".into()).spawn(run);
        started.map_err(|error| Error::new(ErrorKind::Io, "start a thread").because(error))?;
        Ok(Self(sender))
    }

    pub(crate) fn read<T: Send + 'static>(
        &self,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Ticket<T> {
        let (promise, ticket) = Ticket::pair();
        let job: Job = Box::new(move |source| promise.fulfil(job(source)));
        if self.0.send(job).is_err() {
            return Ticket::ready(Err(closed()));
        }
        ticket
    }
}
