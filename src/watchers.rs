//! Whoever is told what happens in a run: the screen, which people look at, and the records.
//!
//! Each is a plain value that is told events, and each may find that the run need not go on. An
//! inline run tells them by plain calls; the director puts each into an actor for as long as a run
//! with processes lasts. Neither can change the run.

use crate::config::{Detail, Manual, RunConfig};
use crate::console::{self, Console, Progress};
use crate::director::OfThisMachine;
use crate::event::{Event, Interest};
use crate::program::Failure;
use crate::recording::{Recording, RecordingError};
use crate::report::Chronicle;
use crate::result::RunResult;
use crate::stdio::{self, Stream};
use std::io::{self, IsTerminal as _};
use std::ops::ControlFlow;
use worlds::journal::Record;
use worlds::round::Entry;

/// Somebody who is told what happens.
pub(crate) trait Watcher: Send + 'static {
    /// How closely it follows the run. It may be told of no more.
    fn interest(&self) -> Interest;

    /// Takes an event in; breaks when the run need not go on.
    fn tell(&mut self, event: &Event) -> ControlFlow<()>;
}

/// Everybody who is told.
pub(crate) struct Watchers {
    pub(crate) screen: Screen,
    pub(crate) records: Records,
}

impl Watchers {
    /// Those whom a run has.
    pub(crate) fn new(config: &RunConfig, recording: Option<Recording>) -> Self {
        let matters =
            config.output.json || recording.is_some() || config.check_determinism || !config.gates.is_empty();
        let lines = config.check_determinism.then(Vec::new);
        Self { screen: Screen::new(config, matters), records: Records::new(recording, lines) }
    }

    /// Those of a run that nobody looks at: it is recorded, if at all.
    pub(crate) fn unseen(recording: Option<Recording>) -> Self {
        Self { screen: Screen::unseen(), records: Records::new(recording, None) }
    }

    /// Those of a run at which nobody looks before its end: then what was written down is looked through.
    pub(crate) fn of_journal() -> Self {
        let mut watchers = Self::unseen(None);
        watchers.records.journal = Some(Vec::new());
        watchers
    }

    /// Whether anybody still wants the run's result.
    pub(crate) fn are_wanting(&self) -> bool {
        self.screen.flow().is_continue()
    }

    /// What kept people from being told.
    pub(crate) fn take_trouble(&mut self) -> Option<Failure> {
        self.screen.trouble.take()
    }
}

impl Watcher for Watchers {
    fn interest(&self) -> Interest {
        self.screen.interest().max(self.records.interest())
    }

    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        // Both are told, whatever the first says.
        let flows = [self.screen.tell(event), self.records.tell(event)];
        flows.into_iter().find(ControlFlow::is_break).unwrap_or(ControlFlow::Continue(()))
    }
}

/// What people look at: the console, or a bar that shows how far the run is.
pub(crate) struct Screen {
    /// `None` when nobody reads it, or any more.
    console: Option<Console<Stream>>,
    /// Tells those who start agents by hand whom a quiet run waits for, on standard error.
    notices: Option<Console<Stream>>,
    progress: Option<Progress>,
    /// While many agents are started.
    starting: Option<Progress>,
    /// What is told beside a JSON document may fail.
    beside_json: bool,
    /// Whether the run matters even when nobody reads the console.
    matters: bool,
    trouble: Option<Failure>,
}

impl Screen {
    fn new(config: &RunConfig, matters: bool) -> Self {
        let (json, quiet) = (config.output.json, config.output.detail == Detail::Quiet);
        let paper = if json { stdio::standard_error } else { stdio::standard_output };
        // Where the story is told on the terminal, it tells how far it is.
        let story_is_seen = !quiet && (json || io::stdout().is_terminal());
        let bar_is_wanted = !story_is_seen;
        let by_hand = quiet && config.manual != Manual::Nobody;
        Self {
            notices: by_hand.then(|| Console::of_notices(stdio::standard_error(), config)),
            console: (!(quiet && json)).then(|| Console::new(paper(), config)),
            progress: bar_is_wanted.then(|| Progress::of_rounds(config.plan.rounds, config.plan.seed)),
            starting: None,
            beside_json: json,
            matters,
            trouble: None,
        }
    }

    /// One at which nobody looks, of a run that matters all the same.
    fn unseen() -> Self {
        Self {
            console: None,
            notices: None,
            progress: None,
            starting: None,
            beside_json: false,
            matters: true,
            trouble: None,
        }
    }

    /// Before anything runs.
    pub(crate) fn begin(&mut self, config: &RunConfig) {
        self.with_console(|console| console.begin(config));
    }

    /// The rounds are over: the bar goes.
    pub(crate) fn clear(&mut self) {
        self.progress = None;
        self.starting = None;
    }

    /// Tells what the run came to.
    pub(crate) fn end(&mut self, result: &RunResult) {
        self.with_console(|console| console.end(result));
    }

    /// Tells something that is no event.
    pub(crate) fn print(&mut self, lines: &[String]) {
        self.with_console(|console| console.print(lines));
    }

    /// Writes to the console, until its pipe is closed.
    fn with_console(&mut self, write: impl FnOnce(&mut Console<Stream>) -> io::Result<()>) {
        let Some(Err(error)) = self.console.as_mut().map(write) else { return };
        self.console = None;
        if !self.beside_json && error.kind() != io::ErrorKind::BrokenPipe {
            self.trouble = Some(Failure::Output(error));
        }
    }

    /// How many of the agents are there, until somebody is told of.
    fn follow_start(&mut self, event: &Event) {
        match event {
            Event::Starting { here, of } => {
                let bar = self.starting.get_or_insert_with(|| Progress::of("starting agents,", *of as u64));
                bar.reach(*here as u64);
            }
            _ => self.starting = None,
        }
    }

    /// What people have to know who start agents, above the bar.
    fn notice(&mut self, event: &Event) {
        let Some(notices) = self.notices.as_mut().filter(|_| event.is_about_hands()) else { return };
        // Where standard error is closed nobody waits for notices.
        let mut write = || drop(notices.tell(event));
        match &self.progress {
            Some(progress) => progress.suspend(write),
            None => write(),
        }
    }

    fn flow(&self) -> ControlFlow<()> {
        go_on(self.trouble.is_none() && (self.matters || self.console.is_some()))
    }
}

impl Watcher for Screen {
    fn interest(&self) -> Interest {
        match (&self.console, &self.progress) {
            (Some(console), _) if console.follows() => Interest::Records,
            (_, Some(progress)) if progress.is_visible() => Interest::Rounds,
            _ => Interest::Agents,
        }
    }

    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        self.follow_start(event);
        self.with_console(|console| console.tell(event));
        self.notice(event);
        if let Event::Thinking { agent } = event {
            console::tell_wait(agent);
        }
        if let Some(progress) = &mut self.progress {
            progress.tell(event);
        }
        self.flow()
    }
}

/// What is written down: the recording, what its reports need, and the journal for the determinism check.
///
/// A recording of a run that did not even begin is given up with this. Where one breaks off, most often on a
/// full disk, that is told at once and again at the end; the run goes on, for its result is worth as
/// much to whoever reads it elsewhere.
pub(crate) struct Records {
    recording: Option<Recording>,
    lines: Option<Vec<Vec<u8>>>,
    /// The records of the journal, for whoever looks through them.
    journal: Option<Vec<Record>>,
    /// What the reports beside a recording are made from.
    chronicle: Option<Chronicle>,
    /// Whether a round was opened.
    began: bool,
    /// Why the recording broke off.
    trouble: Option<RecordingError>,
}

impl Records {
    fn new(recording: Option<Recording>, lines: Option<Vec<Vec<u8>>>) -> Self {
        let chronicle = recording.is_some().then(Chronicle::new);
        Self { recording, lines, journal: None, chronicle, began: false, trouble: None }
    }

    /// Takes down what went over the bus, when the run is over.
    pub(crate) fn of_this_machine(&mut self, here: OfThisMachine) {
        if let Some(recording) = &mut self.recording {
            recording.of_this_machine(here);
        }
    }

    /// Completes the recording, if there is one, with the document that is the result. One that broke
    /// off gets none, so that it does not look whole.
    pub(crate) fn finish(&mut self, result: &[u8]) -> Result<(), Failure> {
        let finished = match (self.trouble.take(), self.recording.take()) {
            (Some(trouble), _) => Err(trouble),
            (None, Some(recording)) => recording.finish(result),
            (None, None) => Ok(()),
        };
        finished.map_err(Failure::Recording)
    }

    fn break_off(&mut self, error: RecordingError) {
        let said = format!("{error}; the run goes on, but its recording is incomplete");
        // Where standard error is closed it is told at the end.
        let _ = stdio::standard_error().print(&[console::error_line(&said)]);
        self.trouble = Some(error);
        self.recording = None;
        // Where a journal cannot be written, no report of it can.
        self.chronicle = None;
    }

    /// What happened, for the reports of a recording.
    pub(crate) fn take_chronicle(&mut self) -> Option<Chronicle> {
        self.chronicle.take()
    }

    /// The journal, if it was kept for a comparison.
    pub(crate) fn take_lines(&mut self) -> Option<Vec<Vec<u8>>> {
        self.lines.take()
    }

    /// The records of the journal, if they were kept.
    pub(crate) fn take_journal(&mut self) -> Option<Vec<Record>> {
        self.journal.take()
    }
}

impl Watcher for Records {
    fn interest(&self) -> Interest {
        let is_kept = self.recording.is_some() || self.lines.is_some() || self.journal.is_some();
        if is_kept { Interest::Records } else { Interest::Agents }
    }

    fn tell(&mut self, event: &Event) -> ControlFlow<()> {
        self.began |= matches!(event, Event::Entry(Entry { record: Record::RoundOpened { .. }, .. }));
        if let (Some(lines), Event::Entry(entry)) = (&mut self.lines, event) {
            lines.push(entry.line.clone());
        }
        if let (Some(journal), Event::Entry(entry)) = (&mut self.journal, event) {
            journal.push(entry.record.clone());
        }
        if let (Some(chronicle), Event::Entry(entry)) = (&mut self.chronicle, event) {
            chronicle.take(&entry.record);
        }
        if let Some(Err(error)) = self.recording.as_mut().map(|recording| recording.tell(event)) {
            self.break_off(error);
        }
        ControlFlow::Continue(())
    }
}

impl Drop for Records {
    fn drop(&mut self) {
        if let Some(recording) = self.recording.take().filter(|_| !self.began) {
            recording.discard();
        }
    }
}

fn go_on(is_wanted: bool) -> ControlFlow<()> {
    if is_wanted { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn screen(bar_is_seen: bool) -> Screen {
        Screen {
            console: None,
            notices: None,
            progress: Some(Progress::seen_if(bar_is_seen, "round", 10)),
            starting: None,
            beside_json: false,
            matters: true,
            trouble: None,
        }
    }

    #[test]
    fn a_bar_wants_to_know_that_rounds_are_played_and_no_records() {
        assert_eq!(screen(true).interest(), Interest::Rounds);
        assert_eq!(screen(false).interest(), Interest::Agents);
    }
}
