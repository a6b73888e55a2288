use std::{collections::BTreeMap, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use fanfare_core::{
    AttemptRecord, Durability, Error, ErrorKind, EventId, GroupName, GroupSpec, Message, Metadata, Outgoing,
    Plan, PlannedGroup, Promise, Settle, Ticket, Timestamp, Token, Topic, TopicFilter,
};

use fanfare_testkit::Still;

use super::judge::{End, Judge, Work};
use crate::{
    driver::{
        Answer, Command, Engine, Last, Mail, Policy, Receipts, Seat, Started, Store, outgoing_size_max,
        start, state_at,
    },
    machine::Limits,
    storage::{
        Storage,
        file::{Options, open_on},
    },
    testing::{FaultDisk, Rng},
};

const LIVES: u32 = 6;
const LIMITS: Limits = Limits {
    message_max: 1 << 20,
    window_max: 1000,
    scheduled_max: 100,
    scheduled_bytes_max: 1 << 20,
    held_records_max: 1 << 20,
    dead_letters_max: 1 << 20,
};

/// Lives a few lives on one disk. `Err` says what was wrong.
pub(super) fn run(seed: u64) -> Result<(), String> {
    let mut rng = Rng::new(seed);
    let disk = FaultDisk::new(rng.next_u64());
    let mut story =
        Story { disk, rng, judge: Judge::default(), number: 0, now: 0, end: End::First, is_judged: false };
    for life in 0..LIVES {
        story.live().map_err(|wrong| format!("life {life}, after {:?}: {wrong}", story.end))?;
    }
    Ok(())
}

struct Story {
    disk: FaultDisk,
    rng: Rng,
    judge: Judge,
    /// Of the last event.
    number: u64,
    now: i64,
    end: End,
    /// Whether this life's start was judged.
    is_judged: bool,
}

/// A process that runs.
struct Life {
    engine: Engine,
    last: Option<Last>,
    lease: u64,
    group: u32,
    /// Publishes without an answer yet.
    published: Vec<(u64, Ticket<Receipts>)>,
    /// The same of delayed events, by id.
    delayed: Vec<(String, Ticket<Receipts>)>,
    /// Answers that wait for a sync.
    durable: Vec<Answer>,
    /// Begun in this life, with their tokens.
    running: BTreeMap<u64, Token>,
}

impl Story {
    fn live(&mut self) -> Result<(), String> {
        self.is_judged = false;
        if self.rng.percent(15) {
            self.disk.stop_after(self.rng.below(25));
        }
        let mut life = match self.open() {
            Ok(started) => {
                self.judge.judge(&started, 1, self.end)?;
                self.is_judged = true;
                match self.join(started) {
                    Ok(life) => life,
                    Err(_) if self.disk.is_stopped() => return self.crash(None),
                    Err(error) => return Err(format!("could not join: {error}")),
                }
            }
            Err(_) if self.disk.is_stopped() => return self.crash(None),
            Err(error) => return Err(format!("open refused: {error}")),
        };
        if self.rng.percent(50) {
            self.disk.stop_after(self.rng.below(60));
        }
        for _ in 0..self.rng.below(60) {
            if let Err(error) = self.step(&mut life) {
                match error {
                    Wrong::Engine(_) if self.disk.is_stopped() => break,
                    Wrong::Engine(error) => return Err(format!("unexpected failure: {error}")),
                    Wrong::Judged(wrong) => return Err(wrong),
                }
            }
        }
        if !self.disk.is_stopped() && self.rng.percent(20) {
            return match self.stop(life) {
                Err(_) if self.disk.is_stopped() => self.crash(None),
                outcome => outcome,
            };
        }
        self.crash(Some(life))
    }

    fn open(&mut self) -> Result<Started, Error> {
        let options = Options::new(self.rng.next_u64())
            .segment_bytes(4096 << self.rng.below(3))
            .reserve_bytes(4096)
            .lock_wait(Duration::ZERO);
        let (storage, recovered) = open_on(self.disk.disk(), options).map_err(crate::driver::lift)?;
        let seed = [self.rng.next_u64() | 1, self.rng.next_u64()];
        let storage: Box<dyn Storage> = Box::new(storage);
        let started = start(storage, recovered, &Still, seed, policy(), LIMITS)?;
        let Store::Journal(storage) = &started.engine.store else { return Ok(started) };
        storage.syncer().sync().map_err(crate::driver::lift)?;
        started.source.index.set_visible(started.engine.machine.end());
        Ok(started)
    }

    /// Plans the group and joins it.
    fn join(&mut self, started: Started) -> Result<Life, Error> {
        let Started { engine, last, .. } = started;
        let (published, delayed, durable, running) = (Vec::new(), Vec::new(), Vec::new(), BTreeMap::new());
        let mut life = Life { engine, last, lease: 0, group: 1, published, delayed, durable, running };
        let name = GroupName::new("app", "", "h").expect("the name is valid");
        let mut plan = Plan::new("app", "");
        plan.groups.push(PlannedGroup::new(GroupSpec::new(name.clone(), vec![TopicFilter::all()], vec![])));
        let (promise, _planned) = Ticket::pair();
        self.apply(&mut life, Command::Plan { plan, promise })?;
        self.sync(&mut life)?;
        let seat = Arc::new(Seat::new(0));
        let (promise, _joined) = Ticket::pair();
        self.apply(&mut life, Command::Join { group: name, seat: seat.clone(), promise })?;
        for mail in seat.take() {
            if let Mail::Joined(joined) = mail {
                life.lease = joined.lease;
            }
        }
        Ok(life)
    }

    fn step(&mut self, life: &mut Life) -> Result<(), Wrong> {
        match self.rng.below(100) {
            0..30 => self.publish(life)?,
            30..35 => self.delay(life)?,
            35..60 => self.begin(life)?,
            60..80 => self.settle(life)?,
            80..95 => self.sync(life)?,
            _ => self.snapshot(life)?,
        }
        self.collect(life).map_err(Wrong::Judged)
    }

    /// Publishes a few events, among them repeats.
    fn publish(&mut self, life: &mut Life) -> Result<(), Error> {
        for _ in 0..=self.rng.below(3) {
            let number = if self.rng.percent(15) && self.number > 0 {
                1 + self.rng.below(self.number)
            } else {
                self.number += 1;
                self.number
            };
            let (promise, ticket) = Ticket::pair();
            life.published.push((number, ticket));
            self.submit(life, event(number), promise)?;
        }
        Ok(())
    }

    /// Publishes an event that is due a few commands later.
    fn delay(&mut self, life: &mut Life) -> Result<(), Error> {
        self.number += 1;
        let id = format!("late-{}", self.number);
        let mut outgoing = named(&id);
        let due = Timestamp::from_millisecond(self.now + 2 + self.rng.below(40) as i64);
        outgoing.message.metadata.set_not_before(due.ok());
        let (promise, ticket) = Ticket::pair();
        life.delayed.push((id, ticket));
        self.submit(life, outgoing, promise)
    }

    fn submit(
        &mut self,
        life: &mut Life,
        outgoing: Outgoing,
        promise: Promise<Receipts>,
    ) -> Result<(), Error> {
        let size_max = outgoing_size_max(&outgoing);
        let (batch, refused) = (vec![outgoing], Vec::new());
        self.apply(life, Command::Submit { batch, size_max, is_atomic: false, refused, promise })
    }

    fn begin(&mut self, life: &mut Life) -> Result<(), Error> {
        let visible = life.engine.source.index.visible();
        let Some(group) = life.engine.machine.group(life.group) else { return Ok(()) };
        let open: Vec<u64> = (0..visible)
            .filter(|position| !group.is_settled(*position) && !life.running.contains_key(position))
            .collect();
        let Some(position) =
            usize::try_from(self.rng.below(open.len() as u64)).ok().and_then(|at| open.get(at))
        else {
            return Ok(());
        };
        let attempts = group.pending.get(position).map_or(0, |pending| pending.attempts);
        let token = Token::new(*position, life.lease, attempts + 1);
        let work = self.judge.work.entry(*position).or_default();
        work.begun_unsure += 1;
        let (promise, ticket) = Ticket::pair();
        let tokens = vec![token];
        self.apply(life, Command::Begin { group: life.group, lease: life.lease, tokens, promise })?;
        let answer = now_or_never(ticket).expect("a begin is answered when it is written")?;
        answer.into_iter().collect::<Result<Vec<()>, Error>>()?;
        let work = self.judge.work.entry(*position).or_default();
        *work = Work {
            begun_unsure: work.begun_unsure - 1,
            begun: work.begun + 1,
            is_running: true,
            ..work.clone()
        };
        life.running.insert(*position, token);
        Ok(())
    }

    fn settle(&mut self, life: &mut Life) -> Result<(), Error> {
        let at = self.rng.below(life.running.len() as u64);
        let Some((position, token)) = life.running.iter().nth(at as usize).map(|(a, b)| (*a, *b)) else {
            return Ok(());
        };
        life.running.remove(&position);
        let work = self.judge.work.entry(position).or_default();
        let is_retry = self.rng.percent(30);
        let mut has_output = false;
        let settle = if is_retry {
            let failed = AttemptRecord::new(token.attempt, Timestamp::UNIX_EPOCH, "no");
            Settle::Retry { after: Duration::ZERO, failed: Some(failed) }
        } else if self.rng.percent(20) {
            Settle::Reject { reason: "no".into(), failed: None, park: false }
        } else {
            has_output = self.rng.percent(30);
            let outputs = if has_output { vec![named(&format!("out-{position}"))] } else { Vec::new() };
            Settle::Ack { outputs }
        };
        self.judge.outputs.insert(position, has_output);
        work.may_be_settled = !is_retry;
        // Whether it still counts as running when the answer does not come is not known.
        work.is_running = false;
        work.is_running_synced = false;
        let (promise, ticket) = Ticket::pair();
        let batch = vec![(token, settle)];
        self.apply(life, Command::Settle { group: life.group, lease: life.lease, batch, promise })?;
        let answer = now_or_never(ticket).expect("a settlement is answered when it is written")?;
        answer.into_iter().collect::<Result<Vec<()>, Error>>()?;
        self.judge.work.entry(position).or_default().is_settled = !is_retry;
        Ok(())
    }

    /// What the syncer's thread does.
    fn sync(&mut self, life: &mut Life) -> Result<(), Error> {
        let Store::Journal(storage) = &life.engine.store else { return Ok(()) };
        storage.syncer().sync().map_err(crate::driver::lift)?;
        life.engine.source.index.set_visible(life.engine.machine.end());
        life.durable.drain(..).for_each(Answer::give);
        self.judge.synced();
        Ok(())
    }

    fn snapshot(&mut self, life: &mut Life) -> Result<(), Error> {
        let Store::Journal(storage) = &life.engine.store else { return Ok(()) };
        let cut = storage.end();
        let epoch = life.engine.machine.epoch();
        let body = state_at(life.last.clone(), &*storage.reader(), cut, epoch, LIMITS)?;
        storage.snapshots().snapshot(cut, &body).map_err(crate::driver::lift)?;
        life.last = Some(Last { lsn: cut, body });
        self.judge.synced();
        Ok(())
    }

    fn apply(&mut self, life: &mut Life, command: Command) -> Result<(), Error> {
        self.now += 1;
        let now = Timestamp::from_millisecond(self.now).expect("a small number is a time");
        let open = Duration::from_millis(self.now as u64);
        life.engine.apply(&mut vec![command], now, open)?;
        life.durable.extend(life.engine.write()?.durable);
        Ok(())
    }

    /// Looks at the answers that have come.
    fn collect(&mut self, life: &mut Life) -> Result<(), String> {
        let mut waiting = Vec::new();
        for (number, ticket) in life.published.drain(..) {
            let mut ticket = ticket;
            match poll_once(std::pin::Pin::new(&mut ticket)) {
                None => waiting.push((number, ticket)),
                // The engine ended before it took the publish: nothing was promised.
                Some(Err(error)) if error.kind() == ErrorKind::Unknown => {}
                Some(answer) => {
                    for receipt in answer.map_err(|error| error.to_string())? {
                        let receipt = receipt.map_err(|refused| refused.error.to_string())?;
                        self.judge.receipt(number, &receipt)?;
                    }
                }
            }
        }
        life.published = waiting;
        let mut waiting = Vec::new();
        for (id, mut ticket) in life.delayed.drain(..) {
            match poll_once(std::pin::Pin::new(&mut ticket)) {
                None => waiting.push((id, ticket)),
                Some(Err(error)) if error.kind() == ErrorKind::Unknown => {}
                Some(answer) => {
                    let receipt = answer.map_err(|error| error.to_string())?.pop().ok_or("no answer")?;
                    receipt.map_err(|refused| refused.error.to_string())?;
                    self.judge.delayed.insert(id);
                }
            }
        }
        life.delayed = waiting;
        Ok(())
    }

    fn stop(&mut self, mut life: Life) -> Result<(), String> {
        let failed = |error: Error| error.to_string();
        let (promise, _closed) = Ticket::pair();
        // What runs is handed back and does not count; until all is done that is not sure.
        for position in life.running.keys() {
            let work = self.judge.work.entry(*position).or_default();
            work.begun -= 1;
            work.begun_synced = work.begun_synced.min(work.begun);
            work.begun_unsure += 1;
            work.is_running = false;
        }
        self.apply(&mut life, Command::Close { promise }).map_err(failed)?;
        self.sync(&mut life).map_err(failed)?;
        for position in life.running.keys() {
            self.judge.work.entry(*position).or_default().begun_unsure = 0;
        }
        self.collect(&mut life)?;
        let end = life.engine.store.end();
        if let Store::Journal(storage) = std::mem::replace(&mut life.engine.store, Store::Memory { end }) {
            storage
                .snapshots()
                .snapshot(end, &life.engine.machine.encode())
                .map_err(|error| error.to_string())?;
            storage.close_clean().map_err(|error| error.to_string())?;
        }
        self.end = End::Clean;
        Ok(())
    }

    fn crash(&mut self, life: Option<Life>) -> Result<(), String> {
        if let Some(mut life) = life {
            self.collect(&mut life)?;
            life.engine.fail("it crashed");
        }
        let is_kill = self.rng.percent(50);
        if is_kill {
            self.disk.kill();
        } else {
            self.disk.power_cut();
        }
        // What a power cut forgot is known only when a start gets as far as to be judged.
        let was_cut = self.end == End::PowerCut && !self.is_judged;
        self.end = if is_kill && !was_cut { End::Kill } else { End::PowerCut };
        Ok(())
    }
}

enum Wrong {
    Engine(Error),
    Judged(String),
}

impl From<Error> for Wrong {
    fn from(error: Error) -> Self {
        Self::Engine(error)
    }
}

fn policy() -> Policy {
    Policy {
        durability: Durability::Fsync,
        interval: None,
        message_max: 1 << 20,
        recent_max: 1 << 14,
        memory_max: 1 << 30,
        inbox_max: 1 << 20,
        inbox_commands_max: 100,
        snapshot_every: u64::MAX,
    }
}

/// Event `number`, of one of a few keys in one of two topics; always the same for a number.
fn event(number: u64) -> Outgoing {
    let topic = if number.is_multiple_of(3) { "a" } else { "b" };
    let mut metadata = Metadata::new(EventId::from(number.to_string()), "test", "test.happened");
    metadata.key = Some(format!("key-{}", number % 4).into());
    Message::new(Topic::from_static(topic), metadata, number.to_string().into_bytes().into()).into()
}

/// An event of this id, of a topic of its own.
fn named(id: &str) -> Outgoing {
    let mut metadata = Metadata::new(EventId::from(id.to_owned()), "test", "test.named");
    metadata.key = Some("named".into());
    Message::new(Topic::from_static("named"), metadata, id.as_bytes().to_vec().into()).into()
}

fn now_or_never<F: Future>(future: F) -> Option<F::Output> {
    poll_once(pin!(future))
}

fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Option<F::Output> {
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    match future.poll(&mut cx) {
        Poll::Ready(answer) => Some(answer),
        Poll::Pending => None,
    }
}
