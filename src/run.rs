//! `world run`: decide, play, draw up the result, tell.
//!
//! Everything that can be refused is refused before the first round. From then on whoever watches
//! (console, progress bar, recording, determinism check) is told the same events, and none of them
//! can change the run; at most they end it early.

use crate::cli::RunArgs;
use crate::config::{self, Detail, RunConfig};
use crate::console::schedule::Schedule;
use crate::console::{self, Console, Paper, Progress};
use crate::director::{self, BusStats};
use crate::event::{Event, Finished};
use crate::inline::{self, Controls};
use crate::interrupt::Interrupt;
use crate::program::Failure;
use crate::recording::Recording;
use crate::reference::References;
use crate::result::{Facts, Mode, RunResult, Verdict};
use crate::stdio::Stdio;
use crate::{determinism, exit_code, worlds_command};
use std::io::{self, Write};
use std::ops::ControlFlow;
use worlds::journal::Record;
use worlds::round::Entry;

/// Seeds are drawn short enough to be read out and typed, and to be exact in any JSON reader.
const SEED_BYTES: usize = 4;

/// Runs a world as the command line says. Gives the exit code.
pub(crate) fn run(args: &RunArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let config = decide(args, stdio)?;
    if args.plan {
        return plan(&config, stdio);
    }
    let create = |dir| Recording::create(dir, config.mode.name()).map_err(Failure::Unrecordable);
    let recording = config.out.as_deref().map(create).transpose()?;
    let mut watchers = Watchers::new(&config, recording, stdio);
    watchers.begin(&config);
    let finished = match play(&config, &mut watchers) {
        Ok(finished) => finished,
        Err(failure) => {
            watchers.give_up();
            return Err(failure);
        }
    };
    watchers.judge(&config, &finished)
}

fn decide(args: &RunArgs, stdio: &mut Stdio) -> Result<RunConfig, Failure> {
    let (name, world) = worlds_command::load_world(args.world.as_deref().unwrap_or(config::DEFAULT_WORLD))?;
    let mut drawn = Ok(0);
    let config = RunConfig::decide(args, &name, world.definition, || {
        drawn = draw_seed();
        drawn.unwrap_or_default()
    })?;
    drawn?;
    let warnings: Vec<_> = world.warnings.iter().map(|warning| warning.to_string()).collect();
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
    let schedule = Schedule::of(config);
    if config.output.json {
        serde_json::to_writer_pretty(&mut stdio.out.out, &schedule).map_err(io::Error::from)?;
        writeln!(stdio.out.out)?;
        stdio.out.out.flush()?;
    } else {
        stdio.out.print(&schedule.lines(stdio.out.width))?;
    }
    Ok(exit_code::OK)
}

fn play(config: &RunConfig, watchers: &mut Watchers<'_>) -> Result<Finished, Failure> {
    let watch = &mut |event: &Event| watchers.tell(event);
    match config.mode {
        Mode::Processes => {
            let (finished, stats) = director::run(config, watch)?;
            watchers.bus(stats);
            Ok(finished)
        }
        Mode::Inline => {
            let interrupt = Interrupt::install().map_err(Failure::Signals)?;
            let controls = Controls { pace: config.pace, interrupt: &|| interrupt.signal() };
            Ok(inline::run(&config.world, config.plan.clone(), &controls, watch))
        }
    }
}

/// Whoever is told what happens.
struct Watchers<'a> {
    /// Where the result goes as JSON, if it does.
    json: Option<&'a mut Paper<Box<dyn Write>>>,
    /// `None` when nobody reads it any more.
    console: Option<Console<&'a mut dyn Write>>,
    progress: Option<Progress>,
    recording: Option<Recording>,
    /// The journal, for the determinism check.
    lines: Option<Vec<Vec<u8>>>,
    /// Whether the run matters even when nobody reads the console.
    matters: bool,
    /// Whether a round was opened.
    began: bool,
    trouble: Option<Failure>,
}

impl<'a> Watchers<'a> {
    fn new(config: &RunConfig, recording: Option<Recording>, stdio: &'a mut Stdio) -> Self {
        let Stdio { out, err } = stdio;
        let quiet = config.output.detail == Detail::Quiet;
        let (json, told) = if config.output.json { (Some(out), err) } else { (None, out) };
        let paper = Paper { out: &mut told.out as &mut dyn Write, colour: told.colour, width: told.width };
        let wanted = !(quiet && json.is_some());
        Self {
            matters: json.is_some()
                || recording.is_some()
                || config.check_determinism
                || !config.gates.is_empty(),
            json,
            console: wanted.then(|| Console::new(paper, config)),
            progress: quiet.then(|| Progress::new(config.plan.rounds, config.plan.seed)),
            recording,
            lines: config.check_determinism.then(Vec::new),
            began: false,
            trouble: None,
        }
    }

    fn begin(&mut self, config: &RunConfig) {
        self.with_console(|console| console.begin(config));
    }

    /// Tells them all; asks for the end when there is nobody left to run for.
    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        self.began |= matches!(event, Event::Entry(Entry { record: Record::RoundOpened { .. }, .. }));
        self.with_console(|console| console.tell(event));
        if let Some(progress) = &mut self.progress {
            progress.tell(event);
        }
        if let (Some(lines), Event::Entry(entry)) = (&mut self.lines, event) {
            lines.push(entry.line.clone());
        }
        if let Some(Err(error)) = self.recording.as_mut().map(|recording| recording.tell(event)) {
            self.trouble = Some(Failure::Recording(error));
        }
        if self.is_wanted() { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    }

    /// What went over the bus is for the recording alone.
    fn bus(&mut self, stats: BusStats) {
        if let Some(recording) = &mut self.recording {
            recording.bus(stats);
        }
    }

    fn is_wanted(&self) -> bool {
        self.trouble.is_none() && (self.matters || self.console.is_some())
    }

    /// Writes to the console, until its pipe is closed. What is beside a JSON document may fail.
    fn with_console(&mut self, write: impl FnOnce(&mut Console<&'a mut dyn Write>) -> io::Result<()>) {
        let Some(Err(error)) = self.console.as_mut().map(write) else { return };
        self.console = None;
        if self.json.is_none() && error.kind() != io::ErrorKind::BrokenPipe {
            self.trouble = Some(Failure::Output(error));
        }
    }

    /// The run did not come to an end: where it did not even begin, no recording is left.
    fn give_up(&mut self) {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
        if let Some(recording) = self.recording.take().filter(|_| !self.began) {
            recording.discard();
        }
    }

    /// Draws up the result, and tells everybody.
    fn judge(mut self, config: &RunConfig, finished: &Finished) -> Result<u8, Failure> {
        if let Some(progress) = &self.progress {
            progress.finish();
        }
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        if !self.is_wanted() {
            return Ok(exit_code::OK);
        }
        let result = result(config, finished);
        let document = result.to_json()?;
        if let Some(recording) = self.recording.take() {
            recording.finish(&document).map_err(Failure::Recording)?;
        }
        self.with_console(|console| console.end(&result));
        let check = self.check(config, &result);
        if let Some(paper) = &mut self.json {
            show(&document, &mut paper.out)?;
        }
        if let Some(trouble) = self.trouble {
            return Err(trouble);
        }
        check.map(|()| result.exit_code())
    }

    /// Compares the run with a second one, unless it did not come to its own end.
    fn check(&mut self, config: &RunConfig, result: &RunResult) -> Result<(), Failure> {
        let comparable = !matches!(result.verdict, Verdict::Interrupted | Verdict::Invalid);
        let Some(lines) = self.lines.take().filter(|_| comparable) else { return Ok(()) };
        determinism::check(&config.world, config.plan.clone(), &lines)
            .map_err(|difference| Failure::Difference(Box::new(difference)))?;
        self.with_console(|console| console.print(&console::same_twice(lines.len())));
        Ok(())
    }
}

fn result(config: &RunConfig, finished: &Finished) -> RunResult {
    let references = References::play(&config.world, &config.plan, finished.outcome.rounds);
    RunResult::of(Facts {
        world: &config.world,
        plan: &config.plan,
        mode: config.mode,
        finished,
        references: references.as_ref(),
        gates: &config.gates,
        repeat: &config.repeat,
    })
}

/// Writes a document; whoever closed the pipe before has had enough of it.
fn show(document: &[u8], out: &mut dyn Write) -> Result<(), Failure> {
    match out.write_all(document).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::Output(error)),
        _ => Ok(()),
    }
}
