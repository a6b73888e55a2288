use std::collections::{BTreeMap, BTreeSet};

use fanfare_core::{Place, Receipt};

use crate::{driver::Started, machine::Group};

/// What was promised so far.
#[derive(Debug, Default)]
pub(super) struct Judge {
    /// Id of the event (the payload's number) to the place that its receipt gave.
    pub(super) receipts: BTreeMap<u64, Place>,
    pub(super) work: BTreeMap<u64, Work>,
    /// Whether the last settlement of a position brought an output.
    pub(super) outputs: BTreeMap<u64, bool>,
    /// Ids of delayed events with a receipt.
    pub(super) delayed: BTreeSet<String>,
}

/// What a group did with a position.
#[derive(Clone, Debug, Default)]
pub(super) struct Work {
    /// Attempts whose begin was answered, and how many of them a sync covers.
    pub(super) begun: u32,
    pub(super) begun_synced: u32,
    /// Attempts whose begin may have been written without an answer.
    pub(super) begun_unsure: u32,
    pub(super) is_running: bool,
    pub(super) is_running_synced: bool,
    /// A settlement was sent.
    pub(super) may_be_settled: bool,
    /// It was answered, and whether a sync covers it.
    pub(super) is_settled: bool,
    pub(super) is_settled_synced: bool,
}

/// How the last life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    First,
    Clean,
    /// What was written is there.
    Kill,
    /// What was synced is there.
    PowerCut,
}

impl Judge {
    pub(super) fn receipt(&mut self, number: u64, receipt: &Receipt) -> Result<(), String> {
        let place = receipt.place.ok_or("a receipt has no place")?;
        match self.receipts.insert(number, place) {
            Some(known)
                if (known.position, known.offset, known.revision)
                    != (place.position, place.offset, place.revision) =>
            {
                Err(format!("event {number} was at {known:?}, and a repeat of it is at {place:?}"))
            }
            _ => Ok(()),
        }
    }

    /// A sync that began after every answer so far has returned.
    pub(super) fn synced(&mut self) {
        for work in self.work.values_mut() {
            work.begun_synced = work.begun;
            work.is_running_synced = work.is_running;
            work.is_settled_synced = work.is_settled;
        }
    }

    /// Compares what a start found with what was promised, and goes on from what it found.
    pub(super) fn judge(&mut self, started: &Started, group: u32, end: End) -> Result<(), String> {
        let ids = self.judge_events(started)?;
        let is_late = |id: &&String| self.delayed.contains(*id);
        let (come, waiting) = (ids.iter().filter(is_late).count(), started.engine.machine.scheduled());
        if come + waiting < self.delayed.len() {
            let promised = self.delayed.len();
            return Err(format!("{promised} delayed events have receipts, {come} came, {waiting} wait"));
        }
        let Some(group) = started.engine.machine.group(group) else { return Ok(()) };
        for (position, has_output) in &self.outputs {
            let is_there = ids.contains(&format!("out-{position}"));
            if is_there != (*has_output && group.is_settled(*position)) {
                return Err(format!("the output of {position} and its settlement are not one write"));
            }
        }
        for (position, work) in &mut self.work {
            judge_work(*position, work, group, end)?;
        }
        for (_, place) in self.receipts.iter().filter(|(_, place)| !self.work.contains_key(&place.position)) {
            if group.is_settled(place.position) {
                return Err(format!("position {} is settled, and nobody settled it", place.position));
            }
        }
        Ok(())
    }

    /// Answers the ids that are there.
    fn judge_events(&self, started: &Started) -> Result<BTreeSet<String>, String> {
        let positions: Vec<u64> = (0..started.engine.machine.end()).collect();
        let records = started.source.load(&positions).map_err(|error| error.to_string())?;
        if records.len() != positions.len() {
            return Err("some position has no record".to_owned());
        }
        let (mut offsets, mut revisions, mut seen) = (BTreeMap::new(), BTreeMap::new(), BTreeSet::new());
        for (position, record) in positions.iter().zip(&records) {
            let (message, place) = (&record.message, &record.place);
            if place.position != *position {
                return Err(format!("the record at {position} says that it is at {}", place.position));
            }
            let offset = offsets.entry(message.topic.to_string()).or_insert(0);
            if std::mem::replace(offset, place.offset + 1) != place.offset {
                return Err(format!("the offset at {position} is not dense"));
            }
            if let Some(key) = &message.metadata.key {
                let revision = revisions.entry((message.topic.to_string(), key.clone())).or_insert(1);
                if std::mem::replace(revision, place.revision + 1) != place.revision {
                    return Err(format!("the revision at {position} is not dense"));
                }
            }
            if !seen.insert(message.metadata.id.to_string()) {
                return Err(format!("the event at {position} is there twice"));
            }
        }
        for (number, place) in &self.receipts {
            let found = usize::try_from(place.position).ok().and_then(|position| records.get(position));
            let is_it = found.is_some_and(|record| {
                *record.message.payload == *number.to_string().as_bytes()
                    && record.place.revision == place.revision
                    && record.place.offset == place.offset
            });
            if !is_it {
                return Err(format!("event {number} has a receipt for {place:?}, and is not there"));
            }
        }
        Ok(seen)
    }
}

fn judge_work(position: u64, work: &mut Work, group: &Group, end: End) -> Result<(), String> {
    let is_settled = group.is_settled(position);
    let pending = group.pending.get(&position).cloned().unwrap_or_default();
    let must_be_settled = if end == End::PowerCut { work.is_settled_synced } else { work.is_settled };
    if must_be_settled && !is_settled {
        return Err(format!("position {position} was settled, and is not"));
    }
    if is_settled && !work.may_be_settled {
        return Err(format!("position {position} is settled, and nobody settled it"));
    }
    if !is_settled {
        let least = if end == End::PowerCut { work.begun_synced } else { work.begun };
        let most = work.begun + work.begun_unsure;
        if !work.may_be_settled && !(least..=most).contains(&pending.attempts) {
            let attempts = pending.attempts;
            return Err(format!("position {position} has {attempts} attempts, not {least} to {most}"));
        }
        let was_running =
            if end == End::PowerCut { work.is_running_synced && work.is_running } else { work.is_running };
        if end != End::Clean && was_running && !work.may_be_settled && !pending.is_suspect {
            return Err(format!("position {position} was running, and is no suspect"));
        }
    }
    *work = Work {
        begun: pending.attempts,
        begun_synced: pending.attempts,
        may_be_settled: is_settled,
        is_settled,
        is_settled_synced: is_settled,
        ..Work::default()
    };
    Ok(())
}
