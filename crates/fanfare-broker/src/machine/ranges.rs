use std::collections::BTreeMap;

/// A set of positions as ranges that neither touch nor overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RangeSet {
    /// Start to end, the end exclusive.
    ranges: BTreeMap<u64, u64>,
}

impl RangeSet {
    pub(crate) fn contains(&self, position: u64) -> bool {
        self.end_of(position).is_some()
    }

    /// The end of the range that a position lies in.
    pub(crate) fn end_of(&self, position: u64) -> Option<u64> {
        self.ranges.range(..=position).next_back().and_then(|(_, end)| (*end > position).then_some(*end))
    }

    pub(crate) fn insert(&mut self, mut from: u64, mut to: u64) {
        if from >= to {
            return;
        }
        while let Some((start, end)) = self.ranges.range(..=to).next_back().map(|(start, end)| (*start, *end))
        {
            if end < from {
                break;
            }
            self.ranges.remove(&start);
            from = from.min(start);
            to = to.max(end);
        }
        self.ranges.insert(from, to);
    }

    pub(crate) fn remove(&mut self, position: u64) {
        let found = self.ranges.range(..=position).next_back().map(|(start, end)| (*start, *end));
        let Some((start, end)) = found.filter(|(_, end)| *end > position) else { return };
        self.ranges.remove(&start);
        for (from, to) in [(start, position), (position + 1, end)] {
            if from < to {
                self.ranges.insert(from, to);
            }
        }
    }

    /// Takes out what lies before `cursor` or begins at it, and returns where the rest begins.
    pub(crate) fn advance(&mut self, mut cursor: u64) -> u64 {
        while let Some(first) = self.ranges.first_entry().filter(|first| *first.key() <= cursor) {
            cursor = cursor.max(first.remove());
        }
        cursor
    }

    pub(crate) fn len(&self) -> usize {
        self.ranges.len()
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> + '_ {
        self.ranges.iter().map(|(start, end)| (*start, *end))
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
