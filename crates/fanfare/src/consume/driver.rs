//! One subscription's task: takes, starts, settles, and watches the time.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use fanfare_core::{BoxFuture, Consumer, Delivery, Error, ErrorKind, Settle, Taken, Token};
use jiff::SignedDuration;

use super::{
    decide::{self, Decision},
    exchange::{Done, Exchange, Run},
    gate::Seat,
    group::{Group, Phase},
    in_flight::{Asked, InFlight},
    lanes::{Lanes, State},
    sequence::Sequence,
    timers::Timers,
    watch::Watch,
};
use crate::handler::Order;

/// How often the driver goes round before it lets others have the thread.
const ROUNDS_MAX: usize = 32;

/// The task of one subscription. It ends when the application drains or the transport fails.
pub(crate) struct Driver {
    pub(super) group: Arc<Group>,
    pub(super) gate: Seat,
    pub(super) exchange: Arc<Exchange>,
    pub(super) consumer: Box<dyn Consumer>,
    pub(super) lanes: Lanes,
    pub(super) sequence: Option<Sequence>,
    pub(super) timers: Timers,
    pub(super) in_flight: InFlight,
    pub(super) watch: Watch,
    pub(super) settle: Vec<(Token, Settle)>,
    pub(super) settle_items: Vec<(u32, Asked)>,
    pub(super) begin: Vec<Token>,
    pub(super) begin_items: Vec<(u32, Asked)>,
    pub(super) runs: Vec<Run>,
    pub(super) done: Vec<Done>,
    pub(super) taken: Vec<Delivery>,
    pub(super) behind: Vec<u32>,
    /// Raised when the shard is taken away; outcomes of earlier rounds are thrown away.
    pub(super) round: u32,
    /// Tasks that are beginning or with the workers.
    pub(super) begun: usize,
    /// How many outcomes came at once last time: how far the driver runs ahead of the workers.
    pub(super) pace: usize,
    pub(super) is_stalled: bool,
    pub(super) is_draining: bool,
    pub(super) has_taken: bool,
    /// When what is kept is extended next.
    pub(super) extend_at: Duration,
    /// When the workers are looked after next.
    pub(super) look_at: Duration,
    pub(super) sleep: Option<(Duration, BoxFuture<'static, ()>)>,
}

impl Driver {
    pub(crate) fn new(
        group: Arc<Group>,
        gate: Seat,
        exchange: Arc<Exchange>,
        consumer: Box<dyn Consumer>,
    ) -> Self {
        let lanes = Lanes::new(group.options.order, group.is_key_lock_dropped);
        let sequence = group.order.clone().map(Sequence::new);
        let watch = Watch::new(exchange.slots().len(), group.options.ack_timeout);
        let extend_at = group.clock.monotonic().saturating_add(group.options.ack_timeout / 3);
        Self {
            group,
            gate,
            exchange,
            consumer,
            lanes,
            sequence,
            timers: Timers::default(),
            in_flight: InFlight::default(),
            watch,
            settle: Vec::new(),
            settle_items: Vec::new(),
            begin: Vec::new(),
            begin_items: Vec::new(),
            runs: Vec::new(),
            done: Vec::new(),
            taken: Vec::new(),
            behind: Vec::new(),
            round: 0,
            begun: 0,
            pace: 0,
            is_stalled: false,
            is_draining: false,
            has_taken: false,
            extend_at,
            look_at: Duration::ZERO,
            sleep: None,
        }
    }

    /// Runs until the application drains.
    ///
    /// # Errors
    /// When the transport failed; what ran was cancelled and nothing of it is settled.
    pub(crate) async fn run(mut self) -> Result<(), Error> {
        let ended = std::future::poll_fn(|cx| self.poll(cx)).await;
        self.exchange.close();
        self.watch.cancel_all(self.exchange.slots());
        self.gate.leave();
        ended
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        for _ in 0..ROUNDS_MAX {
            self.group.control.register(cx);
            let now = self.group.clock.monotonic();
            let mut is_moving = self.collect(now);
            is_moving |= self.answers(cx, now)?;
            is_moving |= self.clock_work(now);
            match self.group.control.phase() {
                Phase::Running => is_moving |= self.take(cx, now)?,
                phase => self.drain(phase),
            }
            self.start(cx, now);
            is_moving |= self.flush();
            self.tell();
            if self.is_draining && self.begun == 0 && self.in_flight.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if !is_moving && self.is_asleep(cx, now) {
                return Poll::Pending;
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Outcomes of the workers.
    fn collect(&mut self, now: Duration) -> bool {
        let mut done = std::mem::take(&mut self.done);
        self.exchange.collect(&mut done);
        let count = done.len();
        if count > 0 {
            self.pace = count;
        }
        for Done { task, round, outcome } in done.drain(..) {
            if round == self.round {
                self.begun -= 1;
                self.finish(task, outcome, now);
            }
        }
        self.done = done;
        count > 0
    }

    /// Retries that are due, handlers that run too long.
    fn clock_work(&mut self, now: Duration) -> bool {
        let mut is_moving = false;
        while let Some(index) = self.timers.pop_due(now) {
            is_moving = true;
            if !self.ask_retry_again(index, now) {
                self.lanes.due(index);
            }
        }
        if self.lanes.len() > 0 && now >= self.extend_at {
            self.extend_at = now.saturating_add(self.group.options.ack_timeout / 3);
            let tokens: Vec<Token> = self.lanes.iter().map(|(_, task)| task.delivery.token).collect();
            self.consumer.extend(&tokens);
        }
        if now >= self.look_at && (self.begun > 0 || self.watch.has_stuck()) {
            let passed =
                self.watch.look(&self.group, self.exchange.slots(), &mut self.lanes, self.round, now);
            for position in passed {
                self.gate.passed(position);
            }
            self.look_at = self.watch.next_look(self.exchange.slots(), now);
        }
        is_moving
    }

    /// New records, as far as the limits go.
    fn take(&mut self, cx: &mut Context<'_>, now: Duration) -> Result<bool, Error> {
        let group = self.group.clone();
        let options = &group.options;
        let counted = match options.order {
            Order::InOrder => self.lanes.len(),
            _ => self.lanes.len() - self.lanes.waiting(),
        };
        let is_full = self.lanes.waiting() >= options.waiting_max;
        self.stall(is_full);
        let room = options.in_flight_max.saturating_sub(counted);
        // Few at a time cost more each; there is no hurry while some are left.
        let is_worthwhile = room >= (options.in_flight_max / 4).clamp(1, 64);
        if is_full || !is_worthwhile {
            return Ok(false);
        }
        let room = room.min(options.waiting_max - self.lanes.waiting());
        match self.consumer.poll_take(cx, room, &mut self.taken) {
            Poll::Pending => Ok(false),
            Poll::Ready(Ok(Taken::Batch)) => {
                self.took(now);
                Ok(true)
            }
            Poll::Ready(Ok(Taken::Revoked)) => {
                self.revoked();
                Ok(true)
            }
            Poll::Ready(Ok(_)) => {
                Err(Error::new(ErrorKind::Closed, "the transport was closed")
                    .with("group", &self.group.printed))
            }
            Poll::Ready(Err(error)) => Err(error),
        }
    }

    fn took(&mut self, now: Duration) {
        let mut has_others = false;
        for delivery in self.taken.drain(..) {
            has_others |= !delivery.is_suspect;
            let record = self.sequence.is_some().then(|| delivery.record.clone());
            let index = self.lanes.add(delivery);
            if let (Some(sequence), Some(record)) = (&mut self.sequence, record)
                && sequence.arrive(index, &record, now)
            {
                self.lanes.hold(index);
            }
        }
        if has_others && !self.has_taken {
            // Suspects come first: those that did not come by now do not come.
            self.has_taken = true;
            let lanes = &self.lanes;
            self.gate.keep(|position| {
                lanes
                    .iter()
                    .any(|(_, task)| task.delivery.is_suspect && task.delivery.token.position == position)
            });
        }
    }

    fn stall(&mut self, is_full: bool) {
        if is_full == self.is_stalled {
            return;
        }
        self.is_stalled = is_full;
        let (waiting, group) = (self.lanes.waiting(), &self.group.printed);
        if is_full {
            self.group.metrics.stalls.add(1);
            tracing::error!(
                group,
                waiting,
                "too many records wait for retries: the group takes no new ones until they drain"
            );
        } else {
            tracing::info!(group, waiting, "the group takes new records again");
        }
    }

    fn revoked(&mut self) {
        tracing::info!(group = %self.group.printed, tasks = self.lanes.len(), "the group's shard was taken away");
        self.exchange.withdraw(&mut self.runs);
        self.watch.cancel_all(self.exchange.slots());
        self.runs.clear();
        self.round = self.round.wrapping_add(1);
        self.begun = 0;
        self.lanes.clear();
        self.timers.clear();
        if let Some(sequence) = &mut self.sequence {
            sequence.clear();
        }
        self.in_flight.clear();
        self.settle.clear();
        self.settle_items.clear();
        self.gate.leave();
    }

    fn drain(&mut self, phase: Phase) {
        if !self.is_draining {
            self.is_draining = true;
            self.exchange.withdraw(&mut self.runs);
            let mut back: Vec<u32> = self.runs.drain(..).map(|run| run.task).collect();
            self.begun -= back.len();
            let is_idle =
                |state| matches!(state, State::Behind | State::Ready | State::Held | State::Waiting);
            self.lanes.dissolve();
            back.extend(self.lanes.iter().filter(|(_, task)| is_idle(task.state)).map(|(index, _)| index));
            for index in back {
                if let Some(task) = self.lanes.get_mut(index) {
                    task.state = State::Settling;
                    self.settle.push((task.delivery.token, Settle::Release));
                    self.settle_items.push((index, Asked::Release));
                }
            }
        }
        if phase == Phase::Ending {
            self.watch.cancel_running(&self.group, self.exchange.slots(), &mut self.lanes, self.round);
        }
    }

    /// Begins what may start.
    fn start(&mut self, cx: &Context<'_>, now: Duration) {
        if self.is_draining {
            return;
        }
        while let Some(index) = self.sequence.as_mut().and_then(|sequence| sequence.pop(now)) {
            self.lanes.release(index);
        }
        let concurrency = self.group.options.concurrency_max;
        // As far ahead as the workers were fast: what has begun and not started is one more attempt after a crash.
        let ahead = if concurrency < 4 { 0 } else { self.pace.min(concurrency) };
        if !self.gate.is_open() {
            self.gate.register(cx);
            // It may have opened in between; then nobody wakes this task for it.
            if !self.gate.is_open() {
                return self.start_suspect(now);
            }
        }
        while self.begun < concurrency + ahead {
            let Some(index) = self.lanes.pop_ready() else { break };
            self.begin(index, now);
        }
    }

    /// While the gate is closed only the suspect whose turn it is may start.
    fn start_suspect(&mut self, now: Duration) {
        let turn = self
            .lanes
            .iter()
            .find(|(_, task)| task.delivery.is_suspect && self.gate.is_turn_of(task.delivery.token.position))
            .map(|(index, task)| (index, task.state, task.delivery.token.position));
        match turn {
            Some((index, State::Ready, _)) if self.lanes.take_ready(index) => self.begin(index, now),
            // Behind another one of its key, or waiting: it runs when those have run.
            Some((index, State::Behind | State::Held | State::Waiting | State::Settling, position)) => {
                if let Some(task) = self.lanes.get_mut(index) {
                    task.delivery.is_suspect = false;
                }
                self.gate.passed(position);
            }
            _ => {}
        }
    }

    fn begin(&mut self, index: u32, now: Duration) {
        let Some(task) = self.lanes.get_mut(index) else { return };
        if let Some(due) = task.delivery.due.take() {
            let wait = due.duration_since(self.group.clock.now());
            if wait > SignedDuration::ZERO {
                let until = now.saturating_add(wait.unsigned_abs());
                return self.wait(index, until);
            }
        }
        let decision = decide::before(&self.group, &task.delivery, &*self.group.clock);
        if decision != Decision::Run && std::mem::take(&mut task.delivery.is_suspect) {
            self.gate.passed(task.delivery.token.position);
        }
        match decision {
            Decision::Run => {
                task.state = State::Beginning;
                self.begin.push(task.delivery.token);
                self.begin_items.push((index, Asked::Begin));
                self.begun += 1;
            }
            Decision::Unhandled => self.unhandled(index),
            Decision::Hold => self.hold(index),
            Decision::Reject(reason) => self.give_up(index, reason, None),
        }
    }

    /// Hands settlements and then attempts to the transport, in this order.
    fn flush(&mut self) -> bool {
        match (self.settle.is_empty(), self.begin.is_empty()) {
            (true, true) => return false,
            (false, true) => {
                let ticket = self.consumer.settle(&mut self.settle);
                self.in_flight.push(ticket, &mut self.settle_items);
            }
            (true, false) => {
                let ticket = self.consumer.begin(&mut self.begin);
                self.in_flight.push(ticket, &mut self.begin_items);
            }
            (false, false) => {
                let (settled, begun) = self.consumer.settle_and_begin(&mut self.settle, &mut self.begin);
                self.in_flight.push(settled, &mut self.settle_items);
                self.in_flight.push(begun, &mut self.begin_items);
            }
        }
        true
    }

    fn tell(&self) {
        let metrics = &self.group.metrics;
        metrics.waiting.set(self.lanes.waiting());
        metrics.in_flight.set(self.lanes.len() - self.lanes.waiting());
    }

    /// Waits for outcomes, answers, records and the next moment at which something is due.
    fn is_asleep(&mut self, cx: &mut Context<'_>, now: Duration) -> bool {
        let mut next = self.timers.next_due();
        if let Some(due) = self.sequence.as_ref().and_then(Sequence::next_due).filter(|_| !self.is_draining) {
            next = Some(next.map_or(due, |next| next.min(due)));
        }
        if self.lanes.len() > 0 {
            next = Some(next.map_or(self.extend_at, |next| next.min(self.extend_at)));
        }
        if self.begun > 0 || self.watch.has_stuck() {
            self.look_at = self.watch.next_look(self.exchange.slots(), now);
            next = Some(next.map_or(self.look_at, |next| next.min(self.look_at)));
        }
        if let Some(next) = next {
            // A sleep that ends earlier is kept: it costs one idle turn, a new one costs more.
            let is_needed = self.sleep.as_ref().is_none_or(|(until, _)| *until > next);
            if is_needed {
                let clock = &self.group.clock;
                self.sleep = Some((next, clock.sleep(next.saturating_sub(now))));
            }
        }
        if let Some((_, sleep)) = &mut self.sleep
            && Pin::new(sleep).poll(cx).is_ready()
        {
            self.sleep = None;
            return false;
        }
        self.exchange.park(cx)
    }
}
