use std::{sync::Arc, time::Duration};

use fanfare_core::{
    Durability, Error, ErrorKind, GroupName, Plan, PlanReport, Promise, Refusal, Refusals, Settle, Timestamp,
    Token,
};

use super::{
    answer::Answer,
    command::{BATCH_MAX, Command, merge, outputs_size_max, refuse_all},
    hub::Hub,
    looking::{dead_letters, position_of, recorded_at, status_of},
    reader::ReadThread,
    seats::Seats,
    store::Store,
};
use crate::{
    bugs::{Bug, has_bug},
    index::Source,
    journal::{BatchBuf, Lsn},
    machine::{DeadEntry, Machine, Reopened},
    storage::Class,
};

/// Delayed events that are published in one batch.
const DUE_MAX: usize = 1024;
/// Dead letters that are answered at once.
const DEAD_LETTERS_MAX: usize = 256;
/// Bytes of a batch from which it is written although more waits.
const DRAIN_MAX: usize = 40 << 10;
/// Publishes that are looked at before the first of them is applied: the processor fetches what they lead to at
/// the same time instead of one after the other.
const AHEAD: usize = 16;
/// How often the journal hears how long the store has been open.
const CLOCK_EVERY_MS: u64 = 1000;

/// The state machine, the batch it fills, and the answers that wait for it.
pub(crate) struct Engine {
    pub(crate) machine: Machine,
    pub(crate) store: Store,
    pub(crate) source: Source,
    /// Who reads what is not in memory; `None`: everything is.
    reads: Option<ReadThread>,
    hub: Arc<Hub>,
    seats: Seats,
    durability: Durability,
    out: BatchBuf,
    /// In memory: for how much there is room.
    room: Option<Room>,
    /// What is answered when the batch is written.
    written: Vec<Answer>,
    /// What is answered when it is as durable as the policy says.
    durable: Vec<Answer>,
    open_ms_before: u64,
    opened_at: Duration,
    is_due_refused: bool,
    is_closing: bool,
}

/// A batch that was written.
pub(crate) struct Written {
    /// Where the journal ends behind it.
    pub(crate) end: Lsn,
    /// Up to which position events are in it.
    pub(crate) position: u64,
    /// What is answered once it is durable.
    pub(crate) durable: Vec<Answer>,
}

/// Bytes of events for which there is room in memory.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Room {
    pub(crate) now: u64,
    /// Once the groups have done all they can.
    pub(crate) at_most: u64,
}

impl Room {
    fn refuse(self, bytes: u64) -> NoRoom {
        let (kind, why) = if bytes <= self.at_most {
            let why = "what groups still need fills the memory; try it later, or keep it in files";
            (ErrorKind::Busy, why)
        } else {
            let why = "the memory is full of dead letters and of what waits behind held keys, or too small; \
                       redrive or discard some, or keep it in files";
            (ErrorKind::Full, why)
        };
        NoRoom { kind, why: why.into() }
    }
}

/// Why there is no room for events.
struct NoRoom {
    kind: ErrorKind,
    why: String,
}

impl NoRoom {
    fn error(&self) -> Error {
        Error::new(self.kind, self.why.clone())
    }
}

impl Engine {
    pub(crate) fn new(
        machine: Machine,
        store: Store,
        source: Source,
        hub: Arc<Hub>,
        durability: Durability,
        opened_at: Duration,
    ) -> Self {
        Self {
            open_ms_before: machine.open_ms(),
            machine,
            store,
            source,
            reads: None,
            hub,
            seats: Seats::default(),
            durability,
            out: BatchBuf::new(),
            room: None,
            written: Vec::new(),
            durable: Vec::new(),
            opened_at,
            is_due_refused: false,
            is_closing: false,
        }
    }

    pub(crate) fn hub(&self) -> Arc<Hub> {
        self.hub.clone()
    }

    /// Lets this thread read for operators, from now on.
    pub(crate) fn read_in(&mut self, reads: ReadThread) {
        self.reads = Some(reads);
    }

    /// Whether there was no space for what is due, when something was last.
    pub(crate) fn is_due_refused(&self) -> bool {
        self.is_due_refused
    }

    /// Whether a command asked for the end.
    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing
    }

    /// Takes no more bytes of events than this, from now on.
    pub(crate) fn set_room(&mut self, room: Room) {
        self.room = Some(room);
    }

    /// Applies the first commands, as many as belong into one batch, and publishes what is due.
    /// [`Engine::write`] makes it count; then it goes on with the rest.
    ///
    /// # Errors
    /// `Full`: not even bookkeeping has space; the commands are left as they were.
    pub(crate) fn apply(
        &mut self,
        commands: &mut Vec<Command>,
        now: Timestamp,
        monotonic: Duration,
    ) -> Result<(), Error> {
        let (mut events, mut rest, mut count) = (0, 512 + self.out.len() as u64, 0);
        for command in commands.iter() {
            let (more_events, more) = command.size_max();
            if count > 0 && events + more_events > BATCH_MAX {
                break;
            }
            events += more_events;
            rest += more;
            count += 1;
        }
        let is_due = self.machine.next_due().is_some_and(|due| due <= now);
        let mut full = None;
        if events > 0 || is_due {
            let due = if is_due { self.machine.due_bytes(DUE_MAX) } else { 0 };
            full = self.prepare(events + due + rest, Class::Event)?;
        }
        if (full.is_some() || (events == 0 && !is_due)) && !commands.is_empty() {
            self.store.prepare(rest, Class::Bookkeeping)?;
        }
        self.clock(commands.is_empty(), monotonic);
        if events > 0
            && let Some(room) = self.room.filter(|room| room.now < events)
        {
            full = Some(room.refuse(events));
        }
        // What is due had its room in memory all the time.
        self.is_due_refused = is_due && full.is_some() && self.room.is_none();
        if is_due && !self.is_due_refused {
            self.machine.publish_due(&mut self.out, now, DUE_MAX);
        }
        let mut commands = commands.drain(..count);
        for at in 0..count {
            if count > 1 && at.is_multiple_of(AHEAD) {
                let ahead = commands.as_slice().iter().take(AHEAD);
                ahead.filter_map(Command::draft).for_each(|draft| self.machine.look_at(draft));
            }
            if let Some(command) = commands.next() {
                self.apply_one(command, full.as_ref(), now);
            }
        }
        Ok(())
    }

    /// Whether something was applied that is not written.
    pub(crate) fn has_pending(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether more may be applied before the write: nobody waits for the write alone, and it is not large.
    pub(crate) fn takes_more(&self) -> bool {
        !self.is_closing && self.written.is_empty() && self.out.len() < DRAIN_MAX
    }

    /// Whether there is somebody whose attempts and settlements cannot wait for a sync.
    pub(crate) fn has_consumers(&self) -> bool {
        !self.seats.is_empty()
    }

    /// `Some`: no space for events, and why.
    fn prepare(&mut self, len: u64, class: Class) -> Result<Option<NoRoom>, Error> {
        match self.store.prepare(len, class) {
            Ok(()) => Ok(None),
            Err(error) if error.kind() == ErrorKind::Full => {
                Ok(Some(NoRoom { kind: ErrorKind::Full, why: error.to_string() }))
            }
            Err(error) => Err(error),
        }
    }

    fn clock(&mut self, is_idle: bool, monotonic: Duration) {
        let open = monotonic.saturating_sub(self.opened_at).as_millis() as u64 + self.open_ms_before;
        if !is_idle && open >= self.machine.open_ms() + CLOCK_EVERY_MS {
            self.machine.clock(&mut self.out, open);
        }
    }

    /// Writes what was applied, answers what needs no more than that, and hands out the rest.
    ///
    /// # Errors
    /// Nothing can be written any more; nobody was answered.
    pub(crate) fn write(&mut self) -> Result<Written, Error> {
        self.flush()?;
        self.written.drain(..).for_each(Answer::give);
        Ok(Written {
            end: self.store.end(),
            position: self.machine.end(),
            durable: std::mem::take(&mut self.durable),
        })
    }

    /// Takes back the vector of a batch whose answers are given, or handed over.
    pub(crate) fn recycle(&mut self, written: Written) {
        if self.durable.is_empty() && written.durable.is_empty() {
            self.durable = written.durable;
        }
    }

    /// Fails everything that waits.
    pub(crate) fn fail(&mut self, why: &str) {
        self.written.drain(..).chain(self.durable.drain(..)).for_each(|answer| answer.fail(why));
    }

    fn apply_one(&mut self, command: Command, full: Option<&NoRoom>, now: Timestamp) {
        let out = &mut self.out;
        match command {
            Command::Publish { draft, promise, .. } => {
                let answer = match full {
                    Some(why) => Err(draft.reject(why.error())),
                    None => self.machine.publish(out, draft, self.durability, now),
                };
                self.published(Answer::Receipt(promise, answer), full.is_some());
            }
            Command::Submit { batch, is_atomic, refused, promise, .. } => {
                let answer = match full {
                    Some(why) => refuse_all(batch, || why.error()),
                    None => self.machine.submit(out, batch, is_atomic, self.durability, now),
                };
                self.published(Answer::Receipts(promise, merge(answer, refused)), full.is_some());
            }
            Command::Begin { group, lease, tokens, promise } => {
                let answer = self.machine.begin(out, group, lease, &tokens);
                self.written.push(Answer::Units(promise, answer));
            }
            Command::Settle { group, lease, batch, promise } => {
                let answer = self.settle(group, lease, batch, full, now);
                self.written.push(Answer::Units(promise, answer));
            }
            Command::Join { group, seat, promise } => {
                let answer = self.machine.group_id(&group).map(|id| {
                    self.seats.arrive(id, seat);
                    self.seat_next(id);
                    (id, self.machine.held(id))
                });
                self.written.push(Answer::of(promise, answer));
            }
            Command::Leave { seat } => {
                if let Some((group, lease)) = self.seats.leave(seat) {
                    self.machine.leave(out, group, lease);
                    self.seat_next(group);
                }
            }
            Command::Resume { group, key, promise } => {
                let answer = self.machine.resume(out, group, &key);
                let answer = answer.map(|reopened| (reopened.positions.len() as u64, reopened));
                let answer = self.reopened(group, answer);
                self.written.push(Answer::of(promise, answer));
            }
            Command::Plan { plan, promise } => {
                let answer = self.plan(&plan);
                self.durable.push(Answer::of(promise, Ok(answer)));
            }
            Command::Groups { promise } => {
                let standings = self.machine.standings();
                let statuses = |source: &Source| {
                    Ok(standings.into_iter().map(|standing| status_of(source, standing)).collect())
                };
                let answer = self.read_for(promise, statuses);
                self.written.push(answer);
            }
            Command::DeadLetters { group, from, max, promise } => {
                let answer = match self.dead(&group, from, max) {
                    Ok(dead) => self.read_for(promise, |source| dead_letters(source, dead)),
                    Err(error) => Answer::of(promise, Err(error)),
                };
                self.written.push(answer);
            }
            Command::Redrive { group, which, promise } => {
                let answer = self.reopen(&group, |machine, out, id| machine.redrive(out, id, &which));
                self.durable.push(Answer::of(promise, answer));
            }
            Command::Discard { group, which, promise } => {
                let answer = self.reopen(&group, |machine, out, id| machine.discard(out, id, &which));
                self.durable.push(Answer::of(promise, answer));
            }
            Command::Delete { group, promise } => {
                let id = self.machine.group_id(&group);
                let answer = id.and_then(|id| self.machine.delete(out, id));
                self.durable.push(Answer::of(promise, answer));
            }
            Command::Close { promise } => {
                for (group, lease) in self.seats.active() {
                    self.machine.leave(out, group, lease);
                }
                self.seats = Seats::default();
                self.is_closing = true;
                self.durable.push(Answer::of(promise, Ok(())));
            }
        }
    }

    /// The answer to a publish; a refusal waits for no sync.
    fn published(&mut self, answer: Answer, is_refused: bool) {
        if is_refused || has_bug(Bug::AckBeforeSync) {
            self.written.push(answer);
        } else {
            self.durable.push(answer);
        }
    }

    /// An answer for which records may have to be read, which nobody else waits for.
    fn read_for<T: Send + 'static>(
        &self,
        promise: Promise<T>,
        job: impl FnOnce(&Source) -> Result<T, Error> + Send + 'static,
    ) -> Answer {
        let Some(reads) = self.reads.clone() else {
            return Answer::of(promise, job(&self.source));
        };
        Answer::Other(Box::new(move |outcome| match outcome {
            Ok(()) => reads.read_for(promise, job),
            Err(error) => promise.fulfil(Err(error)),
        }))
    }

    fn seat_next(&mut self, group: u32) {
        if let Some(seat) = self.seats.next(group)
            && let Some(joined) = self.machine.join(group)
        {
            self.seats.activate(group, seat, joined, &self.hub);
        }
    }

    /// Settles; what has more outputs than there may be, or space for, is refused alone.
    fn settle(
        &mut self,
        group: u32,
        lease: u64,
        batch: Vec<(Token, Settle)>,
        full: Option<&NoRoom>,
        now: Timestamp,
    ) -> Vec<Result<(), Error>> {
        let outputs: u64 = batch.iter().map(|(_, settle)| outputs_size_max(settle)).sum();
        if outputs == 0 || (full.is_none() && self.out.len() as u64 + outputs <= BATCH_MAX) {
            return self.machine.settle(&mut self.out, group, lease, batch, now);
        }
        let mut answers = Vec::with_capacity(batch.len());
        let mut run = Vec::new();
        let mut size = self.out.len() as u64;
        for (token, settle) in batch {
            let outputs = outputs_size_max(&settle);
            let mut refusal = full.filter(|_| outputs > 0).map(|why| why.error());
            if outputs > BATCH_MAX {
                let text = "publish what a handler returned: it is more than 64 MiB";
                refusal = Some(Error::new(ErrorKind::TooLarge, text));
            }
            let is_too_much = outputs > 0 && size + outputs > BATCH_MAX;
            if refusal.is_some() || is_too_much {
                let settled = std::mem::take(&mut run);
                answers.extend(self.machine.settle(&mut self.out, group, lease, settled, now));
            }
            if refusal.is_none() && is_too_much {
                refusal = self.flush().err();
                size = self.out.len() as u64;
            }
            match refusal {
                Some(error) => answers.push(Err(error)),
                None => {
                    size += outputs;
                    run.push((token, settle));
                }
            }
        }
        answers.extend(self.machine.settle(&mut self.out, group, lease, run, now));
        answers
    }

    fn reopen(
        &mut self,
        group: &GroupName,
        change: impl FnOnce(&mut Machine, &mut BatchBuf, u32) -> Result<(u64, Reopened), Error>,
    ) -> Result<u64, Error> {
        let id = self.machine.group_id(group)?;
        let answer = change(&mut self.machine, &mut self.out, id);
        self.reopened(id, answer)
    }

    fn reopened(&self, group: u32, answer: Result<(u64, Reopened), Error>) -> Result<u64, Error> {
        let (count, reopened) = answer?;
        self.seats.tell(group, reopened, &self.hub);
        Ok(count)
    }

    fn plan(&mut self, plan: &Plan) -> Result<PlanReport, Refusals> {
        // The index has to have seen every event, those of this batch too.
        if let Err(error) = self.flush() {
            return Err(Refusals(vec![Refusal::new(error.to_string())]));
        }
        let source = self.source.clone();
        let end = self.machine.end();
        let mut report = self.machine.plan(&mut self.out, plan, |start| position_of(&source, end, start))?;
        for start in &mut report.groups {
            let group = self.machine.group_id(&start.name).ok().and_then(|id| self.machine.group(id));
            let oldest = group.filter(|group| group.lag > 0);
            let oldest = oldest.and_then(|group| self.machine.oldest_unsettled(group));
            start.oldest = oldest.and_then(|position| recorded_at(&self.source, position));
        }
        Ok(report)
    }

    /// Writes what this batch holds so far; its answers still wait.
    fn flush(&mut self) -> Result<(), Error> {
        if !self.out.is_empty() {
            let class = if self.machine.has_fresh() { Class::Event } else { Class::Bookkeeping };
            let lsn = self.store.append(&mut self.out, class)?;
            self.machine.publish_index(lsn);
            self.out.clear();
        }
        Ok(())
    }

    /// A group's dead letters from a position on, not more than are answered at once.
    fn dead(&self, group: &GroupName, from: u64, max: usize) -> Result<Vec<(u64, DeadEntry)>, Error> {
        let id = self.machine.group_id(group)?;
        let Some(group) = self.machine.group(id) else { return Ok(Vec::new()) };
        let dead = group.dead.range(from..).take(max.min(DEAD_LETTERS_MAX));
        Ok(dead.map(|(position, dead)| (*position, dead.clone())).collect())
    }
}
