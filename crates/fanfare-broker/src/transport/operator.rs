use fanfare_core::{DeadLetter, GroupName, GroupStatus, Operator, Selection, Stats, Ticket};

use super::broker::Broker;
use crate::driver::Command;

impl Operator for Broker {
    fn groups(&self) -> Ticket<Vec<GroupStatus>> {
        self.ask(|promise| Command::Groups { promise })
    }

    fn dead_letters(&self, group: &GroupName, from: u64, max: usize) -> Ticket<Vec<DeadLetter>> {
        let group = group.clone();
        self.ask(|promise| Command::DeadLetters { group, from, max, promise })
    }

    fn redrive(&self, group: &GroupName, which: Selection) -> Ticket<u64> {
        let group = group.clone();
        self.ask(|promise| Command::Redrive { group, which, promise })
    }

    fn discard(&self, group: &GroupName, which: Selection) -> Ticket<u64> {
        let group = group.clone();
        self.ask(|promise| Command::Discard { group, which, promise })
    }

    fn delete_group(&self, group: &GroupName) -> Ticket<()> {
        let group = group.clone();
        self.ask(|promise| Command::Delete { group, promise })
    }

    fn stats(&self) -> Stats {
        let index = &self.core.index;
        let records = index.visible().saturating_sub(index.read().start());
        self.core.figures.stats(records)
    }
}
