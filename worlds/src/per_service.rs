//! One thing for each service of a server.
//!
//! Servers run a service or two, and what is said of these is made, moved and dropped in every round
//! of every server. So it lies where its message lies; memory of its own it takes only for a server
//! that runs more.

use serde::de::{SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use smallvec::SmallVec;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// How many services a server runs, most often, at most.
const USUAL: usize = 2;

/// One `T` for each service of a server, in the server's order. A slice, to whoever reads it.
#[derive(Clone, Debug, PartialEq)]
pub struct PerService<T>(SmallVec<[T; USUAL]>);

impl<T> PerService<T> {
    /// Writes over what is there.
    pub fn refill(&mut self, items: impl ExactSizeIterator<Item = T>) {
        // A server runs the same services in each round: nearly always there is a place for each.
        if self.len() == items.len() {
            for (place, item) in self.iter_mut().zip(items) {
                *place = item;
            }
        } else {
            self.0.clear();
            self.0.extend(items);
        }
    }
}

impl<T> Default for PerService<T> {
    /// Of no service at all.
    fn default() -> Self {
        Self(SmallVec::new())
    }
}

impl<T> Deref for PerService<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for PerService<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

impl<T> FromIterator<T> for PerService<T> {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self(items.into_iter().collect())
    }
}

impl<T: Serialize> Serialize for PerService<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(&self.0)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for PerService<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Items(PhantomData))
    }
}

struct Items<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for Items<T> {
    type Value = PerService<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one thing for each service")
    }

    /// Room is made as items arrive, whatever number of them was announced.
    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        let mut all = SmallVec::new();
        while let Some(item) = items.next_element()? {
            all.push(item);
        }
        Ok(PerService(all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::value::SeqDeserializer;

    #[test]
    fn it_is_written_as_a_list_is() {
        for count in [0, 1, USUAL, USUAL + 5] {
            let list: Vec<usize> = (0..count).collect();
            let text = serde_json::to_string(&list).expect("it is a list of numbers");
            let read: PerService<usize> = serde_json::from_str(&text).expect("it was just written");
            assert_eq!(*read, *list);
            assert_eq!(serde_json::to_string(&read).expect("it was just read"), text);
        }
    }

    /// Announces far more than it has.
    struct Boaster(std::vec::IntoIter<u8>);

    impl Iterator for Boaster {
        type Item = u8;

        fn next(&mut self) -> Option<u8> {
            self.0.next()
        }

        fn size_hint(&self) -> (usize, Option<usize>) {
            (usize::MAX, Some(usize::MAX))
        }
    }

    #[test]
    fn no_room_is_made_for_what_is_only_announced() {
        let boaster = Boaster(vec![1, 2, 3].into_iter());
        let list = SeqDeserializer::<_, serde::de::value::Error>::new(boaster);
        let read = PerService::<u8>::deserialize(list).expect("three numbers");
        assert_eq!(*read, [1, 2, 3]);
    }

    #[test]
    fn what_is_refilled_forgets_what_was_there() {
        let mut items: PerService<u8> = (0..5).collect();
        items.refill([9].into_iter());
        assert_eq!(*items, [9]);
    }
}
