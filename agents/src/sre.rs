//! The SRE process: a mind that is shown telemetry and decides, a round at a time.

use crate::membership::{AgentError, Membership};
use bus::wire::{Brief, FromAgent, Role, ToSre};
use worlds::definition::SreKind;
use worlds::message::Decision;
use worlds::sre::Mind;

/// Joins a run as an SRE and decides until the director says farewell.
pub fn think(membership: Membership) -> Result<(), AgentError> {
    let (mut member, brief) = membership.join(Role::Sre)?;
    let Brief::Sre(brief) = brief else { return Err(AgentError::WrongBrief) };
    if brief.kind == SreKind::Exec {
        return Err(AgentError::NoProgram { name: brief.name });
    }
    let mut mind = Mind::new(&brief);
    let (mut results, mut decision) = (Vec::new(), Decision::default());
    loop {
        match member.hear()? {
            ToSre::Results(news) => results = news.into_owned(),
            ToSre::Observe(observation) => {
                mind.decide(&observation, &results, &mut decision);
                member.say(&FromAgent::decision(&decision))?;
                results.clear();
            }
            ToSre::Bye => return Ok(()),
            ToSre::Refused(why) => return Err(AgentError::Dropped(why)),
        }
    }
}
