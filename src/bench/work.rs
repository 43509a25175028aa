//! The work: seeds are played on all cores, and what comes of them is put together in their order.
//!
//! Workers take chunks of seeds of a cell, always of the cell that is furthest behind, and hand in
//! what came of them. The thread that called puts the chunks of a cell together in order, so the
//! figures are the same, to the last bit, for any number of workers and whichever is done first. A
//! cell may run ahead of what was put together by a few chunks only: so one slow chunk cannot make the
//! others pile up, and memory does not grow with the number of seeds.
//!
//! A signal stops everybody after the seed at hand. What was played up to the first gap counts.

use super::plan::Plan;
use super::play::{Figures, Stage};
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

/// How many chunks a cell may be ahead of what was put together, for each worker.
const CHUNKS_AHEAD: u64 = 4;

/// Where a bench is told how it goes on, and asked whether it should.
pub(crate) trait Overseer {
    /// So many runs have been put together.
    fn played(&mut self, tally: &Tally);
}

/// Plays each cell up to so many seeds, or until `is_over` says that it is enough; asked after each
/// seed, by every worker.
pub(crate) fn play(
    plan: &Plan,
    tally: &mut Tally,
    targets: &[u64],
    is_over: &(dyn Fn() -> bool + Sync),
    overseer: &mut dyn Overseer,
) {
    let board = Board::new(plan, tally, targets);
    let (hand_in, handed_in) = mpsc::channel();
    std::thread::scope(|scope| {
        for _ in 0..plan.threads {
            let (board, hand_in) = (&board, hand_in.clone());
            scope.spawn(move || work(plan, board, is_over, &hand_in));
        }
        drop(hand_in);
        put_together(&board, tally, &handed_in, overseer);
    });
}

/// What came of a chunk.
struct Chunk {
    cell: usize,
    first: u64,
    figures: Vec<Figures>,
}

fn work(plan: &Plan, board: &Board, is_over: &(dyn Fn() -> bool + Sync), hand_in: &Sender<Chunk>) {
    let mut stage = Stage::new(plan);
    // Whoever panics frees those who wait for what it had taken.
    let _freeing = Freeing(board);
    while let Some((cell, seeds)) = board.take() {
        let first = seeds.start;
        let room = (seeds.end - first) as usize * plan.players.len();
        let mut figures = Vec::with_capacity(room);
        for seed in seeds {
            if is_over() {
                board.stop();
                break;
            }
            // Seeds are counted from 0 within a bench.
            stage.play(cell, plan.first_seed + seed, &mut figures);
        }
        if hand_in.send(Chunk { cell, first, figures }).is_err() {
            return;
        }
    }
}

fn put_together(board: &Board, tally: &mut Tally, handed_in: &Receiver<Chunk>, overseer: &mut dyn Overseer) {
    let mut early: BTreeMap<(usize, u64), Vec<Figures>> = BTreeMap::new();
    while let Ok(Chunk { cell, first, figures }) = handed_in.recv() {
        early.insert((cell, first), figures);
        let there = &mut tally.cells[cell];
        while let Some(figures) = early.remove(&(cell, there.seeds)).filter(|next| !next.is_empty()) {
            there.add(&figures);
        }
        board.put_together(cell, there.seeds);
        overseer.played(tally);
    }
}

/// Who does what.
struct Board {
    state: Mutex<State>,
    /// Something was put together, or everything is over.
    moved: Condvar,
}

struct State {
    cells: Vec<CellState>,
    is_stopped: bool,
}

struct CellState {
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

impl CellState {
    fn has_work(&self) -> bool {
        self.next < self.target
    }

    fn may_go_on(&self) -> bool {
        self.next < self.done + self.ahead
    }
}

impl Board {
    fn new(plan: &Plan, tally: &Tally, targets: &[u64]) -> Self {
        let state = |(cell, (done, target)): (usize, (u64, &u64))| {
            let chunk = chunk_of(plan, cell);
            let ahead = chunk * CHUNKS_AHEAD * plan.threads as u64;
            CellState { next: done, target: *target, done, chunk, ahead }
        };
        let done = tally.cells.iter().map(|cell| cell.seeds);
        let cells = done.zip(targets).enumerate().map(state).collect();
        Self { state: Mutex::new(State { cells, is_stopped: false }), moved: Condvar::new() }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next chunk of the cell that is furthest behind; `None` when there is none left. Waits while
    /// all that have work are too far ahead.
    fn take(&self) -> Option<(usize, Range<u64>)> {
        let mut state = self.state();
        loop {
            if state.is_stopped || !state.cells.iter().any(CellState::has_work) {
                return None;
            }
            let cells = state.cells.iter_mut().enumerate();
            let free = cells.filter(|(_, cell)| cell.has_work() && cell.may_go_on());
            if let Some((place, cell)) = free.min_by_key(|(_, cell)| cell.next) {
                let first = cell.next;
                cell.next = cell.target.min(first + cell.chunk);
                return Some((place, first..cell.next));
            }
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn put_together(&self, cell: usize, seeds: u64) {
        self.state().cells[cell].done = seeds;
        self.moved.notify_all();
    }

    fn stop(&self) {
        self.state().is_stopped = true;
        self.moved.notify_all();
    }
}

/// Seeds of a chunk: how they are cut decides nothing but how evenly the work is spread.
fn chunk_of(plan: &Plan, cell: usize) -> u64 {
    let case = plan.case_of(cell);
    let servers = case.world.servers.len() as u64;
    let of_seed = servers * u64::from(case.rounds) * plan.players.len() as u64;
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
