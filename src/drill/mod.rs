//! A drill over several seeds: `world run --seeds N`, or a scenario that names several.
//!
//! One seed says what happened once; whether a promise would be kept is a matter of many. The runs
//! are played one after the other, each as it would be alone, and none is judged alone: gates are held
//! against the mean over all seeds and the 95 % interval around it ([`gates`]), so that a drill passes
//! because the world is good enough and not because a seed was kind. With `--out DIR`:
//!
//! ```text
//! DIR/seed-42/    the recording of each run, and its reports: see [`crate::recording`]
//! DIR/drill.json  what the drill came to ([`result`]); written at once after all runs
//! DIR/junit.xml, summary.md, report.html
//!                 reports of the drill: see [`crate::report`]
//! ```

pub(crate) mod gates;
pub(crate) mod result;

use crate::cli::RunArgs;
use crate::config::{Detail, Output, RunConfig};
use crate::console::{self, Progress, drill as told};
use crate::director;
use crate::exit_code;
use crate::gate::Gate;
use crate::program::Failure;
use crate::recording::{self, DRILL, Recording, RecordingError};
use crate::repeat;
use crate::report::{KeepError, Reports};
use crate::result::Mode;
use crate::run;
use crate::signal::Signals;
use crate::sre_programs;
use crate::stdio::{self, Stdio, Stream};
use crate::watchers::Watchers;
use console::Paper;
use result::{DrillResult, SeedRun};
use std::io;
use std::path::Path;

/// Plays all seeds of a run, judges them together, and tells. Gives the exit code.
pub(crate) fn run(
    args: &RunArgs,
    config: &RunConfig,
    signals: &Signals,
    stdio: &mut Stdio,
) -> Result<u8, Failure> {
    if let Some(dir) = &config.out {
        refuse_taken(dir).map_err(Failure::Unrecordable)?;
    }
    let mut screen = Screen::new(config);
    screen.print(&told::opening(config, screen.width()))?;
    let mut runs = Vec::with_capacity(config.seeds.len());
    // A report that cannot be written costs nothing but itself.
    let mut reported = Ok(());
    for seed in &config.seeds {
        let (run, its_reports) = one(&of_seed(args, config, *seed), &config.gates, signals)?;
        reported = reported.and(its_reports);
        screen.seed(&run)?;
        runs.push(run);
        if signals.signal().is_some() {
            break;
        }
    }
    let result = DrillResult::of(config, runs, signals.signal());
    let document = result.to_json()?;
    let kept = config.out.as_deref().map_or(Ok(()), |dir| keep(dir, &document));
    if let (Some(dir), Ok(())) = (&config.out, &kept) {
        let reports = Reports::of_drill(&result);
        reports.tell_job();
        reported = reported.and(reports.keep(dir));
    }
    screen.end(&result)?;
    if config.output.json {
        run::show(&document, &mut stdio.out.out)?;
    }
    kept.map_err(Failure::Recording)?;
    reported?;
    Ok(signals.signal().map_or(result.exit_code(), exit_code::signalled))
}

/// The run of one seed: told to nobody, recorded beside the others, and without gates of its own.
fn of_seed(args: &RunArgs, config: &RunConfig, seed: u64) -> RunConfig {
    let mut of_seed = config.clone();
    of_seed.plan.seed = seed;
    of_seed.seeds = vec![seed];
    of_seed.is_drill = false;
    of_seed.output = Output { json: false, detail: Detail::Quiet };
    of_seed.out = config.out.as_deref().map(|dir| recording::of_seed(dir, seed));
    of_seed.gates.clear();
    let alone = RunArgs { seeds: None, fail_on: Vec::new(), ..args.clone() };
    of_seed.repeat = match &of_seed.scenario {
        Some(_) => repeat::of_scenario(&alone, &of_seed.plan, true),
        None => repeat::command(&alone, &of_seed.world, &of_seed.plan),
    };
    of_seed
}

/// Plays one run; with what is kept of it comes whether its reports could be written. It is held against
/// no gate, but its values are noted for those of the drill.
fn one(
    config: &RunConfig,
    gates: &[Gate],
    signals: &Signals,
) -> Result<(SeedRun, Result<(), KeepError>), Failure> {
    let logs = sre_programs::log_names(config);
    let create = |dir| Recording::create(dir, config.mode.name(), logs).map_err(Failure::Unrecordable);
    let recording = config.out.as_deref().map(create).transpose()?;
    // Whatever fails from here on, they give the recording up.
    let watchers = Watchers::unseen(recording);
    let directory = match config.mode {
        Mode::Processes => Some(director::claim(config)?),
        Mode::Inline => None,
    };
    let (finished, mut watchers) = run::play(config, directory, watchers, signals)?;
    let references = run::references(config, &finished, signals);
    let result = run::result_of(config, &finished, references.as_ref());
    let kept = SeedRun::of(&result, &finished.outcome, references.as_ref().ok(), gates);
    let Some(dir) = &config.out else { return Ok((kept, Ok(()))) };
    watchers.records.finish(&result.to_json()?)?;
    let chronicle = watchers.records.take_chronicle();
    // A job is told of the drill, and not of each seed.
    let reported = chronicle.map_or(Ok(()), |chronicle| Reports::of(&chronicle, &result).keep(dir));
    Ok((kept, reported))
}

fn refuse_taken(dir: &Path) -> Result<(), RecordingError> {
    if recording::holds_run(dir) {
        return Err(RecordingError::HoldsRun { dir: dir.to_owned() });
    }
    Ok(())
}

fn keep(dir: &Path, document: &[u8]) -> Result<(), RecordingError> {
    recording::write_at_once(&dir.join(DRILL), document)
}

/// What people look at: a line for each seed, or a bar.
struct Screen {
    /// `None` when nobody reads it, or any more.
    paper: Option<Paper<Stream>>,
    quiet: bool,
    beside_json: bool,
    bar: Progress,
}

impl Screen {
    fn new(config: &RunConfig) -> Self {
        let Output { json, detail } = config.output;
        let quiet = detail == Detail::Quiet;
        let paper = if json { stdio::standard_error } else { stdio::standard_output };
        let bar = Progress::seen_if(quiet && stdio::is_watched(), "seeds", config.seeds.len() as u64);
        Self { paper: (!(quiet && json)).then(paper), quiet, beside_json: json, bar }
    }

    fn width(&self) -> usize {
        self.paper.as_ref().map_or(0, |paper| paper.width)
    }

    fn seed(&mut self, run: &SeedRun) -> Result<(), Failure> {
        self.bar.step();
        if self.quiet { Ok(()) } else { self.print(&[told::seed(run)]) }
    }

    fn end(&mut self, result: &DrillResult) -> Result<(), Failure> {
        self.bar = Progress::seen_if(false, "", 0);
        let lines = told::ending(result, self.width());
        self.write(&lines)
    }

    fn print(&mut self, lines: &[String]) -> Result<(), Failure> {
        if self.quiet { Ok(()) } else { self.write(lines) }
    }

    /// Writes, until the pipe is closed; then the drill goes on for its exit code.
    fn write(&mut self, lines: &[String]) -> Result<(), Failure> {
        match self.paper.as_mut().map(|paper| paper.print(lines)) {
            Some(Err(error)) => {
                self.paper = None;
                let is_closed = error.kind() == io::ErrorKind::BrokenPipe;
                if is_closed || self.beside_json { Ok(()) } else { Err(Failure::Output(error)) }
            }
            _ => Ok(()),
        }
    }
}
