//! The SRE process of a program: it stands between the bus and the program, a round at a time.

use crate::membership::{AgentError, Membership};
use crate::program::talk::Attendant;
use crate::program::{Means, Program};
use bus::wire::{Brief, FromAgent, Role, ToSre};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;
use worlds::definition::SreKind;
use worlds::inline::Outside as _;
use worlds::message::Decision;

/// For an answer where the run takes the SRE for one of its own kinds: there the director waits for five
/// seconds, and loses whoever is later.
const OWN_KIND_DEADLINE: Duration = Duration::from_secs(4);

/// Joins a run as an SRE and has a program decide until the director says farewell.
pub fn relay(membership: Membership, mut means: Means) -> Result<(), AgentError> {
    let (mut member, brief) = membership.join(Role::Sre)?;
    let Brief::Sre(brief) = brief else { return Err(AgentError::WrongBrief) };
    if brief.kind != SreKind::Exec {
        means.deadline = Some(means.deadline.map_or(OWN_KIND_DEADLINE, |limit| limit.min(OWN_KIND_DEADLINE)));
    }
    let bus = BusWatch(member.watch()?);
    let mut program = Program::start(&means, &brief, Box::new(bus));
    if let Some(why) = program.trouble() {
        return Err(AgentError::NotStarted(why));
    }
    let (mut results, mut decision) = (Vec::new(), Decision::default());
    loop {
        // Of what has come already no descriptor tells.
        if member.is_caught_up() {
            program.rest();
        }
        match member.hear()? {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(observation) => {
                program.decide(&observation, &results, &mut decision);
                // Whoever left does not wait for this; why is heard next.
                if !program.was_left() {
                    match member.say(&FromAgent::decision(&decision)) {
                        // It may have said farewell before, which is heard next.
                        Ok(()) | Err(AgentError::DirectorGone) => {}
                        Err(error) => return Err(error),
                    }
                }
                results.clear();
            }
            ToSre::Bye => {
                program.end();
                return Ok(());
            }
            ToSre::Refused(why) => return Err(AgentError::Dropped(why)),
        }
    }
}

/// The bus, on which nothing comes while a question is open but the end.
#[derive(Debug)]
struct BusWatch(OwnedFd);

impl Attendant for BusWatch {
    fn wake(&self) -> Option<BorrowedFd<'_>> {
        Some(self.0.as_fd())
    }
}
