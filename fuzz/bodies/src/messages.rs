//! Messages as agents that keep the rules send them.

use bus::frame;
use bus::token::Token;
use bus::wire::{Brief, Hello, PROTOCOL, Role};
use serde::Serialize;
use std::sync::{Arc, LazyLock, Mutex};
use worlds::definition::{builtin, parse};
use worlds::id::{ServerId, SreId};
use worlds::plan::{Level, RunPlan, sres_of};
use worlds::round::Round;
use worlds::topology::World;

/// A message in its frame.
pub(crate) fn framed(message: &impl Serialize) -> Vec<u8> {
    let mut bytes = Vec::new();
    frame::encode(message, &mut bytes).expect("a short message");
    bytes
}

pub(crate) fn hello(role: Role, name: &str, token: &Token) -> Hello {
    Hello { protocol: PROTOCOL, role, name: name.to_owned(), skill: None, token: token.clone() }
}

/// What an agent is told that is welcome; the hub does not look into it.
pub(crate) fn brief(role: Role) -> Brief {
    static ROUND: LazyLock<Mutex<Round>> = LazyLock::new(|| Mutex::new(any_round()));
    let round = ROUND.lock().expect("no panic while it is read");
    match role {
        Role::Server => Brief::Server(Box::new(round.server_brief(ServerId(0)))),
        Role::Sre => Brief::Sre(Box::new(round.sre_brief(SreId(0)))),
    }
}

fn any_round() -> Round {
    let world = parse("any", builtin::ALL[0].text).expect("a built-in world").definition;
    let sres = sres_of(&world);
    let plan = RunPlan {
        seed: 1,
        level: Level::Off,
        rounds: 15,
        sres,
        scripted: Vec::new(),
        drill: Default::default(),
    };
    Round::unrecorded(Arc::new(World::new("any", world)), plan)
}
