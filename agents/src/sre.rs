//! The SRE process: a mind that is shown telemetry and decides, a round at a time.

use crate::membership::{AgentError, Membership};
use bus::wire::{Brief, FromAgent, FromSre, Role, ToSre};
use worlds::message::Decision;
use worlds::sre::Mind;

/// Joins a run as an SRE and decides until the director says farewell.
pub fn think(membership: Membership) -> Result<(), AgentError> {
    let (mut member, brief) = membership.join(Role::Sre)?;
    let Brief::Sre(brief) = brief else { return Err(AgentError::WrongBrief) };
    let mut mind = Mind::new(&brief);
    loop {
        match member.hear()? {
            ToSre::Observe(observation, results) => {
                let mut decision = Decision::default();
                mind.decide(&observation, &results, &mut decision);
                member.say(&FromAgent::Sre(FromSre::Decide(decision)))?;
            }
            ToSre::Bye => return Ok(()),
            ToSre::Refused(why) => return Err(AgentError::Dropped(why)),
        }
    }
}
