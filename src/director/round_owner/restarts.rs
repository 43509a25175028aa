//! Processes that fail before they take part: started again as supervision allows, and given up aloud.

use super::{ARRIVAL_TIME, Phase, State};
use crate::director::DirectorError;
use crate::director::messages::{KeeperMessage, Order, OwnerMessage};
use crate::director::supervision::{self, Next};
use crate::event::Event;
use bus::hub::{Admits, SeatId};
use bus::token::Token;
use ractor::ActorRef;
use std::time::Duration;
use worlds::id::Name;

impl State {
    /// A process is gone. While a round is played, its connection tells; here it matters only for
    /// those that do not take part yet.
    pub(super) async fn exited(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        generation: u64,
        how: String,
    ) -> Result<(), DirectorError> {
        if self.lineup.seats[&seat].generation != generation {
            return Ok(());
        }
        let takes_part = match &self.phase {
            Phase::Starting { .. } => false,
            Phase::Awaiting { awaited, .. } => !awaited.contains_key(&seat),
            Phase::Between | Phase::Over => true,
        };
        if takes_part {
            return Ok(());
        }
        match self.restarts.failed(seat) {
            Next::Again(pause) => self.rest(myself, seat, &how, pause).await,
            Next::GiveUp { tries } => self.give_up(myself, seat, how, tries).await,
        }
    }

    /// Another process takes the seat after a pause.
    async fn rest(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        how: &str,
        pause: Duration,
    ) -> Result<(), DirectorError> {
        let generation = self.lineup.seats[&seat].generation;
        drop(myself.send_after(pause, move || OwnerMessage::TryAgain { seat, generation }));
        let mut was_told = true;
        if let Phase::Starting { staging, awaited, present } = &mut self.phase {
            staging.gone(seat);
            awaited.insert(seat);
            was_told = present.remove(&seat).is_none();
        }
        if was_told {
            let agent = self.name_on_bus(seat);
            self.tell(vec![Event::Left { agent, how: how.to_owned(), again: None }]).await?;
        }
        // Others may take the place meanwhile.
        self.start_more(myself).await
    }

    /// The pause is over.
    pub(super) async fn try_again(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        generation: u64,
    ) -> Result<(), DirectorError> {
        let is_awaited = match &self.phase {
            Phase::Starting { awaited, .. } => awaited.contains(&seat),
            Phase::Awaiting { awaited, .. } => awaited.contains_key(&seat),
            Phase::Between | Phase::Over => false,
        };
        if !is_awaited || self.lineup.seats[&seat].generation != generation {
            return Ok(());
        }
        let Some(order) = self.successor(seat)? else { return Ok(()) };
        match &mut self.phase {
            Phase::Starting { staging, .. } => {
                staging.again(seat, order);
                self.start_more(myself).await
            }
            _ => self.start_in_round(myself, order),
        }
    }

    /// Opens a seat for a process that follows another one; gives the order for it.
    pub(super) fn successor(&mut self, seat: SeatId) -> Result<Option<Order>, DirectorError> {
        let token = Token::random().map_err(DirectorError::Randomness)?;
        let Some(brief) = self.brief(seat) else { return Ok(None) };
        self.hub()?.reopen_seat(seat, brief, Admits::Holder(token.clone()))?;
        Ok(self.lineup.successor(seat, token))
    }

    /// Starts a process for which a round waits, and wants to know if it does not come.
    pub(super) fn start_in_round(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        order: Order,
    ) -> Result<(), DirectorError> {
        let Order { seat, generation, .. } = order;
        drop(myself.send_after(ARRIVAL_TIME, move || OwnerMessage::TooLate { seat, generation }));
        self.respawned += 1;
        self.keeper.cast(KeeperMessage::Spawn(order)).map_err(DirectorError::actor)
    }

    /// A process for which a round waits should have come by now. One that hangs would hang again.
    pub(super) async fn too_late(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        generation: u64,
    ) -> Result<(), DirectorError> {
        let Phase::Awaiting { awaited, .. } = &self.phase else { return Ok(()) };
        if !awaited.contains_key(&seat) || self.lineup.seats[&seat].generation != generation {
            return Ok(());
        }
        self.keeper.cast(KeeperMessage::Kill(seat)).map_err(DirectorError::actor)?;
        let how = format!("did not greet within {} s", ARRIVAL_TIME.as_secs());
        self.give_up(myself, seat, how, 1).await
    }

    /// No process will take the seat. A run that has not begun does not; one that has goes on
    /// without the agent.
    pub(super) async fn give_up(
        &mut self,
        myself: &ActorRef<OwnerMessage>,
        seat: SeatId,
        how: String,
        tries: usize,
    ) -> Result<(), DirectorError> {
        let agent = self.name_on_bus(seat);
        let Phase::Awaiting { awaited, .. } = &mut self.phase else {
            return Err(DirectorError::NotStarted { agent, how, tries });
        };
        awaited.remove(&seat);
        self.hub()?.close_seat(seat);
        self.troubles.push(format!("{agent} was given up: {how}{}", supervision::in_a_row(tries)));
        self.tell(vec![Event::GivenUp { agent, how, tries }]).await?;
        self.go_on_when_complete(myself).await
    }

    fn name_on_bus(&self, seat: SeatId) -> Name {
        self.lineup.seats[&seat].agent.clone()
    }
}
