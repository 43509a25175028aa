//! Rounds: opened, carried to the servers and to the SREs, closed, one after the other.

use super::{Phase, State, there};
use crate::director::lineup::Sre;
use crate::director::messages::{KeeperMessage, OwnerMessage};
use crate::director::{DirectorError, plausible};
use crate::event::{Event, Interest};
use bus::hub::{Admits, Dropped, SeatId};
use bus::token::Token;
use bus::wire::{Brief, Refusal};
use ractor::ActorRef;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;
use worlds::id::{ServerId, SreId};
use worlds::message::{Decision, Report};

/// For the end of a process whose connection has ended: it is told at once, but in another thread.
const OBITUARY_TIME: Duration = Duration::from_millis(500);

/// How long rounds are played without a look at what else there is to be heard. A message to itself
/// and a turn of the runtime cost as much as a small world's agent; nobody notices this.
const BURST: Duration = Duration::from_millis(2);

impl State {
    /// Plays rounds, until they have to wait for something or others have to be heard.
    pub(super) async fn play(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        let burst = Instant::now() + BURST;
        while matches!(self.phase, Phase::Between) {
            let began = Instant::now();
            let awaited = self.open_round()?;
            if !awaited.is_empty() {
                self.phase = Phase::Awaiting { awaited, began };
                self.watch_the_clock(myself);
                return self.tell(Vec::new()).await;
            }
            self.exchange().await?;
            match self.next(began) {
                Next::AtOnce if Instant::now() < burst => {}
                next => return self.go_on(myself, next).await,
            }
        }
        Ok(())
    }

    /// Opens a round; gives the agents that have to come before it goes on.
    fn open_round(&mut self) -> Result<BTreeSet<SeatId>, DirectorError> {
        self.let_return()?;
        let servers = self.round.open().respawn.clone();
        self.board.opened(&self.myself, self.round.number());
        self.respawn(&servers)
    }

    /// Starts a new process for each of these servers, with a fresh brief.
    fn respawn(&mut self, servers: &[ServerId]) -> Result<BTreeSet<SeatId>, DirectorError> {
        let mut awaited = BTreeSet::new();
        for server in servers {
            let seat = self.lineup.servers[server.index()];
            if self.hands.hold(seat) {
                // Whoever started it brings it back; until then it stays lost.
                continue;
            }
            let token = Token::random().map_err(DirectorError::Randomness)?;
            let brief = Brief::Server(Box::new(self.round.server_brief(*server)));
            self.hub()?.reopen_seat(seat, brief, Admits::Holder(token.clone()))?;
            if let Some(order) = self.lineup.successor(seat, token) {
                self.keeper.cast(KeeperMessage::Spawn(order)).map_err(DirectorError::actor)?;
                self.respawned += 1;
                awaited.insert(seat);
            }
        }
        Ok(awaited)
    }

    pub(super) async fn go_on_when_complete(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
    ) -> Result<(), DirectorError> {
        match std::mem::replace(&mut self.phase, Phase::Between) {
            Phase::Awaiting { awaited, began } if awaited.is_empty() => {
                self.exchange().await?;
                self.go_on(myself, self.next(began)).await
            }
            other => {
                self.phase = other;
                Ok(())
            }
        }
    }

    /// The two barriers of a round, and its end.
    async fn exchange(&mut self) -> Result<(), DirectorError> {
        self.phase = Phase::Between;
        let mut events = Vec::new();
        self.ask_servers(&mut events).await?;
        self.round.observe(&mut self.reports);
        self.ask_sres(&mut events).await?;
        self.round.close(&self.decisions);
        events.extend(self.entries());
        if self.audience.interest() >= Interest::Rounds {
            events.push(Event::RoundPlayed { requests: self.round.requests() });
        }
        self.note(events);
        self.enough |= self.audience.tell_in_time().await?.is_break();
        Ok(())
    }

    /// Collects the reports of all servers; `None` from those that are lost.
    async fn ask_servers(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        let number = self.round.number();
        let Self { round, hub, lineup, reports, .. } = self;
        let told = lineup.servers.iter().zip(&round.opening().ticks);
        let asked = told.filter_map(|(seat, tick)| Some((*seat, tick.as_ref()?)));
        let answers = there(hub)?.ask_servers(asked.clone(), self.run.answer_time).await;
        let mut lost = Vec::new();
        let mut answers = asked.zip(answers).map(|((seat, tick), answer)| {
            let services = plausible::services(tick);
            let sound = |report: Report| match plausible::report(&report, number, services) {
                Ok(()) => Ok(report),
                Err(why) => Err(Dropped::For(why)),
            };
            answer.and_then(sound).map_err(|why| lost.push((seat, why))).ok()
        });
        reports.clear();
        reports.extend(round.opening().ticks.iter().map(|tick| tick.as_ref().and_then(|_| answers.next()?)));
        drop(answers);
        for (seat, why) in lost {
            self.lose(seat, why, events).await?;
        }
        Ok(())
    }

    /// Collects the decisions of all SREs; empty ones from those that are lost.
    async fn ask_sres(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        for (sre, seat) in self.sres_that_left() {
            self.round.lose_sre(sre);
            self.lose(seat, Dropped::Gone, events).await?;
        }
        let number = self.round.number();
        let servers = self.lineup.servers.len();
        let Self { round, hub, lineup, decisions, .. } = self;
        let hub = there(hub)?;
        let mut asked = Vec::new();
        for (index, (sre, decision)) in lineup.sres.iter_mut().zip(&mut *decisions).enumerate() {
            decision.begin(number);
            match sre {
                Sre::Oracle(oracle) => oracle.decide(round.observation(), &round.truth(), decision),
                Sre::Process(seat) if hub.is_connected(*seat) => asked.push((SreId::from(index), *seat)),
                Sre::Process(_) => {}
            }
        }
        let shown = asked.iter().map(|(sre, seat)| (*seat, round.results(*sre)));
        let thinking = hub.show_sres(round.observation(), shown);
        round.catch_up();
        let answers = hub.decisions(thinking, Some(self.run.answer_time)).await;
        for ((sre, seat), answer) in asked.into_iter().zip(answers) {
            let sound = |decision: Decision| match plausible::decision(&decision, number, servers) {
                Ok(()) => Ok(decision),
                Err(why) => Err(Dropped::For(why)),
            };
            match answer.and_then(sound) {
                Ok(decision) => self.decisions[sre.index()] = decision,
                Err(why) => {
                    self.round.lose_sre(sre);
                    self.lose(seat, why, events).await?;
                }
            }
        }
        Ok(())
    }

    /// Parts with an agent that is gone or broke a rule; its process does not survive that.
    async fn lose(
        &mut self,
        seat: SeatId,
        why: Dropped,
        events: &mut Vec<Event>,
    ) -> Result<(), DirectorError> {
        let hub = self.hub()?;
        if let (true, Dropped::For(why)) = (hub.is_connected(seat), &why) {
            hub.expel(seat, why.clone());
        }
        let broken_rule = match &why {
            Dropped::Gone => None,
            Dropped::For(Refusal::Late) => Some(format!("no answer within {:?}", self.run.answer_time)),
            Dropped::For(_) => Some(why.to_string()),
        };
        if self.hands.hold(seat) {
            events.extend(self.lose_hand(seat, broken_rule)?);
            return Ok(());
        }
        let how = match broken_rule {
            Some(how) => how,
            None => self.how_ended(seat).await.unwrap_or_else(|| why.to_string()),
        };
        self.keeper.cast(KeeperMessage::Kill(seat)).map_err(DirectorError::actor)?;
        events.push(Event::Lost { agent: self.lineup.seats[&seat].agent.clone(), how, again: None });
        Ok(())
    }

    async fn how_ended(&self, seat: SeatId) -> Option<String> {
        let asked = self.keeper.call(|reply| KeeperMessage::HowEnded(seat, reply), Some(OBITUARY_TIME)).await;
        asked.ok()?.success_or(()).ok()
    }

    /// What follows a round that began then.
    pub(super) fn next(&self, began: Instant) -> Next {
        if self.round.is_over() || self.interrupted_by.is_some() || self.enough {
            return Next::End;
        }
        let due = self.run.pace.filter(|_| self.round.number() > 0).map(|pace| began + pace);
        match due.map(|due| due.saturating_duration_since(Instant::now())) {
            Some(rest) if !rest.is_zero() => Next::After(rest),
            _ => Next::AtOnce,
        }
    }

    /// Has the next round played when it is due, after whatever else there is to be heard; or ends.
    pub(super) async fn go_on(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        next: Next,
    ) -> Result<(), DirectorError> {
        match next {
            Next::End => return self.end().await,
            Next::After(rest) => {
                self.tell(Vec::new()).await?;
                drop(myself.send_after(rest, || OwnerMessage::Play));
            }
            Next::AtOnce => myself.cast(OwnerMessage::Play).map_err(DirectorError::actor)?,
        }
        Ok(())
    }
}

/// What follows a round.
pub(super) enum Next {
    /// Another, at once.
    AtOnce,
    /// Another, when some time has passed.
    After(Duration),
    /// Nothing.
    End,
}
