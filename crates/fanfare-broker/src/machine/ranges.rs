use std::collections::VecDeque;

/// A set of positions as ranges that neither touch nor overlap.
///
/// They stand in order in one piece of memory. What is settled lies near the end, so that little moves when a range
/// comes or goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet {
    /// Start and end, the end exclusive.
    ranges: VecDeque<(u64, u64)>,
}

impl RangeSet {
    pub(crate) fn contains(&self, position: u64) -> bool {
        self.at(position).is_some()
    }

    /// The end of the range that a position lies in.
    pub(crate) fn end_of(&self, position: u64) -> Option<u64> {
        self.ranges.get(self.at(position)?).map(|(_, end)| *end)
    }

    pub(crate) fn insert(&mut self, from: u64, to: u64) {
        if from >= to {
            return;
        }
        // Those that touch or overlap it.
        let first = self.ranges.partition_point(|(_, end)| *end < from);
        let touching = self.ranges.range(first..).take_while(|(start, _)| *start <= to).count();
        let Some(last) = touching.checked_sub(1).and_then(|more| self.ranges.get(first + more)).copied()
        else {
            return self.ranges.insert(first, (from, to));
        };
        if let Some((start, end)) = self.ranges.get_mut(first) {
            *start = from.min(*start);
            *end = to.max(last.1);
        }
        match touching {
            1 => {}
            2 => drop(self.ranges.remove(first + 1)),
            _ => drop(self.ranges.drain(first + 1..first + touching)),
        }
    }

    pub(crate) fn remove(&mut self, position: u64) {
        let Some(at) = self.at(position) else { return };
        let Some((start, end)) = self.ranges.remove(at) else { return };
        // Backwards, so that both are inserted at the same place.
        for (from, to) in [(position + 1, end), (start, position)] {
            if from < to {
                self.ranges.insert(at, (from, to));
            }
        }
    }

    /// Takes out what lies before `cursor` or begins at it, and returns where the rest begins.
    pub(crate) fn advance(&mut self, mut cursor: u64) -> u64 {
        while let Some((_, end)) = self.ranges.pop_front_if(|(start, _)| *start <= cursor) {
            cursor = cursor.max(end);
        }
        cursor
    }

    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> + '_ {
        self.ranges.iter().copied()
    }

    /// The range that a position lies in.
    fn at(&self, position: u64) -> Option<usize> {
        let at = self.ranges.partition_point(|(_, end)| *end <= position);
        self.ranges.get(at).filter(|(start, _)| *start <= position).map(|_| at)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::RangeSet;

    proptest! {
        #[test]
        fn a_range_set_is_a_set_in_the_fewest_ranges(
            steps in prop::collection::vec((0_u64..40, 0_u64..6, any::<bool>()), 0..60)
        ) {
            let (mut ranges, mut model) = (RangeSet::default(), BTreeSet::new());
            for (from, len, is_insert) in steps {
                if is_insert {
                    ranges.insert(from, from + len);
                    model.extend(from..from + len);
                } else {
                    ranges.remove(from);
                    model.remove(&from);
                }
            }
            for position in 0..50 {
                prop_assert_eq!(ranges.contains(position), model.contains(&position));
            }
            let all: Vec<_> = ranges.iter().collect();
            prop_assert!(all.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }

    #[test]
    fn the_cursor_takes_in_what_touches_it() {
        let mut ranges = RangeSet::default();
        ranges.insert(3, 5);
        ranges.insert(7, 9);
        assert_eq!(ranges.advance(2), 2);
        assert_eq!(ranges.advance(3), 5);
        assert_eq!(ranges.iter().collect::<Vec<_>>(), [(7, 9)]);
        assert_eq!(ranges.advance(8), 9);
        assert_eq!(ranges.len(), 0);
    }
}
