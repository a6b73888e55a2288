//! Judges what the child told over all its runs.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    fmt,
};

use crate::{Line, Work};

/// A promise that was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(pub String);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

type GroupKey = (String, String);

/// Listens to every run, and gives its verdict after the last one, which must have drained.
#[derive(Debug, Default)]
pub struct Judge {
    acked: BTreeMap<Work, u64>,
    logged: BTreeMap<String, Vec<(u64, String)>>,
    /// Per group and key: the newest revision that was started.
    newest: HashMap<GroupKey, u64>,
    /// Per group, key and revision: the last attempt told, and whether it ended well.
    attempts: HashMap<(GroupKey, u64), (u32, bool)>,
    /// Ids that a group has handled well.
    handled: HashMap<String, HashSet<String>>,
    /// Per group, key and revision: the event's id.
    ids: HashMap<(GroupKey, u64), String>,
    running: HashSet<(GroupKey, u64)>,
    publishing: HashSet<Work>,
    is_drained: bool,
    violations: Vec<Violation>,
    first_deliveries: u64,
    redeliveries: u64,
}

impl Judge {
    /// Takes one line of the current run.
    pub fn hear(&mut self, line: &Line) {
        match line {
            Line::Ready => {}
            Line::Publishing(work) => {
                self.publishing.insert(work.clone());
            }
            Line::Acked { work, revision } => {
                self.publishing.remove(work);
                if let Some(before) = self.acked.insert(work.clone(), *revision)
                    && before != *revision
                {
                    self.violate(format!(
                        "{work:?} was acknowledged at revision {before}, then at {revision}"
                    ));
                }
            }
            Line::Start { group, key, revision, attempt, id } => {
                self.start((group.clone(), key.clone()), *revision, *attempt, id);
            }
            Line::End { group, key, revision, attempt, is_ok } => {
                self.end((group.clone(), key.clone()), *revision, *attempt, *is_ok);
            }
            Line::Drained => self.is_drained = true,
            Line::Logged { work, revision } => {
                self.logged.entry(work.key.clone()).or_default().push((*revision, work.id.clone()));
            }
        }
    }

    fn start(&mut self, of: GroupKey, revision: u64, attempt: u32, id: &str) {
        if self.running.iter().any(|(other, _)| *other == of) {
            self.violate(format!("{of:?}: revision {revision} started while another of the key was running"));
        }
        let newest = self.newest.get(&of).copied().unwrap_or(0);
        match self.attempts.get(&(of.clone(), revision)).copied() {
            None if revision != newest + 1 => {
                self.violate(format!("{of:?}: first delivery of revision {revision} after that of {newest}"));
            }
            // A record that was begun but had not told it when the process ended has used up that attempt.
            None | Some(_) if attempt == 0 => {
                self.violate(format!("{of:?}: revision {revision} ran as attempt 0"))
            }
            None => {}
            Some((before, _)) if attempt <= before => {
                self.violate(format!(
                    "{of:?}: revision {revision} ran as attempt {attempt} after attempt {before}"
                ));
            }
            // The next of a key begins only once the settlement before it was handed to the operating system.
            Some(_) if newest > revision => {
                self.violate(format!("{of:?}: revision {revision} again after {newest} had started"));
            }
            Some(_) => self.redeliveries += 1,
        }
        if revision > newest {
            self.first_deliveries += 1;
            self.newest.insert(of.clone(), revision);
        }
        let told = self.ids.entry((of.clone(), revision)).or_insert_with(|| id.to_owned()).clone();
        if told != id {
            self.violate(format!("{of:?}: revision {revision} was `{told}`, now `{id}`"));
        }
        self.attempts.insert((of.clone(), revision), (attempt, false));
        self.running.insert((of, revision));
    }

    fn end(&mut self, of: GroupKey, revision: u64, attempt: u32, is_ok: bool) {
        if !self.running.remove(&(of.clone(), revision)) {
            self.violate(format!("{of:?}: revision {revision} ended without having started"));
        }
        if is_ok {
            if let Some(id) = self.ids.get(&(of.clone(), revision)) {
                self.handled.entry(of.0.clone()).or_default().insert(id.clone());
            }
            self.attempts.insert((of, revision), (attempt, true));
        }
    }

    /// Whether a publish and a handler are in flight.
    pub fn is_busy(&self) -> bool {
        !self.publishing.is_empty() && !self.running.is_empty()
    }

    /// The run was killed: what it was doing is over.
    pub fn killed(&mut self) {
        self.running.clear();
    }

    /// Publishes whose fate nobody knows: the next run publishes them again with the same ids.
    pub fn take_unknown(&mut self) -> Vec<Work> {
        let mut unknown: Vec<Work> = self.publishing.drain().collect();
        unknown.sort();
        unknown
    }

    /// What was promised and not kept. `groups`: every group that ran.
    pub fn verdict(mut self, groups: &[&str]) -> Result<Summary, Vec<Violation>> {
        if !self.is_drained {
            self.violate("the last run did not drain".to_owned());
        }
        for (key, log) in std::mem::take(&mut self.logged) {
            let mut ids = HashSet::new();
            for (index, (revision, id)) in log.iter().enumerate() {
                if *revision != index as u64 + 1 {
                    self.violate(format!(
                        "key {key}: the log has revision {revision} at place {}",
                        index + 1
                    ));
                }
                if !ids.insert(id.clone()) {
                    self.violate(format!("key {key}: `{id}` is in the log twice"));
                }
            }
            for (work, revision) in self.acked.clone().iter().filter(|(work, _)| work.key == key) {
                if !log.contains(&(*revision, work.id.clone())) {
                    self.violate(format!(
                        "{work:?} was acknowledged at revision {revision}, and is not there"
                    ));
                }
            }
            self.acked.retain(|work, _| {
                let is_there = work.key == key;
                if is_there {
                    for group in groups {
                        if !self.handled.get(*group).is_some_and(|ids| ids.contains(&work.id)) {
                            self.violations.push(Violation(format!(
                                "{work:?} was acknowledged, `{group}` never handled it"
                            )));
                        }
                    }
                }
                !is_there
            });
        }
        if let Some((work, _)) = self.acked.first_key_value() {
            let text = format!("{work:?} was acknowledged, its key is not in the log");
            self.violate(text);
        }
        if self.violations.is_empty() {
            Ok(Summary { first_deliveries: self.first_deliveries, redeliveries: self.redeliveries })
        } else {
            Err(self.violations)
        }
    }

    fn violate(&mut self, text: String) {
        self.violations.push(Violation(text));
    }
}

/// What was judged.
#[derive(Clone, Copy, Debug)]
pub struct Summary {
    /// Records whose handler ran for the first time.
    pub first_deliveries: u64,
    /// Attempts after the first one.
    pub redeliveries: u64,
}

#[cfg(test)]
mod tests {
    use super::Judge;
    use crate::{Line, Work};

    fn work(id: &str) -> Work {
        Work { key: "k".into(), id: id.into() }
    }

    fn start(revision: u64, attempt: u32) -> Line {
        Line::Start { group: "g".into(), key: "k".into(), revision, attempt, id: format!("e{revision}") }
    }

    fn end(revision: u64, attempt: u32, is_ok: bool) -> Line {
        Line::End { group: "g".into(), key: "k".into(), revision, attempt, is_ok }
    }

    /// A whole run that keeps every promise, with `change` applied.
    fn judge(change: impl Fn(&mut Vec<Line>)) -> Result<(), String> {
        let mut lines = vec![
            Line::Publishing(work("e1")),
            Line::Acked { work: work("e1"), revision: 1 },
            Line::Acked { work: work("e2"), revision: 2 },
            start(1, 1),
            end(1, 1, false),
            start(1, 2),
            end(1, 2, true),
            start(2, 1),
            end(2, 1, true),
            Line::Logged { work: work("e1"), revision: 1 },
            Line::Logged { work: work("e2"), revision: 2 },
            Line::Drained,
        ];
        change(&mut lines);
        let mut judge = Judge::default();
        lines.iter().for_each(|line| judge.hear(line));
        judge.verdict(&["g"]).map(drop).map_err(|violations| format!("{violations:?}"))
    }

    #[test]
    fn a_run_that_keeps_its_promises_passes() {
        judge(|_| ()).unwrap();
    }

    type Change = fn(&mut Vec<Line>);

    #[test]
    fn each_broken_promise_is_found() {
        let cases: [(&str, Change); 8] = [
            ("never handled", |lines| lines[8] = end(2, 1, false)),
            ("is not there", |lines| lines[10] = Line::Logged { work: work("e3"), revision: 2 }),
            ("first delivery", |lines| lines.drain(3..7).for_each(drop)),
            ("was running", |lines| lines.swap(6, 7)),
            ("after attempt 1", |lines| lines[5] = start(1, 1)),
            ("twice", |lines| lines[10] = Line::Logged { work: work("e1"), revision: 2 }),
            ("at place", |lines| lines[10] = Line::Logged { work: work("e2"), revision: 3 }),
            ("did not drain", |lines| drop(lines.pop())),
        ];
        for (words, change) in cases {
            let verdict = judge(change).unwrap_err();
            assert!(verdict.contains(words), "{words}: {verdict}");
        }
    }
}
