//! The worst of many, and how many others there were.

use std::cmp::Reverse;
use std::collections::BTreeMap;

/// Keeps the worst that it is offered, up to a number. Of two that are as bad the earlier is kept.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Worst<T> {
    max: usize,
    kept: BTreeMap<(u64, Reverse<u32>), T>,
    left_out: u64,
}

impl<T> Worst<T> {
    /// Keeps so many.
    pub(super) fn of(max: usize) -> Self {
        Self { max, kept: BTreeMap::new(), left_out: 0 }
    }

    /// Offers one, with its number; no two have the same.
    pub(super) fn offer(&mut self, badness: u64, number: u32, one: T) {
        let key = (badness, Reverse(number));
        if self.kept.len() < self.max {
            self.kept.insert(key, one);
            return;
        }
        self.left_out += 1;
        let is_worse = self.kept.first_key_value().is_some_and(|(mildest, _)| key > *mildest);
        if is_worse {
            self.kept.pop_first();
            self.kept.insert(key, one);
        }
    }

    /// Those that are kept, by their numbers.
    pub(crate) fn in_order(&self) -> Vec<&T> {
        let mut kept: Vec<_> = self.kept.iter().map(|((_, number), one)| (number.0, one)).collect();
        kept.sort_by_key(|(number, _)| *number);
        kept.into_iter().map(|(_, one)| one).collect()
    }

    /// How many were offered and are not kept.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_are_kept_and_told_in_their_order() {
        let mut worst = Worst::of(3);
        for (number, badness) in [(1, 5), (2, 0), (3, 9), (4, 7), (5, 5), (6, 0)] {
            worst.offer(badness, number, number);
        }
        assert_eq!(worst.in_order(), [&1, &3, &4]);
        assert_eq!(worst.left_out(), 3);
    }

    #[test]
    fn few_are_all_kept() {
        let mut worst = Worst::of(3);
        worst.offer(0, 2, "b");
        worst.offer(8, 1, "a");
        assert_eq!((worst.in_order(), worst.left_out()), (vec![&"a", &"b"], 0));
    }
}
