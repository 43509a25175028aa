//! The work: seeds are played on all cores, and what comes of them is put together in their order.
//!
//! Workers take chunks of seeds of a group of cells, always of the group that is furthest behind, and hand in
//! what came of them. The thread that called puts the chunks of a group together in order, so the
//! figures are the same, to the last bit, for any number of workers and whichever is done first. A
//! group may run ahead of what was put together by a few chunks only: so one slow chunk cannot make the
//! others pile up, and memory does not grow with the number of seeds.
//!
//! A signal stops everybody after the seed at hand, or where a program is waited for at once: that seed does
//! not count. What was played up to the first gap counts.

use super::plan::Plan;
use super::play::{Figures, Stage};
use super::programs::Programs;
use super::tally::Tally;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Server-rounds of a chunk, some thirtieth of a second: then taking it, handing it in and putting it
/// together is nothing beside it, and nobody waits long for the last one.
const CHUNK_SERVER_ROUNDS: u64 = 40_000;

/// Most seeds of a chunk.
const CHUNK_MAX: u64 = 256;

/// How many chunks a group may be ahead of what was put together, for each worker.
const CHUNKS_AHEAD: u64 = 4;

/// Whoever is told how a bench goes on.
pub(crate) trait Overseer {
    /// More seeds have been put together.
    fn played(&mut self, tally: &Tally);

    /// A program has been through another round.
    fn round_played(&mut self);

    /// A program takes long for an answer.
    fn waits(&mut self, player: usize);
}

/// What workers say.
#[derive(Debug)]
pub(crate) enum Word {
    /// Seeds were played.
    Chunk(Chunk),
    /// A round of a program was.
    RoundPlayed,
    /// An answer takes long.
    Waits { player: usize },
}

/// Plays each group of cells up to so many seeds, or until `is_over` says that it is enough; asked after
/// each seed, by every worker.
pub(crate) fn play(
    plan: &Plan,
    programs: Option<&Programs>,
    tally: &mut Tally,
    targets: &[u64],
    is_over: &(dyn Fn() -> bool + Sync),
    overseer: &mut dyn Overseer,
) {
    let board = Board::new(plan, tally, targets);
    let (say, said) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..plan.threads {
            let (board, say) = (&board, say.clone());
            scope.spawn(move || work(plan, Stage::new(plan, programs, say.clone()), board, is_over, &say));
        }
        drop(say);
        put_together(plan, &board, tally, &said, overseer);
    });
}

/// What came of a chunk: of each seed, for each cell of the group, what each player did.
#[derive(Debug)]
pub(crate) struct Chunk {
    group: usize,
    first: u64,
    figures: Vec<Figures>,
}

fn work(
    plan: &Plan,
    mut stage: Stage<'_>,
    board: &Board,
    is_over: &(dyn Fn() -> bool + Sync),
    say: &Sender<Word>,
) {
    // Whoever panics frees those who wait for what it had taken.
    let _freeing = Freeing(board);
    while let Some((group, seeds)) = board.take() {
        let first = seeds.start;
        let of_seed = plan.groups[group].len() * plan.players.len();
        let mut figures = Vec::with_capacity((seeds.end - first) as usize * of_seed);
        for seed in seeds {
            if is_over() {
                board.stop();
                break;
            }
            let whole = figures.len();
            // Seeds are counted from 0 within a bench.
            let mut cells = plan.groups[group].iter();
            if cells.try_for_each(|&cell| stage.play(cell, plan.first_seed + seed, &mut figures)).is_none() {
                figures.truncate(whole);
                board.stop();
                break;
            }
        }
        if say.send(Word::Chunk(Chunk { group, first, figures })).is_err() {
            return;
        }
    }
}

fn put_together(
    plan: &Plan,
    board: &Board,
    tally: &mut Tally,
    said: &Receiver<Word>,
    overseer: &mut dyn Overseer,
) {
    let mut early: BTreeMap<(usize, u64), Vec<Figures>> = BTreeMap::new();
    while let Ok(word) = said.recv() {
        match word {
            Word::Chunk(Chunk { group, first, figures }) => {
                early.insert((group, first), figures);
                while let Some(next) = early.remove(&(group, tally.seeds_of(plan, group))) {
                    if next.is_empty() {
                        break;
                    }
                    tally.add(plan, group, &next);
                }
                board.put_together(group, tally.seeds_of(plan, group));
                overseer.played(tally);
            }
            Word::RoundPlayed => overseer.round_played(),
            Word::Waits { player } => overseer.waits(player),
        }
    }
}

/// Who does what.
struct Board {
    state: Mutex<State>,
    /// Something was put together, or everything is over.
    moved: Condvar,
}

struct State {
    groups: Vec<GroupState>,
    is_stopped: bool,
}

struct GroupState {
    /// The next seed that nobody has taken.
    next: u64,
    /// Where it ends.
    target: u64,
    /// Seeds that were put together.
    done: u64,
    /// Seeds of a chunk.
    chunk: u64,
    /// Seeds that it may be ahead.
    ahead: u64,
}

impl GroupState {
    fn has_work(&self) -> bool {
        self.next < self.target
    }

    fn may_go_on(&self) -> bool {
        self.next < self.done + self.ahead
    }
}

impl Board {
    fn new(plan: &Plan, tally: &Tally, targets: &[u64]) -> Self {
        let state = |(group, &target): (usize, &u64)| {
            let (done, chunk) = (tally.seeds_of(plan, group), chunk_of(plan, group));
            let ahead = chunk * CHUNKS_AHEAD * plan.threads as u64;
            GroupState { next: done, target, done, chunk, ahead }
        };
        let groups = targets.iter().enumerate().map(state).collect();
        Self { state: Mutex::new(State { groups, is_stopped: false }), moved: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next chunk of the group that is furthest behind; `None` when there is none left. Waits while
    /// all that have work are too far ahead.
    fn take(&self) -> Option<(usize, Range<u64>)> {
        let mut state = self.state();
        loop {
            if state.is_stopped || !state.groups.iter().any(GroupState::has_work) {
                return None;
            }
            let groups = state.groups.iter_mut().enumerate();
            let free = groups.filter(|(_, group)| group.has_work() && group.may_go_on());
            if let Some((place, group)) = free.min_by_key(|(_, group)| group.next) {
                let first = group.next;
                group.next = group.target.min(first + group.chunk);
                return Some((place, first..group.next));
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put_together(&self, group: usize, seeds: u64) {
        self.state().groups[group].done = seeds;
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.state().is_stopped = true;
        self.moved.notify_all();
    }
}

/// Seeds of a chunk: how they are cut decides nothing but how evenly the work is spread. A program takes what
/// time it likes for each.
fn chunk_of(plan: &Plan, group: usize) -> u64 {
    if plan.programs().next().is_some() {
        return 1;
    }
    let of_cell = |&cell: &usize| {
        let case = plan.case_of(cell);
        case.world.servers.len() as u64 * u64::from(case.rounds) * plan.players.len() as u64
    };
    let of_seed: u64 = plan.groups[group].iter().map(of_cell).sum();
    (CHUNK_SERVER_ROUNDS / of_seed.max(1)).clamp(1, CHUNK_MAX)
}

/// Stops the others when a worker panics.
struct Freeing<'a>(&'a Board);

impl Drop for Freeing<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
