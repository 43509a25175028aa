//! The server process: it steps the physics of one server, a tick at a time, and answers single requests as
//! the last tick has left it.

use crate::membership::{AgentError, Membership};
use bus::wire::{Brief, FromAgent, Role, ToServer};
use worlds::message::Report;
use worlds::server::Server;

/// Joins a run as a server and reports until the director says farewell.
pub fn serve(membership: Membership) -> Result<(), AgentError> {
    let (mut member, brief) = membership.join(Role::Server)?;
    let Brief::Server(brief) = brief else { return Err(AgentError::WrongBrief) };
    let mut server = Server::new(*brief);
    let mut report = Report::default();
    loop {
        match member.hear()? {
            ToServer::Tick(tick) => {
                server.step(&tick, &mut report);
                member.say(&FromAgent::report(&report))?;
            }
            ToServer::Serve(request) => {
                let served = report.serve(&request);
                member.say(&FromAgent::served(served))?;
            }
            ToServer::Bye => return Ok(()),
            ToServer::Refused(why) => return Err(AgentError::Dropped(why)),
        }
    }
}
