//! Who may join: the seats of a run, and what was counted at the door.
//!
//! A value behind a lock that is never held across a wait, shared by the tasks that greet.

use crate::token::Token;
use crate::wire::{Hello, PROTOCOL, Refusal, Role};
use serde::Serialize;
use std::collections::BTreeMap;
use std::sync::Arc;
use worlds::definition::SkillName;
use worlds::definition::nearest::nearest;

/// Bytes of a name that is looked for: longer ones are nobody's, and would take long to compare.
const NAME_BYTES_MAX: usize = 256;

/// Names that a misspelt one is compared with: a millisecond's work. In a world of more, whoever asks
/// for an unknown name is not told which was meant.
const NAMES_COMPARED_MAX: usize = 1_000;

/// A place for one agent of the run: its position in the order in which seats were added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeatId(pub(super) usize);

/// What went over the bus, and the peers that were dropped or turned away, by reason. Recordings
/// show the fields under these names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counters {
    /// Agents that joined.
    pub joined: u64,
    /// Frames sent to agents after their greeting.
    pub frames_sent: u64,
    /// Frames received from agents after their greeting.
    pub frames_received: u64,
    /// Belonged to another user.
    pub foreign_user: u64,
    /// Did not greet in time, or did not take their welcome in time.
    pub silent: u64,
    /// Had not greeted when too many others came who had not either.
    pub crowded: u64,
    /// Hung up before they had greeted.
    pub hung_up: u64,
    /// Sent a frame above the limit.
    pub too_long: u64,
    /// Sent what is no message.
    pub malformed: u64,
    /// Spoke another version.
    pub other_protocol: u64,
    /// Had no right token.
    pub wrong_token: u64,
    /// Asked for a seat that they cannot have: unknown, taken, not awaited, or of another skill.
    pub no_seat: u64,
    /// Were gone without a farewell.
    pub gone: u64,
    /// Did not answer in time.
    pub late: u64,
    /// Said what their role may not say.
    pub out_of_role: u64,
    /// Spoke unasked.
    pub out_of_turn: u64,
}

impl Counters {
    /// Counts a peer that is refused.
    pub(super) fn refused(&mut self, why: &Refusal) {
        *match why {
            Refusal::Protocol { .. } => &mut self.other_protocol,
            Refusal::ForeignUser => &mut self.foreign_user,
            Refusal::TooLong => &mut self.too_long,
            Refusal::Malformed => &mut self.malformed,
            Refusal::Silent => &mut self.silent,
            Refusal::Token => &mut self.wrong_token,
            Refusal::UnknownName { .. }
            | Refusal::NameTaken { .. }
            | Refusal::NotByHand { .. }
            | Refusal::NotAwaited { .. }
            | Refusal::Skill { .. } => &mut self.no_seat,
            Refusal::Late => &mut self.late,
            Refusal::OutOfRole { .. } => &mut self.out_of_role,
            Refusal::OutOfTurn => &mut self.out_of_turn,
            Refusal::Crowded => &mut self.crowded,
        } += 1;
    }
}

/// A seat and who may take it.
#[derive(Debug)]
pub(super) struct Seat {
    pub(super) role: Role,
    pub(super) name: String,
    pub(super) skill: Option<SkillName>,
    /// The token of the one process that may take it; the run's token opens it to any hand.
    pub(super) admits: Token,
    /// The answer to whoever takes it, as a frame.
    pub(super) welcome: Arc<[u8]>,
    pub(super) state: SeatState,
}

/// Whether a seat can be taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SeatState {
    /// It can.
    Open,
    /// Somebody has it.
    Taken,
    /// Who had it was dropped.
    Closed,
}

/// All seats.
#[derive(Debug)]
pub(super) struct Register {
    run_token: Token,
    seats: Vec<Seat>,
    by_name: BTreeMap<(Role, String), SeatId>,
    pub(super) counters: Counters,
}

impl Register {
    pub(super) fn new(run_token: Token) -> Self {
        Self { run_token, seats: Vec::new(), by_name: BTreeMap::new(), counters: Counters::default() }
    }

    /// Adds a seat; `None` when its role has this name already.
    pub(super) fn add(&mut self, seat: Seat) -> Option<SeatId> {
        let id = SeatId(self.seats.len());
        let key = (seat.role, seat.name.clone());
        if self.by_name.contains_key(&key) {
            return None;
        }
        self.by_name.insert(key, id);
        self.seats.push(seat);
        Some(id)
    }

    pub(super) fn seat(&self, id: SeatId) -> &Seat {
        &self.seats[id.0]
    }

    pub(super) fn seat_mut(&mut self, id: SeatId) -> &mut Seat {
        &mut self.seats[id.0]
    }

    /// Gives a seat to whoever greets rightly, with the frame to welcome it.
    pub(super) fn claim(&mut self, hello: &Hello) -> Result<(SeatId, Arc<[u8]>), Refusal> {
        let id = self.check(hello)?;
        let seat = self.seat_mut(id);
        seat.state = SeatState::Taken;
        Ok((id, seat.welcome.clone()))
    }

    /// Takes a seat back from whoever did not take its welcome; one that was closed meanwhile stays so.
    pub(super) fn reopen(&mut self, id: SeatId) {
        let seat = self.seat_mut(id);
        if seat.state == SeatState::Taken {
            seat.state = SeatState::Open;
        }
    }

    fn check(&self, hello: &Hello) -> Result<SeatId, Refusal> {
        if hello.protocol != PROTOCOL {
            return Err(Refusal::Protocol { ours: PROTOCOL });
        }
        if hello.name.len() > NAME_BYTES_MAX {
            return Err(Refusal::Malformed);
        }
        let id = self.by_name.get(&(hello.role, hello.name.clone())).copied();
        let seat = id.map(|id| self.seat(id));
        let by_right = seat.is_some_and(|seat| seat.admits.matches(&hello.token));
        if !by_right && !self.run_token.matches(&hello.token) {
            return Err(Refusal::Token);
        }
        let (Some(id), Some(seat)) = (id, seat) else { return Err(self.unknown(hello)) };
        let name = hello.name.clone();
        match seat.state {
            SeatState::Closed => Err(Refusal::NotAwaited { name }),
            SeatState::Taken | SeatState::Open if !by_right => Err(Refusal::NotByHand { name }),
            SeatState::Taken => Err(Refusal::NameTaken { name }),
            SeatState::Open if hello.skill.is_some() && hello.skill != seat.skill => {
                Err(Refusal::Skill { planned: seat.skill })
            }
            SeatState::Open => Ok(id),
        }
    }

    fn unknown(&self, hello: &Hello) -> Refusal {
        let names =
            self.by_name.keys().filter(|(role, _)| *role == hello.role).map(|(_, name)| name.as_str());
        let few = self.by_name.len() <= NAMES_COMPARED_MAX;
        let nearest = few.then(|| nearest(&hello.name, names)).flatten().map(str::to_owned);
        Refusal::UnknownName { role: hello.role, name: hello.name.clone(), nearest }
    }
}
