//! `world run`: decide, play, draw up the result, tell.
//!
//! Everything that can be refused is refused before the first round. From then on whoever watches
//! (console, progress bar, recording, determinism check) is told the same events, and none of them
//! can change the run; at most they end it early.

use crate::cli::RunArgs;
use crate::config::{self, RunConfig};
use crate::console;
use crate::console::Progress;
use crate::determinism::{self, Checked};
use crate::director;
use crate::drill;
use crate::event::{Event, Finished};
use crate::inline::{self, Controls};
use crate::program::Failure;
use crate::recording::Recording;
use crate::reference::{References, Unreferenced};
use crate::report::Reports;
use crate::result::{Facts, Mode, RunResult, Verdict};
use crate::schedule::Schedule;
use crate::signal::Signals;
use crate::sre_programs::{self, Minds};
use crate::stdio::Stdio;
use crate::watchers::{Watcher as _, Watchers};
use crate::{exit_code, scenario, worlds_command};
use bus::address::RunDirectory;
use std::io::{self, Write};

/// Seeds are drawn short enough to be read out and typed, and to be exact in any JSON reader.
const SEED_BYTES: usize = 4;

/// Runs a world as the command line says. Gives the exit code.
pub(crate) fn run(args: &RunArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let config = decide(args, stdio)?;
    if args.plan {
        return plan(&config, stdio);
    }
    // From here on a signal leaves a result, or nothing.
    let signals = Signals::install().map_err(Failure::Signals)?;
    if config.is_drill {
        return drill::run(args, &config, &signals, stdio);
    }
    let logs = sre_programs::log_names(&config);
    let create = |dir| Recording::create(dir, config.mode.name(), logs).map_err(Failure::Unrecordable);
    let recording = config.out.as_deref().map(create).transpose()?;
    let mut watchers = Watchers::new(&config, recording);
    let directory = match config.mode {
        Mode::Processes => Some(director::claim(&config)?),
        Mode::Inline => None,
    };
    watchers.screen.begin(&config);
    let (finished, watchers) = play(&config, directory, watchers, &signals)?;
    Judgement { config: &config, finished, watchers, signals: &signals }.pass(&mut stdio.out.out)
}

fn decide(args: &RunArgs, stdio: &mut Stdio) -> Result<RunConfig, Failure> {
    let (config, warnings) = match &args.scenario {
        Some(name) => {
            let settled = scenario::load(name)?;
            (RunConfig::of_scenario(args, settled.scenario)?, settled.warnings)
        }
        None => {
            let world = args.world.as_deref().unwrap_or(config::DEFAULT_WORLD);
            let (name, world) = worlds_command::load_world(world)?;
            let mut drawn = Ok(0);
            let config = RunConfig::decide(args, &name, world.definition, || {
                drawn = draw_seed();
                drawn.unwrap_or_default()
            })?;
            drawn?;
            (config, world.warnings)
        }
    };
    let warnings: Vec<_> = warnings.iter().map(|warning| warning.to_string()).collect();
    // A warning that nobody can read stops nothing.
    let _ = stdio.err.print(&warnings);
    Ok(config)
}

fn draw_seed() -> Result<u64, getrandom::Error> {
    let mut bytes = [0; SEED_BYTES];
    getrandom::fill(&mut bytes)?;
    Ok(u64::from(u32::from_le_bytes(bytes)))
}

/// `--plan`: what would happen, without running it.
fn plan(config: &RunConfig, stdio: &mut Stdio) -> Result<u8, Failure> {
    let mut bar = Progress::of("planning, round", config.plan.rounds.into());
    let schedule = Schedule::of(config, || bar.step());
    drop(bar);
    if config.output.json {
        serde_json::to_writer_pretty(&mut stdio.out.out, &schedule).map_err(io::Error::from)?;
        writeln!(stdio.out.out)?;
        stdio.out.out.flush()?;
    } else {
        stdio.out.print(&console::schedule::lines(&schedule, stdio.out.width))?;
    }
    Ok(exit_code::OK)
}

/// Plays it, over the bus where there is a directory for one, else by plain calls; gives back those
/// who watched it.
pub(crate) fn play(
    config: &RunConfig,
    directory: Option<RunDirectory>,
    mut watchers: Watchers,
    signals: &Signals,
) -> Result<(Finished, Watchers), Failure> {
    match directory {
        Some(directory) => {
            let (finished, here, mut watchers) = director::run(config, directory, signals, watchers)?;
            watchers.records.of_this_machine(here);
            Ok((finished, watchers))
        }
        None => {
            let controls = Controls { pace: config.pace, interrupt: &|| signals.signal() };
            let interest = watchers.interest();
            let watch = &mut |event: &Event| watchers.tell(event);
            let (world, plan) = (&config.world, config.plan.clone());
            let minds = Minds::of(config, signals.noted()).of_plan(&plan)?;
            let finished = inline::run(world, plan, &controls, interest, minds, watch);
            Ok((finished, watchers))
        }
    }
}

/// Plays what a run is compared with.
pub(crate) fn references(
    config: &RunConfig,
    finished: &Finished,
    signals: &Signals,
) -> Result<References, Unreferenced> {
    let rounds = finished.outcome.rounds;
    // Nobody acts in the one, the oracle does in the other.
    let mut bar = Progress::of("reference runs, round", 2 * u64::from(rounds));
    let interrupt = || signals.signal();
    References::play(&config.world, &config.plan, rounds, &interrupt, || bar.step())
}

/// Draws up the result of a run, compared with its reference runs.
pub(crate) fn result_of(
    config: &RunConfig,
    finished: &Finished,
    references: Result<&References, &Unreferenced>,
) -> RunResult {
    RunResult::of(Facts {
        world: &config.world,
        scenario: config.scenario.as_deref(),
        plan: &config.plan,
        mode: config.mode,
        finished,
        references,
        gates: &config.gates,
        repeat: &config.repeat,
    })
}

/// A run that is over, and is to be judged.
struct Judgement<'a> {
    config: &'a RunConfig,
    finished: Finished,
    watchers: Watchers,
    signals: &'a Signals,
}

impl Judgement<'_> {
    /// Draws up the result, and tells everybody. `json` is where the document may go, too.
    fn pass(mut self, json: &mut dyn Write) -> Result<u8, Failure> {
        self.watchers.screen.clear();
        self.no_trouble()?;
        if !self.watchers.are_wanting() {
            return Ok(self.exit_code(exit_code::OK));
        }
        let references = references(self.config, &self.finished, self.signals);
        let result = result_of(self.config, &self.finished, references.as_ref());
        let document = if self.is_document_wanted() { result.to_json()? } else { Vec::new() };
        let recorded = self.watchers.records.finish(&document);
        let kept = recorded.and_then(|()| self.report(&result));
        self.watchers.screen.end(&result);
        let check = self.check(&result);
        if self.config.output.json {
            show(&document, json)?;
        }
        self.no_trouble()?;
        // What cannot be kept can be told all the same: this comes last.
        check.and(kept).map(|()| self.exit_code(result.exit_code()))
    }

    /// Makes the reports of a run that was recorded, whatever it came to.
    fn report(&mut self, result: &RunResult) -> Result<(), Failure> {
        let dir = self.config.out.as_deref();
        let Some((dir, chronicle)) = dir.zip(self.watchers.records.take_chronicle()) else { return Ok(()) };
        let reports = Reports::of(&chronicle, result);
        reports.tell_job();
        Ok(reports.keep(dir)?)
    }

    fn is_document_wanted(&self) -> bool {
        self.config.output.json || self.config.out.is_some()
    }

    fn no_trouble(&mut self) -> Result<(), Failure> {
        self.watchers.take_trouble().map_or(Ok(()), Err)
    }

    /// Signals outrank verdicts, whenever they came.
    fn exit_code(&self, otherwise: u8) -> u8 {
        self.signals.signal().map_or(otherwise, exit_code::signalled)
    }

    /// Compares the run with a second one, unless it did not come to its own end.
    fn check(&mut self, result: &RunResult) -> Result<(), Failure> {
        let comparable = !matches!(result.verdict, Verdict::Interrupted | Verdict::Invalid);
        let lines = self.watchers.records.take_lines().filter(|_| comparable);
        let Some(lines) = lines else { return Ok(()) };
        let (world, plan) = (&self.config.world, self.config.plan.clone());
        let mut bar = Progress::of("the same run again, round", u64::from(plan.rounds));
        let interrupt = || self.signals.signal();
        let minds = Minds::of_repetition(self.config, self.signals.noted()).of_plan(&plan)?;
        let checked =
            determinism::check(world, plan, &lines, &interrupt, minds, &mut |event| bar.tell(event))
                .map_err(|difference| Failure::Difference(Box::new(difference)))?;
        drop(bar);
        self.watchers.screen.print(&match checked {
            Checked::Same { lines } => console::same_twice(lines),
            Checked::GivenUp => console::not_compared(),
        });
        Ok(())
    }
}

/// Writes a document; whoever closed the pipe before has had enough of it.
pub(crate) fn show(document: &[u8], out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(document).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}
