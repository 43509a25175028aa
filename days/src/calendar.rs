//! Days and slots: the instants at which cycles are planned.
//!
//! A slot stands wherever the wall clock of the zone shows a multiple of the interval, counted from
//! midnight. On a day on which the clock is put forward there are fewer of them, on one on which it is put
//! back there are more: with 15 minutes 92 and 100 instead of 96. Wall times that a day does not have give no
//! slot, those that it has twice give two. A slot belongs to the date that the wall clock shows at it.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// A planned cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Its instant, which names it: no two slots have the same.
    pub start: Timestamp,
    /// What the wall clock shows then.
    pub wall: DateTime,
    /// Its place in its day, from 1.
    pub number: u16,
}

impl Slot {
    /// The day that it belongs to.
    pub fn date(&self) -> Date {
        self.wall.date()
    }
}
