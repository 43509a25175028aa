//! The crew: the actors that live through days, and who tells whom what.
//!
//! | who | owns | hears |
//! |---|---|---|
//! | [`foreman`] (actor) | what is done next: the conductor, the cycle under way | the clock, the cycle's end, stop, reload, emergency stop |
//! | [`forecaster`] (actor) | the next day's forecast | its own interval |
//! | [`clerk`] (thread) | the book: ledger, CSVs, summaries | what the others want written or read |
//! | [`cycle`] (task) | one cycle, in its [`stage`]s, of [`materials`] | its brake |

pub mod clerk;
pub mod cycle;
pub mod forecaster;
pub mod foreman;
pub mod materials;
pub mod stage;
