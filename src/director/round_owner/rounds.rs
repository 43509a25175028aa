//! Rounds: opened, carried to the servers and to the SREs, closed, one after the other.

use super::{Awaited, Phase, State, there};
use crate::director::lineup::Sre;
use crate::director::messages::{KeeperMessage, OwnerMessage, Sighting};
use crate::director::{DirectorError, plausible};
use crate::event::{Event, Interest};
use agents::program::talk::WAIT_TOLD;
use bus::hub::{Asked, Dropped, SeatId};
use bus::wire::Refusal;
use ractor::ActorRef;
use ractor::concurrency::oneshot;
use std::collections::BTreeMap;
use std::pin::pin;
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout_at};
use worlds::definition::ProcessEffect;
use worlds::id::SreId;
use worlds::message::{Decision, Lapse, Report};
use worlds::process::{Revival, Reviving};

/// For the end of a process whose connection has ended: it is told at once, but in another thread.
const OBITUARY_TIME: Duration = Duration::from_millis(500);

/// For what is seen of a process that chaos hits: longer than the keeper looks for it.
const SIGHTING_TIME: Duration = Duration::from_secs(5);

/// How long rounds are played without a look at what else there is to be heard. A message to itself
/// and a turn of the runtime cost as much as a small world's agent; nobody notices this.
const BURST: Duration = Duration::from_millis(2);

impl State {
    /// Plays rounds, until they have to wait for something or others have to be heard.
    pub(super) async fn play(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<(), DirectorError> {
        let burst = Instant::now() + BURST;
        while matches!(self.phase, Phase::Between) {
            let began = Instant::now();
            let awaited = self.open_round(myself).await?;
            if !awaited.is_empty() {
                self.phase = Phase::Awaiting { awaited, began };
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
    async fn open_round(&mut self, myself: &ActorRef<OwnerMessage>) -> Result<Awaited, DirectorError> {
        self.let_return()?;
        self.round.open();
        self.board.opened(&self.myself, self.round.number());
        self.evidence.injected(&self.round);
        let revivals = self.round.opening().revivals.clone();
        let mut awaited = BTreeMap::new();
        for revival in revivals {
            match revival.how {
                Reviving::Start => {
                    let seat = self.start_anew(myself, revival)?;
                    awaited.extend(seat.map(|seat| (seat, revival.struck_by)));
                }
                Reviving::Resume => self.resume(revival).await,
            }
        }
        Ok(awaited)
    }

    /// Starts a new process for somebody, with a fresh brief; gives its seat, for it is awaited.
    fn start_anew(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        revival: Revival,
    ) -> Result<Option<SeatId>, DirectorError> {
        // The oracle has no process, and remembers nothing that it could forget.
        let Some(seat) = self.lineup.seat_of(revival.agent) else { return Ok(None) };
        if self.hands.hold(seat) {
            // Whoever started it brings it back; until then it stays lost.
            return Ok(None);
        }
        let Some(order) = self.successor(seat)? else { return Ok(None) };
        self.start_in_round(myself, order)?;
        Ok(Some(seat))
    }

    async fn resume(&mut self, revival: Revival) {
        let Some(seat) = self.lineup.seat_of(revival.agent) else { return };
        let asked = self.keeper.call(|reply| KeeperMessage::Resume(seat, reply), Some(SIGHTING_TIME)).await;
        let seen = asked.ok().and_then(|answer| answer.success_or(()).ok());
        // One that does not go on will not answer, and is lost by that.
        let how = seen.map_or_else(|| "no process was seen to go on".to_owned(), |sighting| sighting.how);
        self.evidence.revived(revival.struck_by, how);
    }

    /// Has the faults that begin hit the processes of their targets, side by side, and looks what
    /// becomes of those.
    async fn strike(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        let mut struck = Vec::new();
        for strike in self.round.opening().strikes.iter().copied() {
            let Some(seat) = self.lineup.seat_of(strike.agent) else {
                // The oracle has no process: to be away is all that can happen to it.
                let how = "it thinks in the director, and was not asked".to_owned();
                self.evidence.struck(strike, Sighting { is_so: true, how });
                continue;
            };
            let (seen, sighting) = oneshot();
            let deed = KeeperMessage::Strike { seat, effect: strike.effect, seen: seen.into() };
            self.keeper.cast(deed).map_err(DirectorError::actor)?;
            struck.push((strike, seat, sighting));
        }
        let deadline = Instant::now() + SIGHTING_TIME;
        for (strike, seat, sighting) in struck {
            let seen = match timeout_at(deadline, sighting).await {
                Ok(seen) => seen.unwrap_or_else(|_| unseen("there was no process of this run to be hit")),
                Err(_late) => unseen("nothing was seen of it in time"),
            };
            let effect = strike.effect;
            if effect == ProcessEffect::Killed {
                self.hub()?.close_seat(seat);
            }
            if seen.is_so {
                let agent = self.lineup.seats[&seat].agent.clone();
                events.push(Event::Struck { agent, effect, how: seen.how.clone() });
            }
            self.evidence.struck(strike, seen);
        }
        Ok(())
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
        self.strike(&mut events).await?;
        self.ask_servers(&mut events).await?;
        self.round.observe(&mut self.reports);
        self.evidence.look(&self.round);
        self.ask_sres(&mut events).await?;
        self.round.close(&self.decisions);
        events.extend(self.entries());
        if self.audience.interest() >= Interest::Rounds {
            events.push(Event::RoundPlayed { requests: self.round.requests() });
        }
        self.note(events);
        self.enough |= self.audience.tell_in_time().await?.is_break();
        self.serve_waiting().await
    }

    /// Collects the reports of all servers; `None` from those that are lost.
    async fn ask_servers(&mut self, events: &mut Vec<Event>) -> Result<(), DirectorError> {
        let Self { round, hub, lineup, reports, .. } = self;
        let told = lineup.servers.iter().zip(&round.opening().ticks);
        let asked = told.filter_map(|(seat, tick)| Some((*seat, tick.as_ref()?)));
        let answers = there(hub)?.ask_servers(asked.clone(), self.run.answer_time).await;
        let mut lost = Vec::new();
        let mut answers = asked.zip(answers).map(|((seat, tick), answer)| {
            let sound = |report: Report| match plausible::report(&report, tick) {
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
        let Self { round, hub, lineup, decisions, .. } = self;
        let hub = there(hub)?;
        let (mut asked, mut programs) = (Vec::new(), Vec::new());
        for (index, (sre, decision)) in lineup.sres.iter_mut().zip(&mut *decisions).enumerate() {
            decision.begin(number);
            let id = SreId::from(index);
            match sre {
                _ if !round.is_present(id) => {}
                Sre::Oracle(oracle) => oracle.decide(round.observation(), &round.truth(), decision),
                Sre::Process(seat) if hub.is_connected(*seat) => asked.push((id, *seat)),
                Sre::Program(seat) if hub.is_connected(*seat) => programs.push((id, *seat)),
                // Chaos is done with it, and its new process did not come.
                Sre::Process(_) | Sre::Program(_) => round.lose_sre(id),
            }
        }
        let shown = asked.iter().chain(&programs).map(|(sre, seat)| (*seat, round.results(*sre)));
        let thinking = hub.show_sres(round.observation(), shown);
        round.catch_up();
        let (patient, others) = thinking.part(|seat| programs.iter().any(|(_, other)| *other == seat));
        let answers = hub.decisions(others, Some(self.run.answer_time)).await;
        for ((sre, seat), answer) in asked.into_iter().zip(answers) {
            self.take_decision(sre, seat, answer, events).await?;
        }
        for ((sre, seat), (_, question)) in programs.into_iter().zip(patient.singly()) {
            match self.hear_program(seat, question).await? {
                Some(answer) => self.take_decision(sre, seat, answer, events).await?,
                None => self.decisions[sre.index()].lapse = Some(Lapse::Late),
            }
        }
        Ok(())
    }

    /// Waits for the answer of one that may take the time it likes, or the deadline, which its agent sees to
    /// and has to live for; `None` when a signal ended the wait, and with it, after this round, the run.
    async fn hear_program(
        &mut self,
        seat: SeatId,
        question: Asked,
    ) -> Result<Option<Result<Decision, Dropped>>, DirectorError> {
        let by_hand = self.hands.hold(seat);
        let Self { run, hub, interrupted, audience, board, lineup, long_wait_told, .. } = self;
        // Whoever is started by hand keeps the deadline as its command says.
        let limit = run.time_for_program().filter(|_| !by_hand);
        let mut hearing = pin!(there(hub)?.decisions(question, limit));
        let long = Instant::now() + WAIT_TOLD;
        loop {
            let is_told = *long_wait_told;
            tokio::select! {
                // What is there already is heard whatever else has come.
                biased;
                mut answers = &mut hearing => return Ok(answers.pop()),
                signal = interruption(interrupted) => {
                    self.interrupted_by = signal;
                    self.wait_cut = true;
                    return Ok(None);
                }
                () = sleep_until(long), if !is_told => {
                    *long_wait_told = true;
                    let event = Event::Thinking { agent: lineup.seats[&seat].agent.clone() };
                    // Nothing else is heard until the answer has come.
                    board.write();
                    audience.gather(vec![event]);
                    self.enough |= audience.tell().await?.is_break();
                }
            }
        }
    }

    /// Takes in what an SRE decided, if it can be; parts with it if not.
    async fn take_decision(
        &mut self,
        sre: SreId,
        seat: SeatId,
        answer: Result<Decision, Dropped>,
        events: &mut Vec<Event>,
    ) -> Result<(), DirectorError> {
        let (number, servers) = (self.round.number(), self.lineup.servers.len());
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
        Ok(())
    }

    /// How long an agent that was asked is waited for, if there is a limit.
    fn time_for(&self, seat: SeatId) -> Duration {
        let is_program = self.lineup.sres.iter().any(|sre| matches!(sre, Sre::Program(of) if *of == seat));
        let own = self.run.time_for_program().filter(|_| is_program);
        own.unwrap_or(self.run.answer_time)
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
            Dropped::For(Refusal::Late) => Some(format!("no answer within {:?}", self.time_for(seat))),
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

/// Waits for the signal that ends the run. The director that would tell of it is there as long as this is.
async fn interruption(interrupted: &mut watch::Receiver<Option<i32>>) -> Option<i32> {
    interrupted.wait_for(Option::is_some).await.ok().and_then(|signal| *signal)
}

fn unseen(how: &str) -> Sighting {
    Sighting { is_so: false, how: how.to_owned() }
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
