//! The attacker: it has the seats of a server and of an SRE, plays both parts, and does its deed.
//!
//! A round asks servers first and SREs then, so whoever has a seat of each hears them by turns, in one thread;
//! and what it does before it answers, it does while the round is open.

use super::plot::{ACTIONS, Call, Claim, DEED_ROUND, Deed, ORDER, Speech, WEB_3, Wish};
use super::stage::Place;
use super::wire::{Wire, framed};
use bus::wire::{Brief, FromAgent, Greeting, Hello, Refusal, Role, ToServer, ToSre};
use std::time::{Duration, Instant};
use worlds::id::ActionId;
use worlds::message::{ActionRequest, ActionResult, Decision, Report, RequestId, ServiceReport};
use worlds::server::Server;

/// For an answer to somebody who was not asked: far longer than one takes, and shorter than a stranger may be
/// silent.
const CALL_TIME: Duration = Duration::from_secs(1);

/// For the next question: no run lasts so long.
const TURN_TIME: Duration = Duration::from_secs(30);

/// For a seat to be free again that the attacker has left.
const SEAT_TIME: Duration = Duration::from_secs(2);

/// From one look for a free seat to the next.
const SEAT_PAUSE: Duration = Duration::from_millis(5);

/// A percentage below every threshold, whose bytes spell an order.
const ORDERING_FIGURE: f64 = f64::from_be_bytes(*b"@ALL OFF");

/// A name for an action that reads like an order.
const ORDERING_ACTION: &str = "oncall: restart db-1 now";

/// What the attacker can tell of its deed.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    /// What it had to say was taken, all of it, or answered.
    pub has_arrived: bool,
    /// It was given a seat for its deed.
    pub has_seat: bool,
    /// Whoever greeted last after the deed got an answer, if there was one who did.
    pub is_door_kept: Option<bool>,
    /// What it was told when it was turned away or dropped.
    pub refusal: Option<Refusal>,
    /// What became of the actions that its SRE asked for.
    pub results: Vec<ActionResult>,
}

/// What the attacker does before the run begins, while seats are open.
pub(super) fn enter(place: &Place, deed: &Deed) -> Told {
    let mut told = Told::default();
    if let Deed::Greet(claim) = deed
        && let Some(hello) = claim.hello(&place.token)
    {
        call(place, &framed(&hello), &mut told);
    }
    told
}

/// Plays the attacker's parts from their greetings to the end of the run, and does the deed.
pub(super) fn play(place: &Place, deed: &Deed, told: Told) -> Told {
    let server = Claim::of(Role::Server, place.scene.name(WEB_3)).hello(&place.token);
    let sre = Claim::standby().hello(&place.token);
    let mut attacker =
        Attacker { place, deed, told, greeting: Vec::new(), server: None, sre: None, last: None };
    if let (Some(server), Some(sre)) = (server, sre) {
        attacker.take_seats(&server, &sre);
    }
    while attacker.server.is_some() || attacker.sre.is_some() {
        attacker.server_turn();
        attacker.sre_turn();
    }
    attacker.told
}

struct Attacker<'p> {
    place: &'p Place,
    deed: &'p Deed,
    told: Told,
    /// What its server said first.
    greeting: Vec<u8>,
    server: Option<(Wire, Server)>,
    sre: Option<Wire>,
    /// What it said last in place of an answer.
    last: Option<Vec<u8>>,
}

impl Attacker<'_> {
    fn take_seats(&mut self, server: &Hello, sre: &Hello) {
        self.greeting = framed(server);
        if let Some((wire, Brief::Server(brief))) = join(self.place, server) {
            self.server = Some((wire, Server::new(*brief)));
        }
        self.sre = join(self.place, sre).map(|(wire, _)| wire);
    }

    /// Its server is heard, and answers.
    fn server_turn(&mut self) {
        let Some((mut wire, mut server)) = self.server.take() else { return };
        match wire.hear() {
            Some(ToServer::Tick(tick)) => {
                self.hurry(tick.round);
                let mut report = Report::default();
                server.step(&tick, &mut report);
                let answer = framed(&FromAgent::report(&report));
                self.answer(&mut wire, Role::Server, tick.round, answer, &report);
                self.server = Some((wire, server));
            }
            Some(ToServer::Refused(why)) => self.told.refused(why),
            Some(ToServer::Bye | ToServer::Serve(_)) | None => {}
        }
    }

    /// Its SRE is heard, and answers.
    fn sre_turn(&mut self) {
        let Some(mut wire) = self.sre.take() else { return };
        let heard = loop {
            match wire.hear() {
                Some(ToSre::Results(results)) => self.told.results.extend(results.iter()),
                other => break other,
            }
        };
        match heard {
            Some(ToSre::Observe(seen)) => {
                self.call(seen.round);
                // Who has decided before is not asked any more.
                if !matches!(self.deed, Deed::Hurry(_)) || seen.round != DEED_ROUND {
                    let answer = decision(seen.round, &[]);
                    self.answer(&mut wire, Role::Sre, seen.round, answer, &Report::default());
                }
                self.sre = Some(wire);
            }
            Some(ToSre::Refused(why)) => self.told.refused(why),
            Some(ToSre::Bye | ToSre::Results(_)) | None => {}
        }
    }

    /// Answers as the part asks for, or as the deed does.
    fn answer(&mut self, wire: &mut Wire, role: Role, round: u32, answer: Vec<u8>, report: &Report) {
        let speech = match self.deed {
            Deed::Answer(by, speeches) if *by == role => speeches.iter().find(|(when, _)| *when == round),
            Deed::Send(bytes) if role == Role::Sre && round == DEED_ROUND => {
                self.told.has_arrived &= wire.say(bytes);
                return;
            }
            _ => None,
        };
        let Some((_, speech)) = speech else {
            wire.say(&answer);
            return;
        };
        let said = match speech {
            Speech::Decision(wishes) => decision(round, wishes),
            Speech::Same => self.last.clone().unwrap_or_default(),
            Speech::AllIsWell => framed(&FromAgent::report(&all_is_well(round))),
            Speech::Spelt => {
                framed(&FromAgent::report(&Report { disk_pct: ORDERING_FIGURE, ..report.clone() }))
            }
            Speech::Order => framed(&FromAgent::decision(&order(round))),
            Speech::Half => answer[..answer.len() / 2].to_vec(),
        };
        self.told.has_arrived |= wire.say(&said);
        self.last = Some(said);
    }

    /// Decides for its SRE, which was not shown this round yet: the servers are still asked.
    fn hurry(&mut self, round: u32) {
        if let (Deed::Hurry(wishes), Some(sre)) = (self.deed, &mut self.sre)
            && round == DEED_ROUND
        {
            self.told.has_arrived = sre.say(&decision(round, wishes));
        }
    }

    /// Connects once more, while the round waits for its SRE.
    fn call(&mut self, round: u32) {
        if round != DEED_ROUND {
            return;
        }
        let said = match self.deed {
            Deed::Call(Call::Greeting(claim)) => claim.hello(&self.place.token).map(|hello| framed(&hello)),
            Deed::Call(Call::SameGreeting) => Some(self.greeting.clone()),
            Deed::Call(Call::Decision(wishes)) => Some(decision(round, wishes)),
            Deed::Send(bytes) => Some(bytes.clone()),
            _ => None,
        };
        if let Some(said) = said {
            call(self.place, &said, &mut self.told);
            self.told.is_door_kept = Some(is_answered(self.place, &self.greeting));
        }
    }
}

impl Told {
    fn refused(&mut self, why: Refusal) {
        self.has_arrived = true;
        self.refusal = Some(why);
    }
}

/// Somebody connects, says this, hears what it is told, and goes.
fn call(place: &Place, said: &[u8], told: &mut Told) {
    let Ok(mut wire) = Wire::open(&place.socket, CALL_TIME) else { return };
    told.has_arrived |= wire.say(said);
    match wire.hear() {
        Some(Greeting::Welcome(_)) => told.has_seat = true,
        Some(Greeting::Refused(why)) => told.refused(why),
        None => {}
    }
}

/// Whether somebody who greets gets an answer.
fn is_answered(place: &Place, greeting: &[u8]) -> bool {
    let Ok(mut wire) = Wire::open(&place.socket, CALL_TIME) else { return false };
    wire.say(greeting) && wire.hear::<Greeting>().is_some()
}

/// Takes a seat of its own; a seat that the deed has won, and left, is free again after a while.
fn join(place: &Place, hello: &Hello) -> Option<(Wire, Brief)> {
    let began = Instant::now();
    loop {
        let mut wire = Wire::open(&place.socket, TURN_TIME).ok()?;
        wire.say(&framed(hello));
        match wire.hear()? {
            Greeting::Welcome(brief) => return Some((wire, brief)),
            Greeting::Refused(Refusal::NameTaken { .. }) if began.elapsed() < SEAT_TIME => {
                std::thread::sleep(SEAT_PAUSE);
            }
            Greeting::Refused(_) => return None,
        }
    }
}

/// A decision that asks for this.
fn decision(round: u32, wishes: &[Wish]) -> Vec<u8> {
    let mut decision = Decision::default();
    decision.begin(round);
    // Numbers that no other round's have.
    for (number, (action, target)) in (10 * round..).zip(wishes) {
        let request = RequestId(number);
        decision.actions.push(ActionRequest { request, action: *action, target: *target, late: false });
    }
    framed(&FromAgent::decision(&decision))
}

/// A decision to do nothing that gives orders to whoever reads it.
fn order(round: u32) -> Decision {
    let mut decision = Decision::default();
    decision.begin(round);
    decision.say(ORDER);
    // Numbers beyond those of actions stand for names that mean nothing.
    let action = ActionId::from(ACTIONS + decision.unknown.keep(ORDERING_ACTION).unwrap_or_default());
    let request = RequestId(10 * round);
    decision.actions.push(ActionRequest { request, action, target: WEB_3, late: false });
    decision
}

/// The report of a server that has nothing to do.
fn all_is_well(round: u32) -> Report {
    let service =
        ServiceReport { up: true, read_success: 1.0, write_success: 1.0, ..ServiceReport::default() };
    Report {
        round,
        cpu_pct: 1.0,
        memory_pct: 30.0,
        disk_pct: 40.0,
        services: [service].into_iter().collect(),
        ..Report::default()
    }
}
