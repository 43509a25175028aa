//! The server process: it steps the physics of one server, a tick at a time.

use crate::membership::{AgentError, Membership};
use bus::wire::{Brief, FromAgent, FromServer, Role, ToServer};
use worlds::server::Server;

/// Joins a run as a server and reports until the director says farewell.
pub fn serve(membership: Membership) -> Result<(), AgentError> {
    let (mut member, brief) = membership.join(Role::Server)?;
    let Brief::Server(brief) = brief else { return Err(AgentError::WrongBrief) };
    let mut server = Server::new(*brief);
    loop {
        match member.hear()? {
            ToServer::Tick(tick) => {
                let report = server.step(&tick);
                member.say(&FromAgent::Server(FromServer::Report(report)))?;
            }
            ToServer::Bye => return Ok(()),
            ToServer::Refused(why) => return Err(AgentError::Dropped(why)),
        }
    }
}
