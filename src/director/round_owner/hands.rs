//! Agents that are started by hand: they come, go and come again, and the run goes on.
//!
//! Nobody but their connection tells of them, so it is watched from their greeting on. An agent
//! that goes before the run begins is awaited again. One that goes later is lost, as any agent
//! that is gone: the journal says so in the first round in which its answer is missing. Its seat is
//! open again at once, and whoever takes it waits at the door until the round that opens next after
//! one was missed; then the journal says that the agent is back. So an agent that went always
//! misses a round, however fast it comes again, and what the journal holds follows from the rounds
//! in which agents went and came, and from nothing finer.
//!
//! ```text
//!   Awaited --greets--> Here --hangs up--> Left --a round goes by--> Lost
//!                        ^ '------an answer is missing---------------^ |
//!                        '----the next round opens, and it is back-----'
//! ```

use super::{Phase, State};
use crate::by_hand::Invitation;
use crate::director::DirectorError;
use crate::director::lineup::{Lineup, Sre};
use crate::director::messages::OwnerMessage;
use crate::event::{Agent, Event};
use bus::hub::{Admits, Arrival, SeatId};
use bus::wire::Brief;
use ractor::ActorRef;
use std::collections::BTreeMap;
use worlds::id::{AgentId, Name, ServerId, SreId};

/// All that is known of the end of an agent that somebody else started.
const IT_LEFT: &str = "it left";

/// The seats of agents that are started by hand.
#[derive(Debug, Default)]
pub(super) struct Hands(BTreeMap<SeatId, Hand>);

/// One of them.
#[derive(Debug, Default)]
struct Hand {
    /// How many agents took the seat; the end of an earlier one is no news.
    visit: u64,
    presence: Presence,
    /// An agent that waits for the next round, to be let in again.
    at_the_door: Option<Arrival>,
}

/// Whether an agent is there, as the run sees it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Presence {
    /// Not yet.
    #[default]
    Awaited,
    /// It takes part.
    Here,
    /// It is gone, which the model does not know yet.
    Left,
    /// It is gone, and the model knows.
    Lost,
}

impl Hands {
    /// The seats of a lineup that are for anybody's hand.
    pub(super) fn of(lineup: &Lineup) -> Self {
        let by_hand = lineup.seats.iter().filter(|(_, facts)| facts.manual);
        Self(by_hand.map(|(seat, _)| (*seat, Hand::default())).collect())
    }

    /// Whether the director starts all agents itself.
    pub(super) fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether this agent is started by hand.
    pub(super) fn hold(&self, seat: SeatId) -> bool {
        self.0.contains_key(&seat)
    }

    /// Whether an agent is gone, which the model does not know yet.
    pub(super) fn has_left(&self, seat: SeatId) -> bool {
        self.0.get(&seat).is_some_and(|hand| hand.presence == Presence::Left)
    }

    /// Those who have not come yet.
    fn awaited(&self) -> impl Iterator<Item = SeatId> {
        self.0.iter().filter(|(_, hand)| hand.presence == Presence::Awaited).map(|(seat, _)| *seat)
    }

    /// Those who are lost and may be let in again.
    fn take_returning(&mut self) -> Vec<Arrival> {
        let lost = self.0.values_mut().filter(|hand| hand.presence == Presence::Lost);
        let returning: Vec<Arrival> = lost.filter_map(|hand| hand.at_the_door.take()).collect();
        for arrival in &returning {
            self.set(arrival.seat, Presence::Here);
        }
        returning
    }

    /// All who wait to be let in again, at the end of the run.
    pub(super) fn take_waiting(&mut self) -> Vec<Arrival> {
        self.0.values_mut().filter_map(|hand| hand.at_the_door.take()).collect()
    }

    fn set(&mut self, seat: SeatId, presence: Presence) {
        if let Some(hand) = self.0.get_mut(&seat) {
            hand.presence = presence;
        }
    }

    /// Notes that the model misses an answer; whether that is news.
    fn lose(&mut self, seat: SeatId) -> bool {
        let Some(hand) = self.0.get_mut(&seat) else { return false };
        let was = std::mem::replace(&mut hand.presence, Presence::Lost);
        // The end of its connection is told here.
        hand.visit += u64::from(was == Presence::Here);
        was == Presence::Here
    }
}

impl State {
    /// Who is to be started by hand, and how.
    pub(super) fn waiting(&self) -> Option<Event> {
        let agents = self.awaited_hands()?;
        Some(Event::Waiting { agents, invitation: self.invitation() })
    }

    /// Who is still awaited of those that are started by hand.
    pub(super) fn awaited_hands(&self) -> Option<Vec<Name>> {
        let agent = |seat: SeatId| self.lineup.seats[&seat].agent.clone();
        (!self.hands.are_none()).then(|| self.hands.awaited().map(agent).collect())
    }

    /// Has the owner told when this agent hangs up, if nobody else would tell. Gives whether somebody
    /// will: it takes a descriptor, and there may be none left.
    pub(super) fn watch(&mut self, myself: &ActorRef<OwnerMessage>, arrival: &Arrival) -> bool {
        let seat = arrival.seat;
        let Some(hand) = self.hands.0.get_mut(&seat) else { return true };
        let Ok(hang_up) = arrival.hang_up() else { return false };
        hand.visit += 1;
        let (visit, owner) = (hand.visit, myself.clone());
        tokio::spawn(async move {
            hang_up.await;
            // An owner that is gone needs no news.
            let _ = owner.cast(OwnerMessage::HungUp { seat, visit });
        });
        true
    }

    /// An agent takes its seat before the run begins.
    pub(super) fn seat_hand(&mut self, seat: SeatId) {
        self.hands.set(seat, Presence::Here);
    }

    /// An agent that went is there again: it waits for a round to open.
    pub(super) async fn at_the_door(&mut self, arrival: Arrival, agent: Agent) -> Result<(), DirectorError> {
        let Some(hand) = self.hands.0.get_mut(&arrival.seat) else { return Ok(()) };
        // A round that is open is the one that is missed, if none was.
        let misses_another = hand.presence == Presence::Left && !matches!(self.phase, Phase::Awaiting { .. });
        let round = self.round.number() + 1 + u32::from(misses_another);
        hand.at_the_door = Some(arrival);
        self.tell(vec![Event::Returned { agent, round }]).await
    }

    /// SREs that are gone, which the model does not know yet.
    pub(super) fn sres_that_left(&self) -> Vec<(SreId, SeatId)> {
        let left = |(index, sre): (usize, &Sre)| {
            let seat = sre.seat().filter(|seat| self.hands.has_left(*seat))?;
            Some((SreId::from(index), seat))
        };
        self.lineup.sres.iter().enumerate().filter_map(left).collect()
    }

    /// Before a round opens: lets those take part again who came back.
    pub(super) fn let_return(&mut self) -> Result<(), DirectorError> {
        for arrival in self.hands.take_returning() {
            match self.place(arrival.seat) {
                Some(AgentId::Server(server)) => self.round.return_server(server),
                Some(AgentId::Sre(sre)) => self.round.return_sre(sre),
                None => {}
            }
            self.board.let_in(&self.lineup.seats[&arrival.seat].agent);
            self.hub()?.admit(arrival);
        }
        Ok(())
    }

    /// An agent has hung up, at whatever time.
    pub(super) async fn hung_up(&mut self, seat: SeatId, visit: u64) -> Result<(), DirectorError> {
        let Some(hand) = self.hands.0.get_mut(&seat).filter(|hand| hand.visit == visit) else {
            return Ok(());
        };
        match &mut self.phase {
            Phase::Over => return Ok(()),
            Phase::Starting { awaited, present, .. } => {
                hand.presence = Presence::Awaited;
                awaited.insert(seat);
                let was_told = present.remove(&seat).is_none();
                self.open_again(seat)?;
                return if was_told { self.tell_left(seat).await } else { Ok(()) };
            }
            Phase::Between | Phase::Awaiting { .. } => {}
        }
        if hand.at_the_door.take().is_none() {
            hand.presence = Presence::Left;
        }
        self.open_again(seat)?;
        let lost = self.lost(seat, IT_LEFT.to_owned());
        self.tell(vec![lost]).await
    }

    /// Notes that the model misses an agent's answer, and opens its seat to whoever brings it
    /// back. Gives what there is to tell.
    pub(super) fn lose_hand(
        &mut self,
        seat: SeatId,
        how: Option<String>,
    ) -> Result<Option<Event>, DirectorError> {
        if !self.hands.lose(seat) {
            return Ok(None);
        }
        self.open_again(seat)?;
        Ok(Some(self.lost(seat, how.unwrap_or_else(|| IT_LEFT.to_owned()))))
    }

    async fn tell_left(&mut self, seat: SeatId) -> Result<(), DirectorError> {
        let agent = self.lineup.seats[&seat].agent.clone();
        let again = Some(self.command(&agent));
        self.tell(vec![Event::Left { agent, how: IT_LEFT.to_owned(), again }]).await
    }

    fn lost(&self, seat: SeatId, how: String) -> Event {
        let agent = self.lineup.seats[&seat].agent.clone();
        let again = Some(self.command(&agent));
        Event::Lost { agent, how, again }
    }

    fn command(&self, agent: &str) -> String {
        self.invitation().command(agent)
    }

    fn invitation(&self) -> Invitation {
        let run = &self.run;
        Invitation::to(self.directory.path()).with_programs(&run.plan.sres, run.programs.deadline)
    }

    pub(super) fn open_again(&mut self, seat: SeatId) -> Result<(), DirectorError> {
        if let Some(brief) = self.brief(seat) {
            self.hub()?.reopen_seat(seat, brief, Admits::Anyone)?;
        }
        Ok(())
    }

    /// What a new process in a seat has to know.
    pub(super) fn brief(&self, seat: SeatId) -> Option<Brief> {
        Some(match self.place(seat)? {
            AgentId::Server(server) => Brief::Server(Box::new(self.round.server_brief(server))),
            AgentId::Sre(sre) => Brief::Sre(Box::new(self.round.sre_brief(sre))),
        })
    }

    /// Who has a seat, to the model.
    fn place(&self, seat: SeatId) -> Option<AgentId> {
        let server = self.lineup.servers.iter().position(|other| *other == seat);
        let is_its = |sre: &Sre| sre.seat() == Some(seat);
        server
            .map(|server| AgentId::Server(ServerId::from(server)))
            .or_else(|| self.lineup.sres.iter().position(is_its).map(|sre| AgentId::Sre(SreId::from(sre))))
    }
}
