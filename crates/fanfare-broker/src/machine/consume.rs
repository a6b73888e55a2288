//! What a consumer of a group does: join, begin, settle, leave.

use fanfare_core::{AttemptRecord, ByteString, Error, ErrorKind, Outgoing, Settle, Timestamp, Token};

use super::{
    group::{ByPosition, Group, Pending},
    ranges::RangeSet,
    state::Machine,
};
use crate::{
    bugs::{Bug, has_bug},
    journal::BatchBuf,
    record::{Acked, Dead, Held, Record, Retried},
};

/// What a consumer starts from.
#[derive(Clone, Debug)]
pub(crate) struct Joined {
    /// The lease of its deliveries.
    pub(crate) lease: u64,
    pub(crate) cursor: u64,
    /// Settled beyond the cursor.
    pub(crate) settled: RangeSet,
    pub(crate) pending: ByPosition<Pending>,
    /// Unsettled positions wherever they lie.
    pub(crate) reopened: Vec<u64>,
    /// Keys that are passed over.
    pub(crate) held_keys: Vec<u32>,
}

impl Machine {
    /// Gives a group, which no consumer has, to a consumer.
    pub(crate) fn join(&mut self, id: u32) -> Option<Joined> {
        let lease = self.next_lease;
        let group = self.groups.get_mut(&id).filter(|group| group.session.is_none())?;
        self.next_lease += 1;
        group.session = Some(lease);
        group.reopened.values_mut().for_each(|position| *position = 0);
        Some(Joined {
            lease,
            cursor: group.cursor,
            settled: group.ranges.clone(),
            pending: group.pending.clone(),
            reopened: group.reopened.keys().copied().collect(),
            held_keys: group.held_keys.keys().copied().collect(),
        })
    }

    /// Takes the group back; what was running does not count.
    pub(crate) fn leave(&mut self, out: &mut BatchBuf, id: u32, lease: u64) {
        let Some(group) = self.groups.get_mut(&id).filter(|group| group.session == Some(lease)) else {
            return;
        };
        group.session = None;
        let running = group.pending_in_order().into_iter().filter(|(_, pending)| pending.is_running);
        let positions: Vec<u64> = running.map(|(position, _)| position).collect();
        if !positions.is_empty() {
            self.change(out, &Record::Released { group: id, positions });
        }
    }

    /// Counts attempts.
    pub(crate) fn begin(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        lease: u64,
        tokens: &[Token],
    ) -> Vec<Result<(), Error>> {
        let mut positions = Vec::with_capacity(tokens.len());
        // Behind it no position was seen yet; they mostly ascend.
        let mut seen = 0;
        let answers = tokens.iter().map(|token| {
            let is_new = self.check_token(id, lease, *token)?;
            let is_twice = token.position < seen && positions.contains(&token.position);
            if !is_new || is_twice {
                return Err(stale(*token));
            }
            seen = seen.max(token.position + 1);
            positions.push(token.position);
            Ok(())
        });
        let answers: Vec<Result<(), Error>> = answers.collect();
        let record = Record::Attempts { group: id, positions };
        if has_bug(Bug::AttemptNotWritten) {
            self.absorb(&record);
        } else if answers.iter().any(Result::is_ok) {
            self.change(out, &record);
        }
        answers
    }

    /// Settles. Runs of plain acknowledgements become one record.
    pub(crate) fn settle(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        lease: u64,
        batch: Vec<(Token, Settle)>,
        now: Timestamp,
    ) -> Vec<Result<(), Error>> {
        let mut answers = Vec::with_capacity(batch.len());
        // Plain acknowledgements that were accepted, and the places of their answers.
        let mut plain: Vec<(u64, usize)> = Vec::with_capacity(batch.len());
        for (token, settle) in batch {
            let is_plain = matches!(&settle, Settle::Ack { outputs } if outputs.is_empty());
            if !is_plain {
                self.acknowledge(out, id, &mut plain, &mut answers);
            }
            let answer = match self.check_token(id, lease, token) {
                Ok(_) if is_plain => {
                    plain.push((token.position, answers.len()));
                    Ok(())
                }
                Ok(_) => self.settle_one(out, id, token, settle, now),
                Err(error) => Err(error),
            };
            answers.push(answer);
        }
        self.acknowledge(out, id, &mut plain, &mut answers);
        answers
    }

    /// Acknowledges these positions in one record. One that is there twice is refused the second time.
    fn acknowledge(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        plain: &mut Vec<(u64, usize)>,
        answers: &mut [Result<(), Error>],
    ) {
        if plain.is_empty() {
            return;
        }
        plain.sort_unstable();
        let mut acked = Acked::default();
        let mut last = None;
        for (position, answer) in plain.drain(..) {
            if last != Some(position) {
                self.add_ack(id, position, &mut acked);
            } else if let Some(answer) = answers.get_mut(answer) {
                *answer = Err(settled(position));
            }
            last = Some(position);
        }
        self.change(out, &Record::Settled { group: id, acked });
    }

    /// Whether the token may begin now; `false`: it is running, and may settle.
    fn check_token(&self, id: u32, lease: u64, token: Token) -> Result<bool, Error> {
        let Some(group) = self.groups.get(&id).filter(|group| group.session == Some(lease)) else {
            return Err(stale(token));
        };
        let is_out = group.lease_of(token.position) == Some(token.lease)
            && !group.is_settled(token.position)
            && token.position < self.next_position;
        let (attempts, is_running) =
            group.pending.get(&token.position).map_or((0, false), |found| (found.attempts, found.is_running));
        let expected = if is_running { attempts } else { attempts + 1 };
        if is_out && token.attempt == expected { Ok(!is_running) } else { Err(stale(token)) }
    }

    fn settle_one(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        token: Token,
        settle: Settle,
        now: Timestamp,
    ) -> Result<(), Error> {
        match settle {
            Settle::Ack { outputs } => self.ack_with(out, id, token, outputs, now),
            Settle::Retry { after, failed } => {
                let due = now.checked_add(after).unwrap_or(Timestamp::MAX);
                let position = token.position;
                self.change(out, &Record::Retried(Retried { group: id, position, due, failed }));
                Ok(())
            }
            Settle::Reject { reason, failed, park } => {
                self.check_dead(id)?;
                self.reject(out, id, token, (reason, failed, now));
                if park {
                    self.hold(out, id, token.position, true);
                }
                Ok(())
            }
            Settle::Hold => {
                self.hold(out, id, token.position, false);
                Ok(())
            }
            Settle::Release => {
                let is_running = self.groups.get(&id).and_then(|group| group.pending.get(&token.position));
                if is_running.is_some_and(|pending| pending.is_running) {
                    self.change(out, &Record::Released { group: id, positions: vec![token.position] });
                }
                Ok(())
            }
            _ => Err(Error::new(ErrorKind::Unsupported, "settle: the broker does not know this settlement")),
        }
    }

    fn ack_with(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        token: Token,
        outputs: Vec<Outgoing>,
        now: Timestamp,
    ) -> Result<(), Error> {
        if let Some((_, error)) = self.refusal_of(&outputs, true, now) {
            return Err(error);
        }
        self.publish_outputs(out, outputs, now);
        let mut acked = Acked::default();
        self.add_ack(id, token.position, &mut acked);
        self.change(out, &Record::Settled { group: id, acked });
        Ok(())
    }

    /// Whether a group may have one more dead letter.
    fn check_dead(&self, id: u32) -> Result<(), Error> {
        let group = self.groups.get(&id).filter(|group| group.dead.len() >= self.limits.dead_letters_max);
        let Some(group) = group else { return Ok(()) };
        let text =
            "give a delivery up: the group has as many dead letters as it may; redrive or discard some";
        Err(Error::new(ErrorKind::Full, text).with("group", &group.spec.name))
    }

    fn reject(
        &mut self,
        out: &mut BatchBuf,
        id: u32,
        token: Token,
        (reason, failed, at): (ByteString, Option<AttemptRecord>, Timestamp),
    ) {
        let Some(group) = self.groups.get(&id) else { return };
        let start = self.span_start(group, token.position, &Acked::default());
        let dead = Dead { group: id, start, position: token.position, reason, at, failed };
        self.change(out, &Record::Dead(dead));
    }

    /// Passes over a key from a position on, or over that one record when it has no key. A parked position
    /// itself is a dead letter already.
    fn hold(&mut self, out: &mut BatchBuf, id: u32, position: u64, is_parked: bool) {
        let Some(group) = self.groups.get(&id) else { return };
        let inner = self.index.read();
        let Some(entry) = inner.entry(position).copied() else { return };
        let key = entry.key();
        let mut passed = Vec::new();
        if !is_parked {
            passed.push(position);
        }
        let can_pass = |later: &u64, class: u32| {
            *later > position
                && group.takes(class)
                && !group.is_settled(*later)
                && !group.pending.contains_key(later)
        };
        if let Some(key) = key {
            let from = inner.revision_before(key, position).max(1);
            let known = inner.positions_from(key, from);
            let known = known.filter_map(|later| inner.entry(later).map(|entry| (later, entry.class)));
            let unseen = self.fresh.iter().filter(|event| event.key == Some(key));
            let unseen = unseen.map(|event| (event.record.place.position, event.class));
            let all = known.chain(unseen).filter(|(later, class)| can_pass(later, *class));
            passed.extend(all.map(|(later, _)| later));
        } else if is_parked {
            return;
        }
        drop(inner);
        let at = key.and_then(|key| group.held_keys.get(&key)).copied().unwrap_or(position);
        let held = Held { group: id, position: at, class: entry.class, key, is_parked, passed };
        self.change(out, &Record::Held(held));
    }

    fn add_ack(&self, id: u32, position: u64, acked: &mut Acked) {
        let Some(group) = self.groups.get(&id) else { return };
        if group.reopened.contains_key(&position) {
            acked.reopened.push(position);
            return;
        }
        if let Some((_, to, count)) = acked.ranges.last_mut()
            && *to == position
        {
            *to = position + 1;
            *count += 1;
            return;
        }
        let start = self.span_start(group, position, acked);
        match acked.ranges.last_mut() {
            Some((_, to, count)) if *to == start => {
                *to = position + 1;
                *count += 1;
            }
            _ => acked.ranges.push((start, position + 1, 1)),
        }
    }

    /// Where the positions begin that are settled with this one: those before it that are not the group's.
    fn span_start(&self, group: &Group, position: u64, acked: &Acked) -> u64 {
        let is_done = |before: u64| {
            before < group.cursor
                || acked.ranges.last().is_some_and(|(from, to, _)| (*from..*to).contains(&before))
                || group.ranges.contains(before)
        };
        let mut start = position;
        if start == group.cursor || start.checked_sub(1).is_none_or(is_done) {
            return start;
        }
        let inner = self.index.read();
        while let Some(before) = start.checked_sub(1)
            && !is_done(before)
            && inner.entry(before).is_some_and(|entry| !group.takes(entry.class))
        {
            start = before;
        }
        start
    }
}

fn stale(token: Token) -> Error {
    settled(token.position).with("attempt", token.attempt)
}

fn settled(position: u64) -> Error {
    let text = "the delivery was settled, begun again or taken away since";
    Error::new(ErrorKind::Stale, text).with("position", position)
}
