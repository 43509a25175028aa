//! `world bench` and `world compare`: many seeds, everybody on the same ones, and figures that can be
//! defended.
//!
//! | module | what it holds |
//! |---|---|
//! | [`plan`] | what is to be played: cases, cells, players, seeds |
//! | [`programs`] | with what programs on call are run |
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
mod programs;
mod repeat;
pub(crate) mod result;
pub(crate) mod tally;
mod until;
mod work;

use crate::cli::{BenchArgs, BenchFlags, CompareArgs};
use crate::console::bench as told;
use crate::console::{self, Paper, Progress};
use crate::program::Failure;
use crate::run::show;
use crate::signal::Signals;
use crate::stdio::{Stdio, Stream};
use baseline::{BaselineError, Regression};
use checkpoint::{KeepError, Keeper};
use comparison::CompareResult;
use plan::{Plan, PlanError, Until};
use programs::Programs;
use result::BenchResult;
use std::collections::BTreeSet;
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
    let width: Width<'_> = &|metric, maker, tally, cell| until::widest_of(&plan, metric, maker, tally, cell);
    let interrupted_by = bench.play(width);
    let mut result = BenchResult::of(&plan, &bench.tally, &repeat::of_bench(args, &plan));
    result.until = bench.reached.take();
    result.regression = earlier.map(|(file, before)| {
        let allowed = args.max_regression.unwrap_or_default();
        Regression::of(file, &before, &result, allowed)
    });
    result.judge(interrupted_by);
    let documents = Documents { json: result.to_json()?, csv: csv::of_bench(&result) };
    let tables = |width| told::of_bench(&result, width);
    bench.end(&documents, &tables, &told::Verdict::of_bench(&result, args.flags.quiet), stdio)?;
    Ok(result::exit_code(result.verdict, result.interrupted_by))
}

/// `world compare`. Gives the exit code.
pub(crate) fn compare(args: &CompareArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let plan = Plan::of_comparison(args).map_err(BenchError::from)?;
    let mut bench = Bench::begin(&plan, &args.flags, ["compare.json", "compare.csv"], stdio)?;
    let width: Width<'_> =
        &|metric, maker, tally, cell| comparison::widest_difference(&plan, metric, maker, tally, cell);
    let interrupted_by = bench.play(width);
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
    /// With what programs are run, where there are any.
    programs: Option<Programs>,
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
        let programs = Programs::of(plan, flags.out.as_deref(), signals.noted())?;
        // A warning that nobody can read stops nothing.
        let _ = stdio.err.print(&plan.warnings);
        let bench = Self { plan, flags, names, signals, programs, keeper, tally, reached: None };
        if !flags.quiet {
            let opening = told::opening(plan, &bench.tally);
            bench.print(stdio, |_| opening)?;
        }
        Ok(bench)
    }

    /// Plays all seeds. Gives the signal that ended it early.
    fn play(&mut self, width: Width<'_>) -> Option<i32> {
        match self.plan.until {
            None => self.play_to(&vec![self.plan.seeds; self.plan.groups.len()]),
            Some(until) => self.play_until(until, width),
        }
    }

    fn play_until(&mut self, until: Until, width: Width<'_>) -> Option<i32> {
        let plan = self.plan;
        let firsts: Vec<usize> = plan.groups.iter().map(|group| group[0]).collect();
        let step =
            |&cell: &usize| until::step_from(self.tally.cells[cell].seeds, plan.seeds, until.seeds_max);
        let mut steps: Vec<u64> = firsts.iter().map(step).collect();
        loop {
            let interrupted_by = self.play_to(&steps);
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

    /// Plays each group of cells up to so many seeds.
    fn play_to(&mut self, targets: &[u64]) -> Option<i32> {
        let (plan, signals) = (self.plan, &self.signals);
        let mut watch = Watch::new(plan, &self.tally, targets, self.keeper.as_mut());
        let is_over = || signals.signal().is_some();
        work::play(plan, self.programs.as_ref(), &mut self.tally, targets, &is_over, &mut watch);
        let seeds_of = |group| self.tally.seeds_of(plan, group);
        let is_short = targets.iter().enumerate().any(|(group, target)| seeds_of(group) < *target);
        signals.signal().filter(|_| is_short)
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

/// Whoever follows a bench: a progress bar, and the keeper of checkpoints.
struct Watch<'a> {
    plan: &'a Plan,
    bar: Progress,
    /// Runs that were played before.
    before: u64,
    /// Rounds of programs that were played, where they are what takes the time.
    rounds: Option<u64>,
    /// Players of whom it was told that they take long.
    waited_for: BTreeSet<usize>,
    keeper: Option<&'a mut Keeper>,
}

impl<'a> Watch<'a> {
    /// Of what is left to do.
    fn new(plan: &'a Plan, tally: &Tally, targets: &[u64], keeper: Option<&'a mut Keeper>) -> Self {
        let programs = plan.programs().count() as u64;
        let left = |of_cell: &dyn Fn(usize) -> u64| -> u64 {
            let of_group = |(group, target): (usize, &u64)| {
                let seeds = target.saturating_sub(tally.seeds_of(plan, group));
                let of_seed: u64 = plan.groups[group].iter().map(|&cell| of_cell(cell)).sum();
                seeds.saturating_mul(of_seed)
            };
            targets.iter().enumerate().map(of_group).fold(0, u64::saturating_add)
        };
        let bar = match programs {
            0 => Progress::of("runs", left(&|_| plan.players.len() as u64)),
            _ => Progress::of("rounds", left(&|cell| programs * u64::from(plan.case_of(cell).rounds))),
        };
        let rounds = (programs > 0).then_some(0);
        Self { plan, bar, before: tally.runs(), rounds, waited_for: BTreeSet::new(), keeper }
    }
}

impl Overseer for Watch<'_> {
    fn played(&mut self, tally: &Tally) {
        if self.rounds.is_none() {
            self.bar.reach(tally.runs() - self.before);
        }
        if let Some(keeper) = &mut self.keeper {
            keeper.look(tally);
        }
    }

    fn round_played(&mut self) {
        if let Some(rounds) = &mut self.rounds {
            *rounds += 1;
            self.bar.reach(*rounds);
        }
    }

    fn waits(&mut self, player: usize) {
        if self.waited_for.insert(player) {
            self.bar.suspend(|| console::tell_wait(&self.plan.players[player].name));
        }
    }
}
