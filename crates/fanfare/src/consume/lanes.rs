//! What may start now, and what waits for what. Pure: no clock, no transport.
//!
//! ```text
//! lane of key x:   [head: ready | begun | waiting for its retry] -> [behind] -> [behind]
//! no key:          each record stands alone
//! ```
//!
//! The invariant: of one lane only the head is ready or begun.

use std::{
    collections::{HashMap, VecDeque},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
    time::Duration,
};

use bytestring::ByteString;
use fanfare_core::{AttemptRecord, Delivery, Outgoing, Token};
use slab::Slab;

use crate::{fold::FoldState, handler::Order};

/// A delivery that the driver has.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) delivery: Delivery,
    pub(crate) state: State,
    /// It began together with the settlement before it in its lane, which was refused: it must not start.
    pub(crate) is_recalled: bool,
    /// Why the driver cancelled its handler.
    pub(crate) cancelled: Option<Why>,
    /// The retry that the transport has not accepted yet.
    pub(crate) retry: Option<Box<AskedRetry>>,
    /// What goes out with its acknowledgement.
    pub(crate) outputs: OutputTypes,
    lane: Option<u64>,
    next: Option<u32>,
}

/// The types of a handler's outputs. There is seldom more than one.
#[derive(Debug, Default)]
pub(crate) struct OutputTypes {
    first: Option<ByteString>,
    more: Vec<ByteString>,
}

impl OutputTypes {
    pub(crate) fn of(outputs: &[Outgoing]) -> Self {
        let mut types = outputs.iter().map(|outgoing| outgoing.message.metadata.event_type.clone());
        Self { first: types.next(), more: types.collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &ByteString> {
        self.first.iter().chain(&self.more)
    }
}

/// A retry that the transport was asked for.
#[derive(Debug)]
pub(crate) struct AskedRetry {
    pub(crate) token: Token,
    pub(crate) after: Duration,
    pub(crate) failed: Option<AttemptRecord>,
    /// The transport refused, and is to be asked again.
    pub(crate) is_refused: bool,
}

/// Why a handler was cancelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It ran into the ack timeout: the attempt counts.
    Timeout,
    /// The application ends: it does not.
    Drain,
}

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Behind another one of its lane.
    Behind,
    /// It may start.
    Ready,
    /// Its attempt is being counted.
    Beginning,
    /// With the workers.
    Running,
    /// It waits for those before it in its events' own order.
    Held,
    /// It waits for a retry.
    Waiting,
    /// Its settlement is on the way; it has left its lane.
    Settling,
}

#[derive(Clone, Copy, Debug)]
struct Lane {
    head: u32,
    tail: u32,
    len: usize,
    is_waiting: bool,
}

/// Every delivery that the driver has, in lanes.
#[derive(Debug)]
pub(crate) struct Lanes {
    order: Order,
    tasks: Slab<Task>,
    lanes: HashMap<u64, Lane, BuildHasherDefault<AsIs>>,
    hasher: FoldState,
    ready: VecDeque<u32>,
    waiting: usize,
    /// Test-only, see [`super::Group`].
    is_key_lock_dropped: bool,
}

impl Lanes {
    pub(crate) fn new(order: Order, is_key_lock_dropped: bool) -> Self {
        Self {
            order,
            tasks: Slab::new(),
            lanes: HashMap::default(),
            hasher: FoldState::random(),
            ready: VecDeque::new(),
            waiting: 0,
            is_key_lock_dropped,
        }
    }

    /// How many tasks there are.
    pub(crate) fn len(&self) -> usize {
        self.tasks.len()
    }

    /// How many of them wait for a retry, or behind one.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn get(&self, task: u32) -> Option<&Task> {
        self.tasks.get(task as usize)
    }

    pub(crate) fn get_mut(&mut self, task: u32) -> Option<&mut Task> {
        self.tasks.get_mut(task as usize)
    }

    /// Every task.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Task)> {
        self.tasks.iter().map(|(index, task)| (index as u32, task))
    }

    /// Puts a delivery at the end of its lane.
    pub(crate) fn add(&mut self, delivery: Delivery) -> u32 {
        let lane = self.lane_of(&delivery);
        let index = self.tasks.insert(Task {
            delivery,
            state: State::Ready,
            is_recalled: false,
            cancelled: None,
            retry: None,
            outputs: OutputTypes::default(),
            lane,
            next: None,
        }) as u32;
        let Some(key) = lane else {
            self.ready.push_back(index);
            return index;
        };
        match self.lanes.get_mut(&key) {
            None => {
                self.lanes.insert(key, Lane { head: index, tail: index, len: 1, is_waiting: false });
                self.ready.push_back(index);
            }
            Some(lane) => {
                let before = std::mem::replace(&mut lane.tail, index);
                lane.len += 1;
                self.waiting += usize::from(lane.is_waiting);
                if let Some(before) = self.tasks.get_mut(before as usize) {
                    before.next = Some(index);
                }
                self.set(index, State::Behind);
            }
        }
        index
    }

    /// Keeps a task that stands alone and was just added from starting.
    pub(crate) fn hold(&mut self, index: u32) {
        self.set(index, State::Held);
    }

    /// Lets a task start that was kept.
    pub(crate) fn release(&mut self, index: u32) {
        if self.get(index).is_some_and(|task| task.state == State::Held) {
            self.set(index, State::Ready);
            self.ready.push_back(index);
        }
    }

    /// The next task that may start; it is then [`State::Beginning`] or settled by the caller.
    pub(crate) fn pop_ready(&mut self) -> Option<u32> {
        while let Some(index) = self.ready.pop_front() {
            // One that was put back behind another one is still in the queue.
            if self.get(index).is_some_and(|task| task.state == State::Ready) {
                return Some(index);
            }
        }
        None
    }

    /// Takes a certain task that may start.
    pub(crate) fn take_ready(&mut self, index: u32) -> bool {
        let at = self.ready.iter().position(|ready| *ready == index);
        at.is_some_and(|at| self.ready.remove(at).is_some())
    }

    /// The head waits for its retry, and its lane with it.
    pub(crate) fn wait(&mut self, index: u32) {
        self.set(index, State::Waiting);
        match self.lane_mut(index) {
            Some(lane) if !lane.is_waiting => {
                lane.is_waiting = true;
                let len = lane.len;
                self.waiting += len;
            }
            Some(_) => {}
            None => self.waiting += 1,
        }
    }

    /// The retry is due: the task may start again.
    pub(crate) fn due(&mut self, index: u32) {
        if !self.get(index).is_some_and(|task| task.state == State::Waiting) {
            return;
        }
        if self.lane(index).is_some_and(|lane| lane.head != index) {
            self.set(index, State::Behind);
            return;
        }
        self.end_waiting(index);
        self.set(index, State::Ready);
        // Before first deliveries: a group that stands still for its retries drains.
        self.ready.push_front(index);
    }

    /// The task's settlement is on the way: the next one of its lane may start with it.
    pub(crate) fn detach(&mut self, index: u32) {
        let Some(task) = self.tasks.get_mut(index as usize) else { return };
        let was_waiting = task.state == State::Waiting;
        let (lane, next) = (task.lane, task.next.take());
        task.state = State::Settling;
        let head = lane.and_then(|key| self.lanes.get(&key)).map(|lane| lane.head);
        if let Some(head) = head.filter(|head| *head != index) {
            return self.unlink(index, head, next);
        }
        if was_waiting {
            self.end_waiting(index);
        }
        let Some(key) = lane else { return };
        match next {
            None => {
                if self.lanes.remove(&key).is_some_and(|lane| lane.is_waiting) {
                    self.waiting -= 1;
                }
            }
            Some(next) => {
                if let Some(lane) = self.lanes.get_mut(&key) {
                    lane.head = next;
                    lane.len -= 1;
                    self.waiting -= usize::from(lane.is_waiting);
                }
                // One that waits for a time of its own is woken by it.
                if self.get(next).is_some_and(|task| task.state == State::Behind) {
                    self.set(next, State::Ready);
                    self.ready.push_back(next);
                }
            }
        }
    }

    /// Takes a task out that stands behind the head, because one before it was put back.
    fn unlink(&mut self, index: u32, head: u32, next: Option<u32>) {
        let mut before = head;
        while let Some(behind) = self.get(before).and_then(|task| task.next)
            && behind != index
        {
            before = behind;
        }
        // Not there: it has left before.
        if self.get(before).is_none_or(|task| task.next != Some(index)) {
            return;
        }
        if let Some(before) = self.get_mut(before) {
            before.next = next;
        }
        let Some(lane) = self.lane_mut(index) else { return };
        lane.len -= 1;
        if lane.tail == index {
            lane.tail = before;
        }
        let is_waiting = lane.is_waiting;
        self.waiting -= usize::from(is_waiting);
    }

    /// The settlement was refused: the task goes back to the head of its lane. What began behind it is
    /// recalled.
    pub(crate) fn reattach(&mut self, index: u32) {
        let Some(task) = self.get(index) else { return };
        let Some(key) = task.lane else { return };
        let Some(lane) = self.lanes.get_mut(&key) else {
            self.lanes.insert(key, Lane { head: index, tail: index, len: 1, is_waiting: false });
            return;
        };
        let successor = std::mem::replace(&mut lane.head, index);
        lane.len += 1;
        self.waiting += usize::from(lane.is_waiting);
        if let Some(task) = self.get_mut(index) {
            task.next = Some(successor);
        }
        if let Some(successor) = self.get_mut(successor) {
            match successor.state {
                State::Ready => successor.state = State::Behind,
                State::Beginning => successor.is_recalled = true,
                _ => {}
            }
        }
    }

    /// A task that was recalled is uncounted: it stands behind the head again.
    pub(crate) fn recalled(&mut self, index: u32) {
        let is_head = self.lane(index).is_none_or(|lane| lane.head == index);
        if let Some(task) = self.get_mut(index) {
            task.is_recalled = false;
        }
        if is_head {
            self.set(index, State::Ready);
            self.ready.push_front(index);
        } else {
            self.set(index, State::Behind);
        }
    }

    /// Forgets a task that has left its lane.
    pub(crate) fn forget(&mut self, index: u32) -> Option<Task> {
        self.tasks.try_remove(index as usize)
    }

    /// Takes what is of the same key out of the lane behind a task: the key is held. A lane has records of other
    /// keys where the order is over all of them, or two keys share a hash; those stay.
    pub(crate) fn take_behind(&mut self, index: u32, into: &mut Vec<u32>) {
        let Some(record) = self.get(index).map(|task| task.delivery.record.clone()) else { return };
        let (topic, key) = (&record.message.topic, &record.message.metadata.key);
        let mut next = self.get_mut(index).and_then(|task| task.next.take());
        let (mut last, mut gone) = (index, 0);
        while let Some(at) = next {
            let Some(task) = self.get_mut(at) else { break };
            next = task.next.take();
            let message = &task.delivery.record.message;
            if key.is_some() && message.metadata.key == *key && message.topic == *topic {
                task.state = State::Settling;
                task.lane = None;
                gone += 1;
                into.push(at);
            } else {
                if let Some(last) = self.get_mut(last) {
                    last.next = Some(at);
                }
                last = at;
            }
        }
        let Some(lane) = self.lane_mut(index) else { return };
        lane.tail = last;
        lane.len -= gone;
        if lane.is_waiting {
            self.waiting -= gone;
        }
    }

    /// Gives up every order, because nothing starts any more.
    pub(crate) fn dissolve(&mut self) {
        for (_, task) in &mut self.tasks {
            (task.lane, task.next) = (None, None);
        }
        self.lanes.clear();
        self.ready.clear();
        self.waiting = 0;
    }

    /// Forgets everything.
    pub(crate) fn clear(&mut self) {
        self.tasks.clear();
        self.lanes.clear();
        self.ready.clear();
        self.waiting = 0;
    }

    fn lane_of(&self, delivery: &Delivery) -> Option<u64> {
        let message = &delivery.record.message;
        match self.order {
            Order::InOrder => Some(0),
            Order::Unordered => None,
            Order::PerKey if self.is_key_lock_dropped => None,
            // Two keys that share a hash share a lane, which costs them their parallelism and nothing else.
            Order::PerKey => message
                .metadata
                .key
                .as_ref()
                .map(|key| self.hasher.hash_one((message.topic.as_str(), &**key))),
        }
    }

    fn set(&mut self, index: u32, state: State) {
        if let Some(task) = self.get_mut(index) {
            task.state = state;
        }
    }

    fn lane(&self, index: u32) -> Option<&Lane> {
        self.lanes.get(&self.get(index)?.lane?)
    }

    fn lane_mut(&mut self, index: u32) -> Option<&mut Lane> {
        let key = self.get(index)?.lane?;
        self.lanes.get_mut(&key)
    }

    fn end_waiting(&mut self, index: u32) {
        match self.lane_mut(index) {
            Some(lane) if lane.is_waiting => {
                lane.is_waiting = false;
                let len = lane.len;
                self.waiting -= len;
            }
            Some(_) => {}
            None => self.waiting -= 1,
        }
    }
}

#[cfg(test)]
mod tests;

/// The keys are hashes already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
