//! Starting many processes: in their order, and never more at once than may be on their way to
//! their greeting, so that they wait for each other here and not in the system's queues.

use std::collections::{BTreeSet, VecDeque};

/// Processes to be started, each under a key.
#[derive(Debug)]
pub(super) struct Staging<Key, Order> {
    /// How many may be on their way.
    limit: usize,
    orders: VecDeque<(Key, Order)>,
    /// Started, and not greeted yet.
    greeting: BTreeSet<Key>,
    greeted: usize,
    /// Gone, and to be started again in a while.
    resting: BTreeSet<Key>,
}

impl<Key: Copy + Ord, Order> Staging<Key, Order> {
    /// Nothing is started yet.
    pub(super) fn new(limit: usize, orders: impl IntoIterator<Item = (Key, Order)>) -> Self {
        Self {
            limit,
            orders: orders.into_iter().collect(),
            greeting: BTreeSet::new(),
            greeted: 0,
            resting: BTreeSet::new(),
        }
    }

    /// The next process to start, which is then on its way; `None` while enough are.
    pub(super) fn next(&mut self) -> Option<Order> {
        if self.greeting.len() >= self.limit {
            return None;
        }
        let (key, order) = self.orders.pop_front()?;
        self.greeting.insert(key);
        Some(order)
    }

    /// A process has greeted.
    pub(super) fn greeted(&mut self, key: Key) {
        self.greeted += usize::from(self.greeting.remove(&key));
    }

    /// A process is gone, whether it had greeted or not, and is to be started again in a while.
    pub(super) fn gone(&mut self, key: Key) {
        if !self.greeting.remove(&key) {
            self.greeted = self.greeted.saturating_sub(1);
        }
        self.resting.insert(key);
    }

    /// One that was gone is to be started now.
    pub(super) fn again(&mut self, key: Key, order: Order) {
        self.resting.remove(&key);
        self.orders.push_back((key, order));
    }

    /// The first that is on its way.
    pub(super) fn first_greeting(&self) -> Option<Key> {
        self.greeting.first().copied()
    }

    /// How many have greeted.
    pub(super) fn here(&self) -> usize {
        self.greeted
    }

    /// How many there are, here or not.
    pub(super) fn all(&self) -> usize {
        self.orders.len() + self.greeting.len() + self.greeted + self.resting.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_than_the_limit_are_on_their_way_and_all_get_there() {
        let mut staging = Staging::new(64, (0..1000).map(|key| (key, key)));
        let (mut under_way, mut started) = (VecDeque::new(), Vec::new());
        loop {
            while let Some(order) = staging.next() {
                under_way.push_back(order);
                started.push(order);
                assert!(under_way.len() <= 64, "{} at once", under_way.len());
            }
            assert_eq!(staging.all(), 1000);
            let Some(order) = under_way.pop_front() else { break };
            assert_eq!(staging.first_greeting(), Some(order));
            staging.greeted(order);
        }
        assert_eq!(staging.here(), 1000);
        assert!(started.into_iter().eq(0..1000), "in their order");
    }

    #[test]
    fn one_that_is_gone_is_started_again() {
        let mut staging = Staging::new(1, [(1, "one"), (2, "two")]);
        assert_eq!(staging.next(), Some("one"));
        assert_eq!(staging.next(), None);
        staging.greeted(1);
        staging.gone(1);
        assert_eq!((staging.here(), staging.all()), (0, 2));
        staging.again(1, "one again");
        assert_eq!((staging.here(), staging.all()), (0, 2));
        assert_eq!(staging.next(), Some("two"));
        staging.greeted(2);
        assert_eq!(staging.next(), Some("one again"));
        staging.gone(1);
        assert_eq!((staging.here(), staging.all()), (1, 2), "it had not greeted");
    }
}
