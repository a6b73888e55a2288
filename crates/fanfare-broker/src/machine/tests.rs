//! Random commands against a simple model, and replay against what was applied.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use fanfare_core::{
    AttemptRecord, Durability, Epoch, EventId, GroupName, GroupSpec, Message, Metadata, Outgoing, Plan,
    PlannedGroup, Selection, Settle, Timestamp, Token, Topic, TopicFilter,
};
use proptest::prelude::*;

use super::{Group, Limits, Machine};
use crate::{
    index::Index,
    journal::{BatchBuf, Lsn},
    storage::{Class, Storage},
    testing::{MemoryStorage, open_memory},
};

const LIMITS: Limits = Limits {
    message_max: 1 << 20,
    window_max: 8,
    scheduled_max: 4,
    scheduled_bytes_max: 1 << 20,
    held_records_max: 1 << 20,
    dead_letters_max: 1 << 20,
};
const EPOCH: Epoch = Epoch(7);

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Topic, key, and a number that makes repeats likely.
    Publish(u8, u8, u8),
    Delay(u8, u8),
    Wait(u16),
    Begin(u8),
    Ack(u8),
    AckWithOutput(u8),
    Retry(u8, bool),
    Reject(u8, bool),
    Hold(u8),
    Release(u8),
    Rejoin,
    Redrive(u8),
    Discard(u8),
    Resume(u8),
    /// Whether the group takes both topics.
    Filter(bool),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..2_u8, 0..4_u8, any::<u8>()).prop_map(|(a, b, c)| Step::Publish(a, b, c)),
        1 => (0..2_u8, 0..4_u8).prop_map(|(a, b)| Step::Delay(a, b)),
        1 => (0..2000_u16).prop_map(Step::Wait),
        6 => any::<u8>().prop_map(Step::Begin),
        4 => any::<u8>().prop_map(Step::Ack),
        1 => any::<u8>().prop_map(Step::AckWithOutput),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(a, b)| Step::Retry(a, b)),
        2 => (any::<u8>(), any::<bool>()).prop_map(|(a, b)| Step::Reject(a, b)),
        1 => any::<u8>().prop_map(Step::Hold),
        1 => any::<u8>().prop_map(Step::Release),
        1 => Just(Step::Rejoin),
        1 => any::<u8>().prop_map(Step::Redrive),
        1 => any::<u8>().prop_map(Step::Discard),
        1 => any::<u8>().prop_map(Step::Resume),
        1 => any::<bool>().prop_map(Step::Filter),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn a_group_is_what_the_model_says_and_replay_leads_to_the_same_state(
        steps in prop::collection::vec(step(), 0..120),
        snapshot_at in 0..120_usize,
    ) {
        let mut world = World::new();
        let mut snapshot = None;
        for (number, step) in steps.into_iter().enumerate() {
            if number == snapshot_at {
                snapshot = Some((world.storage.end(), world.machine.encode()));
            }
            world.step(step);
            world.check();
        }
        let state = world.machine.encode();
        prop_assert_eq!(&world.replay(None), &state);
        if let Some(snapshot) = snapshot {
            prop_assert_eq!(&world.replay(Some(snapshot)), &state);
        }
    }
}

/// What the group did with a record of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Open,
    Done,
    Dead,
    /// Passed over since the key was held at this position.
    Passed(u64),
}

struct World {
    machine: Machine,
    storage: MemoryStorage,
    out: BatchBuf,
    now: Timestamp,
    group: u32,
    lease: u64,
    takes_both: bool,
    /// Topic and key of every position.
    events: Vec<(u8, u8)>,
    fates: BTreeMap<u64, Fate>,
    /// Attempts, and whether one runs.
    attempts: BTreeMap<u64, (u32, bool)>,
    /// Where keys are held, and whether they are parked.
    held: BTreeMap<u64, (u8, u8, bool)>,
}

impl World {
    fn new() -> Self {
        let index = Arc::new(Index::new());
        let mut world = Self {
            machine: Machine::new(EPOCH, LIMITS, index),
            storage: open_memory(EPOCH.0).0,
            out: BatchBuf::new(),
            now: Timestamp::UNIX_EPOCH,
            group: 1,
            lease: 0,
            takes_both: false,
            events: Vec::new(),
            fates: BTreeMap::new(),
            attempts: BTreeMap::new(),
            held: BTreeMap::new(),
        };
        world.machine.found(&mut world.out, [1, 2]);
        world.plan();
        world.lease = world.machine.join(1).unwrap().lease;
        world.write();
        world
    }

    fn step(&mut self, step: Step) {
        self.now += Duration::from_millis(1);
        match step {
            Step::Publish(topic, key, number) => self.publish(topic, key, number),
            Step::Delay(topic, key) => {
                let mut outgoing = event(topic, key, 255);
                outgoing.message.metadata.id = EventId::from(format!("delayed-{}", self.now));
                outgoing.message.metadata.set_not_before(Some(self.now + Duration::from_secs(1)));
                self.machine.submit(&mut self.out, vec![outgoing], false, Durability::Os, self.now);
            }
            Step::Wait(millis) => {
                self.now += Duration::from_millis(millis.into());
                let open_ms = self.now.as_millisecond() as u64 * 1000;
                self.machine.clock(&mut self.out, open_ms);
                self.machine.publish_due(&mut self.out, self.now, 2);
                self.learn();
            }
            Step::Begin(at) => self.begin(at),
            Step::Ack(at) => self.settle(at, Settle::Ack { outputs: vec![] }),
            Step::AckWithOutput(at) => self.settle(at, Settle::Ack { outputs: vec![event(1, 1, 254)] }),
            Step::Retry(at, is_counted) => {
                let failed = is_counted.then(|| AttemptRecord::new(1, self.now, "no"));
                self.settle(at, Settle::Retry { after: Duration::from_secs(1), failed });
            }
            Step::Reject(at, park) => {
                self.settle(at, Settle::Reject { reason: "no".into(), failed: None, park })
            }
            Step::Hold(at) => self.settle(at, Settle::Hold),
            Step::Release(at) => self.settle(at, Settle::Release),
            Step::Rejoin => self.rejoin(),
            Step::Redrive(at) => self.give_back(at, true),
            Step::Discard(at) => self.give_back(at, false),
            Step::Resume(at) => self.resume(at),
            Step::Filter(takes_both) => self.refilter(takes_both),
        }
        self.write();
    }

    fn write(&mut self) {
        let lsn = self.storage.append(&mut self.out, Class::Event).unwrap();
        self.machine.publish_index(lsn);
        self.out.clear();
    }

    fn publish(&mut self, topic: u8, key: u8, number: u8) {
        let answers = self.machine.submit(
            &mut self.out,
            vec![event(topic, key, number)],
            false,
            Durability::Os,
            self.now,
        );
        let receipt = answers.into_iter().next().unwrap().unwrap();
        let place = receipt.place.unwrap();
        if receipt.is_repeat {
            assert_eq!(self.events[place.position as usize], (topic, key));
            return;
        }
        self.learn();
        let before = &self.events[..place.position as usize];
        assert_eq!(place.offset, before.iter().filter(|event| event.0 == topic).count() as u64);
        let revision = before.iter().filter(|event| **event == (topic, key)).count() as u64 + 1;
        assert_eq!(place.revision, if key == 0 { 0 } else { revision });
    }

    /// Takes in what was published since.
    fn learn(&mut self) {
        for event in &self.machine.fresh[..] {
            let position = event.record.place.position;
            if position < self.events.len() as u64 {
                continue;
            }
            let topic = u8::from(event.record.message.topic.as_str() == "b");
            let key = event.record.message.metadata.key.as_ref().map_or(0, |key| key.parse().unwrap());
            self.events.push((topic, key));
            if topic == 0 || self.takes_both {
                let held = self.held.iter().find(|(_, held)| key != 0 && (held.0, held.1) == (topic, key));
                let fate = held.map_or(Fate::Open, |(at, _)| Fate::Passed(*at));
                self.fates.insert(position, fate);
            }
        }
    }

    fn open(&self) -> Vec<u64> {
        self.fates.iter().filter(|(_, fate)| **fate == Fate::Open).map(|(position, _)| *position).collect()
    }

    fn pick(&self, at: u8, is_running: bool) -> Option<Token> {
        let mut open = self.open();
        open.retain(|position| self.attempts.get(position).is_some_and(|found| found.1) == is_running);
        let position = *open.get(at as usize % open.len().max(1))?;
        let lease = self.machine.group(self.group).unwrap().lease_of(position).unwrap();
        let (attempts, _) = self.attempts.get(&position).copied().unwrap_or_default();
        Some(Token::new(position, lease, if is_running { attempts } else { attempts + 1 }))
    }

    fn begin(&mut self, at: u8) {
        let Some(token) = self.pick(at, false) else { return };
        let answers = self.machine.begin(&mut self.out, self.group, self.lease, &[token, token]);
        assert!(answers[0].is_ok() && answers[1].is_err(), "{answers:?}");
        self.attempts.insert(token.position, (token.attempt, true));
    }

    fn settle(&mut self, at: u8, settle: Settle) {
        let Some(token) = self.pick(at, at.is_multiple_of(4)) else { return };
        let (attempts, is_running) = self.attempts.get(&token.position).copied().unwrap_or_default();
        let is_kept = matches!(settle, Settle::Retry { .. } | Settle::Release);
        match &settle {
            Settle::Ack { .. } => drop(self.fates.insert(token.position, Fate::Done)),
            Settle::Retry { failed, .. } => {
                let counted = attempts - u32::from(is_running && failed.is_none());
                self.attempts.insert(token.position, (counted, false));
            }
            Settle::Reject { park, .. } => {
                self.fates.insert(token.position, Fate::Dead);
                self.attempts.remove(&token.position);
                if *park {
                    self.hold(token.position, true);
                }
            }
            Settle::Hold => {
                self.attempts.remove(&token.position);
                self.hold(token.position, false);
            }
            _ if is_running => drop(self.attempts.insert(token.position, (attempts - 1, false))),
            _ => {}
        }
        if !is_kept {
            self.attempts.remove(&token.position);
        }
        let batch = vec![(token, settle)];
        let answers = self.machine.settle(&mut self.out, self.group, self.lease, batch, self.now);
        assert!(answers[0].is_ok(), "{answers:?}");
        self.learn();
        let again = vec![(token, Settle::Ack { outputs: vec![] })];
        if !is_kept {
            let answers = self.machine.settle(&mut self.out, self.group, self.lease, again, self.now);
            assert!(answers[0].is_err(), "settled twice");
        }
    }

    fn hold(&mut self, position: u64, is_parked: bool) {
        let event = self.events[position as usize];
        if is_parked && event.1 == 0 {
            return;
        }
        let same = self.held.iter().find(|(_, held)| event.1 != 0 && (held.0, held.1) == event);
        let at = same.map_or(position, |(at, _)| *at);
        self.held.entry(at).or_insert((event.0, event.1, is_parked));
        if !is_parked {
            self.fates.insert(position, Fate::Passed(at));
        }
        if event.1 == 0 {
            return;
        }
        let group = self.machine.group(self.group).unwrap();
        for later in self.open().into_iter().filter(|later| *later > position) {
            if self.events[later as usize] == event && !group.pending.contains_key(&later) {
                self.fates.insert(later, Fate::Passed(at));
            }
        }
    }

    fn rejoin(&mut self) {
        self.machine.leave(&mut self.out, self.group, self.lease);
        for attempts in self.attempts.values_mut().filter(|attempts| attempts.1) {
            *attempts = (attempts.0 - 1, false);
        }
        self.lease = self.machine.join(self.group).unwrap().lease;
        assert!(self.machine.join(self.group).is_none());
    }

    fn give_back(&mut self, at: u8, is_redrive: bool) {
        let dead: Vec<u64> = self
            .fates
            .iter()
            .filter(|(_, fate)| **fate == Fate::Dead)
            .map(|(position, _)| *position)
            .collect();
        let Some(position) = dead.get(at as usize % dead.len().max(1)).copied() else { return };
        let which = Selection::Positions(vec![position]);
        let outcome = if is_redrive {
            self.machine.redrive(&mut self.out, self.group, &which)
        } else {
            self.machine.discard(&mut self.out, self.group, &which)
        };
        assert_eq!(outcome.unwrap().0, 1);
        self.fates.insert(position, if is_redrive { Fate::Open } else { Fate::Done });
        if self.held.get(&position).is_some_and(|held| held.2) {
            self.unhold(position);
        }
    }

    fn resume(&mut self, at: u8) {
        let held = self.machine.held(self.group);
        assert_eq!(held.len(), self.held.len());
        let Some(key) = held.get(at as usize % held.len().max(1)) else { return };
        self.machine.resume(&mut self.out, self.group, key).unwrap();
        self.unhold(key.position);
    }

    fn unhold(&mut self, position: u64) {
        self.held.remove(&position);
        for fate in self.fates.values_mut().filter(|fate| **fate == Fate::Passed(position)) {
            *fate = Fate::Open;
        }
    }

    /// A group that begins to take a topic gets what lies behind its cursor.
    fn refilter(&mut self, takes_both: bool) {
        if takes_both == self.takes_both || (!takes_both && self.fates.iter().any(is_b(&self.events))) {
            return;
        }
        let cursor = self.machine.group(self.group).unwrap().cursor;
        self.takes_both = takes_both;
        self.machine.leave(&mut self.out, self.group, self.lease);
        for attempts in self.attempts.values_mut().filter(|attempts| attempts.1) {
            *attempts = (attempts.0 - 1, false);
        }
        self.plan();
        self.lease = self.machine.join(self.group).unwrap().lease;
        for (position, event) in self.events.iter().enumerate() {
            let position = position as u64;
            if takes_both && event.0 == 1 && position >= cursor {
                self.fates.entry(position).or_insert(Fate::Open);
            }
        }
    }

    fn plan(&mut self) {
        let mut plan = Plan::new("app", "");
        let name = GroupName::new("app", "", "h").unwrap();
        let topics: Vec<TopicFilter> =
            if self.takes_both { vec![TopicFilter::all()] } else { vec!["a".parse().unwrap()] };
        plan.groups.push(PlannedGroup::new(GroupSpec::new(name, topics, vec![])));
        self.machine.plan(&mut self.out, &plan, |_| 0).unwrap();
    }

    fn check(&self) {
        let group = self.machine.group(self.group).unwrap();
        for (position, fate) in &self.fates {
            assert_eq!(group.is_settled(*position), *fate != Fate::Open, "position {position}: {fate:?}");
            let (attempts, is_running) = self.attempts.get(position).copied().unwrap_or_default();
            let pending = group.pending.get(position).cloned().unwrap_or_default();
            assert_eq!((pending.attempts, pending.is_running), (attempts, is_running), "position {position}");
        }
        assert_eq!(group.lag, self.open().len() as u64);
        assert_eq!(self.machine.oldest_unsettled(group), self.open().first().copied());
        assert!(is_compact(group));
    }

    /// The state that the journal leads to.
    fn replay(&self, snapshot: Option<(Lsn, Vec<u8>)>) -> Vec<u8> {
        let index = Arc::new(Index::new());
        let (from, mut machine) = match snapshot {
            None => (Lsn::ZERO, Machine::new(EPOCH, LIMITS, index)),
            Some((lsn, body)) => (lsn, Machine::decode(&body.into(), EPOCH, LIMITS, index).unwrap()),
        };
        for batch in self.storage.reader().batches(Lsn::ZERO).unwrap() {
            let batch = batch.unwrap();
            for record in batch.records() {
                let body = batch.body(&record);
                if batch.lsn() < from {
                    machine.index_only(record.kind, record.lsn, &body).unwrap();
                } else {
                    machine.replay(record.kind, record.lsn, &body).unwrap();
                }
            }
        }
        assert_eq!(machine.index.read().end(), self.events.len() as u64);
        machine.encode()
    }
}

fn is_b(events: &[(u8, u8)]) -> impl Fn((&u64, &Fate)) -> bool + '_ {
    |(position, _)| events[*position as usize].0 == 1
}

fn is_compact(group: &Group) -> bool {
    group.ranges.iter().next().is_none_or(|(from, _)| from > group.cursor)
}

fn event(topic: u8, key: u8, number: u8) -> Outgoing {
    let topic = Topic::from_static(if topic == 0 { "a" } else { "b" });
    let mut metadata = Metadata::new(EventId::from((number % 16).to_string()), "test", "test.happened");
    if key != 0 {
        metadata.key = Some(key.to_string().into());
    }
    Message::new(topic, metadata, vec![number % 16].into()).into()
}
