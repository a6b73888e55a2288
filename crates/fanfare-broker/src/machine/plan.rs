//! Planning: everything that is refused at once, or groups are created, renamed and deleted.

use std::collections::HashSet;

use fanfare_core::{
    Claim, GroupName, GroupSpec, Orphan, Plan, PlanReport, PlannedGroup, PlannedStart, Refusal, Refusals,
    Start, TopicFilter,
};

use super::{group::Group, state::Machine};
use crate::{
    journal::BatchBuf,
    record::{Created, Record, Refiltered},
};

impl Machine {
    /// Checks a plan as a whole and, when nothing is refused, carries it out. The index must have seen every
    /// event. `position_of` says where a start is.
    pub(crate) fn plan(
        &mut self,
        out: &mut BatchBuf,
        plan: &Plan,
        position_of: impl Fn(Start) -> u64,
    ) -> Result<PlanReport, Refusals> {
        let refusals = self.refusals(plan);
        if !refusals.is_empty() {
            return Err(Refusals(refusals));
        }
        for name in &plan.delete {
            if let Some(group) = self.names.get(name).copied() {
                self.change(out, &Record::GroupDeleted { group });
            }
        }
        let mut report = PlanReport::default();
        for planned in &plan.groups {
            report.groups.push(self.carry_out(out, planned, &position_of));
        }
        report.orphans =
            self.orphans(plan).map(|(_, group)| Orphan::new(group.spec.name.clone(), group.lag)).collect();
        Ok(report)
    }

    /// The first position that a group has not settled.
    pub(crate) fn oldest_unsettled(&self, group: &Group) -> Option<u64> {
        let inner = self.index.read();
        let mut position = group.cursor.max(inner.start());
        let ahead = loop {
            match inner.entry(position) {
                None => break None,
                Some(entry) if group.takes(entry.class) && !group.ranges.contains(position) => {
                    break Some(position);
                }
                Some(_) => position = group.ranges.end_of(position).unwrap_or(position + 1),
            }
        };
        let reopened = group.reopened.keys().next().copied();
        [ahead, reopened].into_iter().flatten().min()
    }

    fn refusals(&self, plan: &Plan) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let (mut names, mut renamed) = (HashSet::new(), HashSet::new());
        for name in &plan.delete {
            if self.is_active(name) {
                let text = "it cannot be deleted while a consumer has it; stop that application first";
                refusals.push(Refusal::of(name, text));
            }
        }
        for planned in &plan.groups {
            let name = &planned.spec.name;
            if !names.insert(name) {
                refusals.push(Refusal::of(name, "two handlers have this name; give one `.named(..)`"));
            }
            if plan.delete.contains(name) {
                refusals.push(Refusal::of(name, "it is to be deleted, and a handler claims it"));
            }
            if self.names.contains_key(name) {
                continue;
            }
            match &planned.claim {
                Claim::RenamedFrom(old) if self.names.contains_key(old) => {
                    let is_claimed = plan.groups.iter().any(|other| other.spec.name == *old);
                    if plan.delete.contains(old) {
                        // The deletion would come first: the new group would begin with all history.
                        let text = format!(
                            "it is renamed from `{old}`, which is to be deleted; say `.renamed_from(..)` or \
                             `App::delete_group(..)`, not both"
                        );
                        refusals.push(Refusal::of(name, text));
                    } else if is_claimed {
                        let text = format!("it is renamed from `{old}`, which another handler claims");
                        refusals.push(Refusal::of(name, text));
                    } else if !renamed.insert(old) {
                        let text = format!("two handlers are renamed from `{old}`");
                        refusals.push(Refusal::of(name, text));
                    } else if self.is_active(old) {
                        let text = format!(
                            "it is renamed from `{old}`, which a consumer has now; stop that one first"
                        );
                        refusals.push(Refusal::of(name, text));
                    }
                }
                Claim::StartAt(Start::Position(cursor)) => {
                    if let Err(error) = cursor.position_in(self.epoch()) {
                        refusals.push(Refusal::of(name, error.to_string()));
                    }
                }
                // Renamed from a group that is gone is no error, and says nothing of those that are there.
                Claim::Unsaid | Claim::RenamedFrom(_) => refusals.extend(self.orphan_refusal(plan, planned)),
                _ => {}
            }
        }
        refusals
    }

    fn orphan_refusal(&self, plan: &Plan, planned: &PlannedGroup) -> Option<Refusal> {
        let is_spoken_for = |name: &GroupName| {
            plan.groups.iter().any(|other| matches!(&other.claim, Claim::RenamedFrom(old) if old == name))
        };
        let mut alike = self
            .orphans(plan)
            .filter(|(_, group)| !is_spoken_for(&group.spec.name) && overlaps(&group.spec, &planned.spec));
        let (_, orphan) = alike.next()?;
        let old = &orphan.spec.name;
        let text = format!(
            "it is new, and `{old}` ({} records to handle) takes the same events but no handler claims it. \
             If the handler was renamed, say `.renamed_from(\"{}\")`; if it is another one, say \
             `.start_at(..)`; if the old one is no longer wanted, `App::delete_group(\"{}\")`",
            orphan.lag,
            old.handler(),
            old.handler(),
        );
        Some(Refusal::of(&planned.spec.name, text))
    }

    /// Groups of the plan's application and role that it neither claims nor deletes.
    fn orphans<'a>(&'a self, plan: &'a Plan) -> impl Iterator<Item = (u32, &'a Group)> {
        self.groups().filter(|(_, group)| {
            let name = &group.spec.name;
            name.application() == plan.application
                && name.role() == plan.role
                && !plan.delete.contains(name)
                && !plan.groups.iter().any(|planned| planned.spec.name == *name)
        })
    }

    fn is_active(&self, name: &GroupName) -> bool {
        let group = self.names.get(name).and_then(|id| self.groups.get(id));
        group.is_some_and(|group| group.session.is_some())
    }

    fn carry_out(
        &mut self,
        out: &mut BatchBuf,
        planned: &PlannedGroup,
        position_of: impl Fn(Start) -> u64,
    ) -> PlannedStart {
        let spec = &planned.spec;
        if let Claim::RenamedFrom(old) = &planned.claim
            && !self.names.contains_key(&spec.name)
            && let Some(group) = self.names.get(old).copied()
        {
            self.change(out, &Record::GroupRenamed { group, name: spec.name.clone() });
        }
        let Some(id) = self.names.get(&spec.name).copied() else {
            let start = match planned.claim {
                Claim::StartAt(start) => start,
                _ => Start::Earliest,
            };
            let cursor = position_of(start).min(self.next_position);
            let lag = self.count(cursor, self.next_position, |topic, kind| spec.takes(topic, kind));
            let created = Created { group: self.next_group, spec: spec.clone(), cursor, lag };
            self.change(out, &Record::GroupCreated(created));
            return PlannedStart::new(spec.name.clone(), true, lag, None, 0);
        };
        let passed_by = self.refilter(out, id, spec);
        let lag = self.groups.get(&id).map_or(0, |group| group.lag);
        PlannedStart::new(spec.name.clone(), false, lag, None, passed_by)
    }

    /// Gives a group another filter, and answers how many records before its cursor that passes by.
    fn refilter(&mut self, out: &mut BatchBuf, id: u32, spec: &GroupSpec) -> u64 {
        let Some(group) = self.groups.get(&id) else { return 0 };
        if group.spec.topics == spec.topics && group.spec.types == spec.types {
            return 0;
        }
        let old = &group.spec;
        let is_added = |topic: &str, kind: &str| spec.takes(topic, kind) && !old.takes(topic, kind);
        let passed_by = self.count(0, group.cursor, is_added);
        let (mut unsettled, mut lag) = (Vec::new(), group.reopened.len() as u64);
        {
            let inner = self.index.read();
            for position in group.cursor..self.next_position {
                let Some(class) = inner.entry(position).and_then(|entry| inner.class(entry.class)) else {
                    continue;
                };
                let (topic, kind) = (class.topic.as_str(), &*class.event_type);
                let was_settled = group.ranges.contains(position);
                if was_settled && is_added(topic, kind) {
                    unsettled.push(position);
                    lag += 1;
                } else if !was_settled && spec.takes(topic, kind) {
                    lag += 1;
                }
            }
        }
        let (topics, types) = (spec.topics.clone(), spec.types.clone());
        self.change(out, &Record::GroupFilter(Refiltered { group: id, topics, types, unsettled, lag }));
        passed_by
    }

    /// How many events from one position to another are of these topics and types.
    fn count(&self, from: u64, to: u64, is_counted: impl Fn(&str, &str) -> bool) -> u64 {
        let inner = self.index.read();
        let is_class_counted: Vec<bool> =
            inner.classes().iter().map(|class| is_counted(class.topic.as_str(), &class.event_type)).collect();
        let entries = (from.max(inner.start())..to).filter_map(|position| inner.entry(position));
        let counted = |class: u32| is_class_counted.get(class as usize).copied().unwrap_or(false);
        entries.filter(|entry| counted(entry.class)).count() as u64
    }
}

fn overlaps(left: &GroupSpec, right: &GroupSpec) -> bool {
    let any = |left: &[TopicFilter], right: &[TopicFilter]| {
        left.iter().any(|left| right.iter().any(|right| left.overlaps(right)))
    };
    any(&left.topics, &right.topics)
        && (left.types.is_empty() || right.types.is_empty() || any(&left.types, &right.types))
}
