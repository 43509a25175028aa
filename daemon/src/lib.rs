//! What **carries days of load out**: the daemon that lives for months.
//!
//! `days/` knows what is to be done; here are the clock, the disk and the network. The program
//! (`src/daemon/`) adds what needs a director: the resident world, and the command line.
//!
//! | module | holds |
//! |---|---|
//! | [`clock`] | the one clock: wall and steady time, and waiting for either |
//! | [`send`] | one send: what is asked, what comes back, the row that it leaves |
//! | [`latencies`] | how long answers took: percentiles in bounded memory |
//! | [`ledger`] | the embedded store: every slot, every send, every verdict; all counters are views of it |
//! | [`sender`] | makes a batch's sends at their planned instants, by bounded lanes, and says what became of each |
//! | [`target`] | what is asked: HTTP, chat endpoints; the world is the program's |
//! | [`subjects`] | who is asked: the agents of a list |
//! | [`asks`] | what is asked in a send, chosen by seed, slot, kind and number |
//! | [`suite`] | guardrail suites: cases, canaries, and who judges answers |
//! | [`csv`] | the documented CSVs, appended from what the ledger holds |
//! | [`summaries`] | a day's summary, drawn from the ledger |
//! | [`output`] | files that are the user's: how they are made and replaced |
//! | [`log`] | the log: levels, rotation by size that loses no line |
//! | [`notify`] | a webhook for what needs a person, a ping for whoever waits for one |
//! | [`heartbeat`] | that the daemon lives, and whether it gets on |
//! | [`exposition`] | figures for Prometheus and the state of health, on this machine |
//! | [`service_manager`] | what systemd is told: ready, alive, about to end |
//! | [`units`] | texts for systemd, supervisord and logrotate |
//! | [`estop`] | the emergency stop: a latch in a file, looked at before every send |
//! | `crew` | the actors, and who tells whom what |

pub mod asks;
pub mod board;
pub mod book;
pub mod clock;
pub mod crew;
pub mod csv;
pub mod estop;
pub mod exposition;
pub mod heartbeat;
pub mod instance;
pub mod latencies;
pub mod ledger;
pub mod log;
pub mod notify;
pub mod output;
pub mod rehearsal;
pub mod send;
pub mod sender;
pub mod service_manager;
pub mod subjects;
pub mod suite;
pub mod summaries;
pub mod target;
pub mod units;
