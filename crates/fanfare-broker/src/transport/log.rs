use std::sync::Arc;

use fanfare_core::{Cursor, Epoch, KeyRange, Log, Page, Recorded, Ticket, Topic, TopicFilter};

use super::{
    broker::Broker,
    filter::Filter,
    walk::{Walk, split},
};
use crate::index::Found;

impl Log for Broker {
    fn epoch(&self) -> Epoch {
        self.core.source.epoch
    }

    fn end(&self) -> u64 {
        self.core.tick();
        self.core.index.visible()
    }

    fn head(&self, topic: &Topic, key: &str) -> u64 {
        self.core.tick();
        let visible = self.core.index.visible();
        let inner = self.core.index.read();
        inner.key_id(topic, key).map_or(0, |key| inner.revision_before(key, visible))
    }

    fn read_key(&self, topic: &Topic, key: &str, range: KeyRange) -> Ticket<Vec<Arc<Recorded>>> {
        if let Err(error) = self.check() {
            return Ticket::ready(Err(error));
        }
        self.core.tick();
        let visible = self.core.index.visible();
        let mut found: Vec<Found> = {
            let inner = self.core.index.read();
            let Some(id) = inner.key_id(topic, key) else { return Ticket::ready(Ok(Vec::new())) };
            let with_record = |position| (position, inner.record(position).cloned());
            if range.is_reverse {
                let head = inner.revision_before(id, visible).min(range.from);
                let from = (head + 1).saturating_sub(range.max as u64).max(inner.first_revision(id));
                let count = usize::try_from((head + 1).saturating_sub(from)).unwrap_or(usize::MAX);
                inner.positions_from(id, from).take(count).map(with_record).collect()
            } else {
                let positions = inner.positions_from(id, range.from).take(range.max);
                positions.take_while(|position| *position < visible).map(with_record).collect()
            }
        };
        let is_reverse = range.is_reverse;
        if found.iter().all(|(_, record)| record.is_some()) {
            if is_reverse {
                found.reverse();
            }
            return Ticket::ready(Ok(found.into_iter().filter_map(|(_, record)| record).collect()));
        }
        let positions: Vec<u64> = found.into_iter().map(|(position, _)| position).collect();
        self.core.try_read(move |source| {
            let mut records = source.load(&positions)?;
            if is_reverse {
                records.reverse();
            }
            Ok(records)
        })
    }

    fn read(&self, filter: &TopicFilter, from: Cursor, max: usize) -> Ticket<Page> {
        let epoch = self.epoch();
        let from = match self.check().and_then(|()| from.position_in(epoch)) {
            Ok(from) => from,
            Err(error) => return Ticket::ready(Err(error)),
        };
        self.core.tick();
        let to = self.core.index.visible();
        let mut walk = Walk::new(Filter::topics(filter.clone()), from.min(to));
        let mut found = Vec::new();
        while found.len() < max {
            let look = walk.look(&self.core, to, max - found.len(), |_, _| true);
            found.extend(look.found);
            if look.is_end {
                break;
            }
        }
        let next = Cursor::new(epoch, walk.next);
        match split(found) {
            Ok(records) => Ticket::ready(Ok(Page::new(records, next))),
            Err(positions) => self.core.try_read(move |source| Ok(Page::new(source.load(&positions)?, next))),
        }
    }
}
