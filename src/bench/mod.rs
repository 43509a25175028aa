//! `world bench` and `world compare`: many seeds, everybody on the same ones, and figures that can be
//! defended.
//!
//! | module | what it holds |
//! |---|---|
//! | [`plan`] | what is to be played: cases, cells, players, seeds |
//! | [`play`] | one seed of one cell, and what [`crate::metric`] says of its runs |
//! | [`work`] | all cores at it, and what comes of it put together in order |
//! | [`tally`] | what was played so far: samples |
//! | [`checkpoint`] | the same on disk, and how a bench goes on |
//! | [`until`] | when there are seeds enough |
//! | [`figures`] | from samples to estimates, intervals, differences |
//! | [`result`], [`csv`], [`baseline`], [`comparison`] | documents |
//!
//! The numbers themselves are the crate `statistics`'; what people see is [`crate::console::bench`]'s.

pub(crate) mod baseline;
mod checkpoint;
pub(crate) mod comparison;
mod csv;
pub(crate) mod figures;
pub(crate) mod plan;
mod play;
mod repeat;
pub(crate) mod result;
pub(crate) mod tally;
mod until;
mod work;

use crate::cli::{BenchArgs, BenchFlags, CompareArgs};
use crate::console::bench as told;
use crate::console::{Paper, Progress};
use crate::program::Failure;
use crate::run::show;
use crate::signal::Signals;
use crate::stdio::{Stdio, Stream};
use baseline::{BaselineError, Regression};
use checkpoint::{KeepError, Keeper};
use comparison::CompareResult;
use plan::{Plan, PlanError, Until};
use result::BenchResult;
use std::io;
use tally::Tally;
use until::{Reached, Width};
use work::Overseer;

/// Why a bench is refused, before anything is played.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BenchError {
    #[error("{0}")]
    Plan(#[from] PlanError),
    #[error("{0}")]
    Keep(#[from] KeepError),
    #[error("{0}")]
    Baseline(#[from] BaselineError),
}

impl BenchError {
    /// What to do about it.
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::Plan(error) => error.hint(),
            Self::Keep(error) => error.hint(),
            Self::Baseline(error) => Some(error.hint()),
        }
    }
}

/// `world bench`. Gives the exit code.
pub(crate) fn bench(args: &BenchArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let plan = Plan::of_bench(args).map_err(BenchError::from)?;
    let earlier = args.baseline.as_deref().map(|file| Ok((file, baseline::read(file)?)));
    let earlier = earlier.transpose().map_err(BenchError::Baseline)?;
    let mut bench = Bench::begin(&plan, &args.flags, ["bench.json", "bench.csv"], stdio)?;
    let each: Vec<Vec<usize>> = (0..plan.cells.len()).map(|cell| vec![cell]).collect();
    let width: Width<'_> = &|metric, maker, tally, cell| until::widest_of(&plan, metric, maker, tally, cell);
    let interrupted_by = bench.play(&each, width);
    let mut result = BenchResult::of(&plan, &bench.tally, &repeat::of_bench(args, &plan));
    result.until = bench.reached.take();
    result.regression = earlier.map(|(file, before)| {
        let allowed = args.max_regression.unwrap_or_default();
        Regression::of(file, &before, &result, allowed)
    });
    result.judge(interrupted_by);
    let documents = Documents { json: result.to_json()?, csv: csv::of_bench(&result) };
    let tables = |width| told::of_bench(&result, width);
    bench.end(&documents, &tables, &told::Verdict::of_bench(&result), stdio)?;
    Ok(result::exit_code(result.verdict, result.interrupted_by))
}

/// `world compare`. Gives the exit code.
pub(crate) fn compare(args: &CompareArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let plan = Plan::of_comparison(args).map_err(BenchError::from)?;
    let mut bench = Bench::begin(&plan, &args.flags, ["compare.json", "compare.csv"], stdio)?;
    let pairs: Vec<Vec<usize>> = comparison::pairs(&plan).into_iter().map(Vec::from).collect();
    let width: Width<'_> =
        &|metric, maker, tally, cell| comparison::widest_difference(&plan, metric, maker, tally, cell);
    let interrupted_by = bench.play(&pairs, width);
    let mut result = CompareResult::of(&plan, &bench.tally, &repeat::of_comparison(args, &plan));
    result.until = bench.reached.take();
    result.judge(interrupted_by);
    let documents = Documents { json: result.to_json()?, csv: result.to_csv() };
    let tables = |width| told::of_comparison(&result, width);
    bench.end(&documents, &tables, &told::Verdict::of_comparison(&result), stdio)?;
    Ok(result::exit_code(result.verdict, result.interrupted_by))
}

/// A bench that is being played.
struct Bench<'a> {
    plan: &'a Plan,
    flags: &'a BenchFlags,
    /// The files that it leaves, where it leaves any.
    names: [&'static str; 2],
    signals: Signals,
    keeper: Option<Keeper>,
    tally: Tally,
    /// Whether intervals came to be narrow enough, if that was asked.
    reached: Option<Reached>,
}

/// What a bench came to, for programs.
struct Documents {
    json: Vec<u8>,
    csv: String,
}

impl<'a> Bench<'a> {
    /// Everything that can be refused was, once this is there.
    fn begin(
        plan: &'a Plan,
        flags: &'a BenchFlags,
        names: [&'static str; 2],
        stdio: &mut Stdio,
    ) -> Result<Self, Failure> {
        let kept = flags.out.as_deref().map(|dir| Keeper::open(dir, names[0], plan));
        let (keeper, tally) = match kept.transpose().map_err(BenchError::from)? {
            Some((keeper, tally)) => (Some(keeper), tally),
            None => (None, Tally::new(plan)),
        };
        // From here on a signal leaves what there is.
        let signals = Signals::install().map_err(Failure::Signals)?;
        // A warning that nobody can read stops nothing.
        let _ = stdio.err.print(&plan.warnings);
        let bench = Self { plan, flags, names, signals, keeper, tally, reached: None };
        if !flags.quiet {
            let opening = told::opening(plan, &bench.tally);
            bench.print(stdio, |_| opening)?;
        }
        Ok(bench)
    }

    /// Plays all seeds; cells of a group get equally many. Gives the signal that ended it early.
    fn play(&mut self, groups: &[Vec<usize>], width: Width<'_>) -> Option<i32> {
        match self.plan.until {
            None => self.play_to(&vec![self.plan.seeds; self.plan.cells.len()], groups),
            Some(until) => self.play_until(until, groups, width),
        }
    }

    fn play_until(&mut self, until: Until, groups: &[Vec<usize>], width: Width<'_>) -> Option<i32> {
        let plan = self.plan;
        let firsts: Vec<usize> = groups.iter().map(|group| group[0]).collect();
        let step =
            |&cell: &usize| until::step_from(self.tally.cells[cell].seeds, plan.seeds, until.seeds_max);
        let mut steps: Vec<u64> = firsts.iter().map(step).collect();
        loop {
            let interrupted_by = self.play_to(&of_each_cell(plan, groups, &steps), groups);
            let widths = until::widths(plan, &self.tally, &firsts, |maker, tally, cell| {
                width(until.metric, maker, tally, cell)
            });
            let mut is_over = true;
            for (step, width) in steps.iter_mut().zip(&widths) {
                if !until::is_narrow(until, *width) && *step < until.seeds_max {
                    *step = until::after(*step, until.seeds_max);
                    is_over = false;
                }
            }
            if is_over || interrupted_by.is_some() {
                self.reached = Some(until::reached(until, widths));
                return interrupted_by;
            }
        }
    }

    /// Plays each cell up to so many seeds.
    fn play_to(&mut self, targets: &[u64], groups: &[Vec<usize>]) -> Option<i32> {
        let before = self.tally.runs();
        let players = self.plan.players.len() as u64;
        let left = self.tally.cells.iter().zip(targets);
        let left: u64 = left.map(|(cell, target)| target.saturating_sub(cell.seeds) * players).sum();
        let bar = Progress::of("runs", left);
        let mut watch = Watch { bar, before, keeper: self.keeper.as_mut() };
        let signals = &self.signals;
        work::play(self.plan, &mut self.tally, targets, &|| signals.signal().is_some(), &mut watch);
        let is_short = self.tally.cells.iter().zip(targets).any(|(cell, target)| cell.seeds < *target);
        let interrupted_by = signals.signal().filter(|_| is_short);
        if interrupted_by.is_some() {
            // What belongs together is of the same seeds: those that are behind catch up, by a few
            // chunks at most.
            let most = |group: &Vec<usize>| group.iter().map(|&cell| self.tally.cells[cell].seeds).max();
            let even: Vec<u64> = groups.iter().map(|group| most(group).unwrap_or_default()).collect();
            let targets = of_each_cell(self.plan, groups, &even);
            work::play(self.plan, &mut self.tally, &targets, &|| false, &mut watch);
        }
        interrupted_by
    }

    /// Tells what it came to, and keeps it.
    fn end(
        self,
        documents: &Documents,
        tables: &dyn Fn(usize) -> Vec<String>,
        verdict: &told::Verdict<'_>,
        stdio: &mut Stdio,
    ) -> Result<(), Failure> {
        let Documents { json, csv } = documents;
        let told = self.print(stdio, |width| {
            let tables = if self.flags.quiet { Vec::new() } else { tables(width) };
            tables.into_iter().chain(verdict.lines(width, self.flags.quiet)).collect()
        });
        let files = [(self.names[0], json.as_slice()), (self.names[1], csv.as_bytes())];
        let kept = self.keeper.map_or(Ok(()), |keeper| keeper.finish(&self.tally, &files));
        if self.flags.json {
            show(json, &mut stdio.out.out)?;
        }
        if self.flags.csv {
            show(csv.as_bytes(), &mut stdio.out.out)?;
        }
        kept.map_err(Failure::Recording)?;
        told
    }

    /// Prints for people: on standard output, or beside a document on standard error.
    fn print(&self, stdio: &mut Stdio, lines: impl FnOnce(usize) -> Vec<String>) -> Result<(), Failure> {
        let is_beside = self.flags.json || self.flags.csv;
        let paper: &mut Paper<Stream> = if is_beside { &mut stdio.err } else { &mut stdio.out };
        let lines = lines(paper.width);
        match paper.print(&lines) {
            // Whoever closed the pipe has had enough of it; the bench is kept all the same.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !is_beside => {
                Err(Failure::Output(error))
            }
            _ => Ok(()),
        }
    }
}

/// Seeds of each cell, from those of each group.
fn of_each_cell(plan: &Plan, groups: &[Vec<usize>], seeds: &[u64]) -> Vec<u64> {
    let mut of_cells = vec![0; plan.cells.len()];
    for (group, &seeds) in groups.iter().zip(seeds) {
        group.iter().for_each(|&cell| of_cells[cell] = seeds);
    }
    of_cells
}

/// Whoever follows a bench: a progress bar, and the keeper of checkpoints.
struct Watch<'a> {
    bar: Progress,
    /// Runs that were played before.
    before: u64,
    keeper: Option<&'a mut Keeper>,
}

impl Overseer for Watch<'_> {
    fn played(&mut self, tally: &Tally) {
        self.bar.reach(tally.runs() - self.before);
        if let Some(keeper) = &mut self.keeper {
            keeper.look(tally);
        }
    }
}
