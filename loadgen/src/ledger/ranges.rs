//! A set of numbers kept as ranges: dense sets take no room, each hole takes eight bytes.

/// Numbers, as ascending ranges that do not touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ranges(Vec<(u64, u64)>);

impl Ranges {
    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether `number` is one of them.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        self.0.get(at).is_some_and(|range| range.0 <= number)
    }

    /// Adds one number; false when it was there already.
    pub fn insert(&mut self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        if self.0.get(at).is_some_and(|range| range.0 <= number) {
            return false;
        }
        let joins_left = at > 0 && self.0[at - 1].1 + 1 == number;
        let joins_right = self.0.get(at).is_some_and(|range| range.0 == number + 1);
        match (joins_left, joins_right) {
            (true, true) => self.0[at - 1].1 = self.0.remove(at).1,
            (true, false) => self.0[at - 1].1 = number,
            (false, true) => self.0[at].0 = number,
            (false, false) => self.0.insert(at, (number, number)),
        }
        true
    }

    /// Adds a range above all there are.
    ///
    /// # Panics
    /// When it is not above them.
    pub fn append(&mut self, first: u64, last: u64) {
        assert!(self.0.last().is_none_or(|range| range.1 < first), "ranges are appended in order");
        self.0.push((first, last));
    }

    /// Takes one number out; false when it was not there.
    pub fn remove(&mut self, number: u64) -> bool {
        let at = self.0.partition_point(|range| range.1 < number);
        let Some(&(first, last)) = self.0.get(at).filter(|range| range.0 <= number) else {
            return false;
        };
        match (first == number, last == number) {
            (true, true) => drop(self.0.remove(at)),
            (true, false) => self.0[at].0 = number + 1,
            (false, true) => self.0[at].1 = number - 1,
            (false, false) => {
                self.0[at].1 = number - 1;
                self.0.insert(at + 1, (number + 1, last));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    proptest! {
        #[test]
        fn ranges_behave_as_a_set(steps in prop::collection::vec((0..40_u64, any::<bool>()), 0..200)) {
            let (mut ranges, mut set) = (Ranges::default(), BTreeSet::new());
            for (number, insert) in steps {
                match insert {
                    true => prop_assert_eq!(ranges.insert(number), set.insert(number)),
                    false => prop_assert_eq!(ranges.remove(number), set.remove(&number)),
                }
                for number in 0..40 {
                    prop_assert_eq!(ranges.contains(number), set.contains(&number));
                }
                prop_assert!(ranges.0.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0));
                prop_assert_eq!(ranges.is_empty(), set.is_empty());
            }
        }
    }

    #[test]
    fn a_dense_set_is_one_range() {
        let mut ranges = Ranges::default();
        (0..1_000).for_each(|number| assert!(ranges.insert(number)));
        assert_eq!(ranges.0, [(0, 999)]);
        ranges.append(2_000, 3_000);
        assert!(ranges.contains(2_500) && !ranges.contains(1_500));
    }
}
