//! What a day of load **is**: which cycles it has, what each of them sends, and what it came to.
//!
//! The daemon (`daemon/`) lives through days; this crate knows what they are made of. Values in, values
//! out: no clock, no I/O, no runtime. Time arrives as an argument, so a rehearsal plays a year of the
//! production's own decisions in a minute, and a test steps the clock back by an hour without one.
//!
//! | module | holds |
//! |---|---|
//! | [`config`] | the configuration: the original JSON and the TOML with more, one set of types, every key with its default |
//! | [`calendar`] | days and slots in a time zone: where the clock changes there are fewer or more of them |
//! | [`profile`] | load profiles: how much a cycle may send, and how fast |
//! | [`schedule`] | which load profile holds when: windows before busy hours before quiet hours, and `normal` else |
//! | [`pace`] | how many requests a slot's cycle makes, so that the day lands on its target |
//! | [`lint`] | what a day would come to, said before it begins |
//! | [`week`] | a week of that, to be looked at |
//! | [`order`] | a cycle's order: two batches of planned sends, and the instants of the sends |
//! | [`slot_state`] | how a slot stands, and how it ended |
//! | [`account`] | what became of planned sends: sent, late, dropped or skipped, to the unit |
//! | [`conductor`] | what is to be done next: begin a cycle, wait, cool down, end |
//! | [`guardrail`] | verdicts: blocked, breached or undetermined, and how they are folded |
//! | [`forecast`] | the next day's load, predicted from the last week's |
//! | [`shown`] | others' words in a line of ours |
//! | [`summary`] | what a day came to, as a document |
//!
//! A *day* is a date in the configured zone. A *slot* is an instant at which a cycle is planned, aligned to
//! the wall clock. A *cycle* is what is done in a slot: it sends a batch of *operations* (requests that a
//! user would make) and a batch of *guardrail* tests (requests that must be refused).

pub mod account;
pub mod calendar;
pub mod conductor;
pub mod config;
pub mod forecast;
pub mod guardrail;
pub mod lint;
pub mod order;
pub mod pace;
pub mod profile;
pub mod schedule;
pub mod shown;
pub mod slot_state;
pub mod summary;
pub mod week;
