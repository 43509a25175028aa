//! Talking with a program: lines go in, lines come out, and nothing that it does or leaves undone holds the
//! one who asks up for longer than that wants to wait.
//!
//! All is done in one loop around `poll`, whose descriptors never block: a program that does not read is
//! not written to for ever, one that writes without end is read as far as a round allows, and what it says
//! on standard error is taken down meanwhile. Of what a program has not read yet no more is kept than the
//! rest of a line that was begun: a line that the next round finds unbegun is not sent any more.

use super::hearing::{Heard, Hearing, Nonsense, PassedOver};
use super::log::Log;
use super::running::{Running, how_it_ended};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno, ioctl_fionread, read, write};
use std::fmt::Debug;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::{Duration, Instant};

/// From the end of its input to the end of a program that ends by itself: an interpreter needs some
/// hundredths of a second for it, and whoever has to say goodbye to others some tenths.
pub const END_GRACE: Duration = Duration::from_secs(1);

/// An answer that takes longer than this is worth a word to whoever waits.
pub const WAIT_TOLD: Duration = Duration::from_secs(3);

/// From one look at whether the program is still there, and the wait still meant, to the next.
const LOOK_STEP: Duration = Duration::from_millis(50);

/// The same while it is expected to end.
const END_STEP: Duration = Duration::from_millis(1);

/// Bytes that are read at a time: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// Whoever waits for a program's answers.
pub trait Attendant: Debug + Send {
    /// A descriptor that becomes readable when there is nothing to wait for any longer.
    fn wake(&self) -> Option<BorrowedFd<'_>> {
        None
    }

    /// Whether there is nothing to wait for any longer; asked every now and then.
    fn is_over(&self) -> bool {
        false
    }

    /// The wait has become long. This comes once.
    fn waits(&mut self) {}
}

/// What came of a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something that decides about the round.
    Heard(Heard),
    /// Nothing in time.
    Late,
    /// Nothing until there was nothing to wait for any longer.
    Over,
    /// Nothing: it cannot answer any more, and why.
    Dead(String),
}

/// How a program came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// How long it took after the end of its input; `None` when it had to be killed.
    pub took: Option<Duration>,
    /// Decisions that it made only then, or that nobody had asked for.
    pub decisions: u64,
    /// What it said besides.
    pub nonsense: Option<Nonsense>,
    /// Whoever it had started and left behind, by name; they are gone now.
    pub left_behind: Vec<String>,
}

/// A conversation with a program.
#[derive(Debug)]
pub struct Talk {
    running: Option<Running>,
    was_started: bool,
    hearing: Hearing,
    /// A line that was begun, and how much of it is sent.
    unsent: Vec<u8>,
    sent: usize,
    /// A line that was not begun.
    next: Option<Vec<u8>>,
    /// Why it cannot answer any more.
    dead: String,
    long_wait_told: bool,
    /// When its input was ended.
    farewell: Option<Instant>,
    log: Log,
    chunk: Vec<u8>,
}

impl Talk {
    /// Starts a program by a shell; `world` is the program whose guard ends it. One that cannot be started is
    /// dead from the beginning.
    pub(crate) fn start(world: &Path, command: &str, mut log: Log) -> Self {
        let (running, dead) = match Running::start(world, command, &log) {
            Ok(running) => (Some(running), String::new()),
            Err(error) => (None, format!("could not be started: {error}")),
        };
        let was_started = running.is_some();
        if !was_started {
            log.last_remark(&dead);
        }
        Self {
            running,
            was_started,
            hearing: Hearing::new(),
            unsent: Vec::new(),
            sent: 0,
            next: None,
            dead,
            long_wait_told: false,
            farewell: None,
            log,
            chunk: vec![0; CHUNK_BYTES],
        }
    }

    /// Whether it may still answer.
    pub(crate) fn is_alive(&self) -> bool {
        self.running.is_some()
    }

    /// Says something to whoever wrote the program.
    pub(crate) fn remark(&mut self, what: &str) {
        self.log.remark(what);
    }

    /// Decisions that were passed over so far.
    pub(crate) fn passed_over(&self) -> PassedOver {
        self.hearing.passed_over()
    }

    /// Bytes that it was told, or was to be told, and has not read.
    pub(crate) fn unread(&self) -> u64 {
        let Some(stdin) = self.running.as_ref().and_then(|running| running.stdin.as_ref()) else { return 0 };
        let unsent = self.unsent.len() - self.sent + self.next.as_ref().map_or(0, Vec::len);
        ioctl_fionread(stdin).unwrap_or(0) + unsent as u64
    }

    /// The last line of its log, if that is kept in memory.
    pub(crate) fn last_log_line(&self) -> Option<String> {
        self.log.last_line()
    }

    /// Why it never began, if it did not: no fault of its own.
    pub(crate) fn why_not_started(&self) -> Option<&str> {
        (!self.was_started).then_some(&*self.dead)
    }

    /// Why it cannot answer any more.
    pub(crate) fn why_dead(&self) -> &str {
        &self.dead
    }

    /// Has a line sent before any question.
    pub(crate) fn tell(&mut self, line: &[u8]) {
        self.unsent.extend_from_slice(line);
        self.send();
    }

    /// Whether the last question was begun: what was in it need not be told again.
    pub(crate) fn has_begun(&self) -> bool {
        self.next.is_none()
    }

    /// Asks about a round, and waits for the answer: for at most so long, if somebody said so.
    pub(crate) fn ask(
        &mut self,
        round: u32,
        line: Vec<u8>,
        limit: Option<Duration>,
        attendant: &mut dyn Attendant,
    ) -> Said {
        self.next = Some(line);
        self.hearing.begin();
        let (began, mut has_looked) = (Instant::now(), false);
        loop {
            self.send();
            if let Some(heard) = self.hearing.judge(round) {
                return Said::Heard(heard);
            }
            let Some(running) = &mut self.running else { return Said::Dead(self.dead.clone()) };
            // Whatever it said before its end is heard first.
            let ended = running.ended();
            let (waited, is_over) = (began.elapsed(), attendant.is_over());
            let left = limit.map(|limit| limit.saturating_sub(waited));
            match left {
                _ if !has_looked => {}
                _ if is_over => return Said::Over,
                Some(Duration::ZERO) => return Said::Late,
                _ => self.tell_long_wait(waited, attendant),
            }
            let wait = if is_over || ended.is_some() { Duration::ZERO } else { left.unwrap_or(LOOK_STEP) };
            has_looked = true;
            match (self.listen(wait, attendant), ended) {
                (Listened::Something, _) | (Listened::Nothing, None) => {}
                (Listened::Woken, _) => return Said::Over,
                (Listened::End, _) => return self.die(round, "it closed its standard output".to_owned()),
                (Listened::Nothing, Some(status)) => return self.die(round, how_it_ended(status)),
            }
        }
    }

    fn tell_long_wait(&mut self, waited: Duration, attendant: &mut dyn Attendant) {
        if waited >= WAIT_TOLD && !std::mem::replace(&mut self.long_wait_told, true) {
            attendant.waits();
        }
    }

    /// It can say nothing more; what it said last may still count.
    fn die(&mut self, round: u32, how: String) -> Said {
        let last = self.hearing.judge_rest(round);
        let how = self.running.as_mut().and_then(Running::ended_soon).map_or(how, how_it_ended);
        self.drain_log();
        self.log.last_remark(&format!("the program ended in round {round}: {how}"));
        self.dead = how;
        // Those that it left behind go with it.
        self.running = None;
        last.map_or_else(|| Said::Dead(self.dead.clone()), Said::Heard)
    }

    // ---- in and out ---------------------------------------------------------------------------

    /// Sends what the program takes now.
    fn send(&mut self) {
        let Some(running) = &mut self.running else { return };
        while let Some(stdin) = &running.stdin {
            if self.sent == self.unsent.len() {
                self.sent = 0;
                self.unsent.clear();
                match self.next.take() {
                    Some(line) => self.unsent = line,
                    None => return,
                }
            }
            match write(stdin, &self.unsent[self.sent..]) {
                Ok(bytes) => self.sent += bytes,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => return,
                // It closed its standard input: it may answer all the same.
                Err(_) => running.stdin = None,
            }
        }
        // Nobody reads it.
        self.unsent.clear();
        self.sent = 0;
        self.next = None;
    }

    /// Waits until the program says something or there is another reason to look, and takes in what it says.
    fn listen(&mut self, wait: Duration, attendant: &dyn Attendant) -> Listened {
        let Some(running) = &self.running else { return Listened::End };
        let wants_to_send = self.sent < self.unsent.len() || self.next.is_some();
        let stdin = running.stdin.as_ref().filter(|_| wants_to_send);
        let ends = [
            running.stdout.as_ref().map(|end| PollFd::new(end, PollFlags::IN)),
            running.stderr.as_ref().map(|end| PollFd::new(end, PollFlags::IN)),
            stdin.map(|end| PollFd::new(end, PollFlags::OUT)),
            attendant.wake().map(|end| PollFd::from_borrowed_fd(end, PollFlags::IN)),
        ];
        let [stdout, stderr, _, woken] = ready(&ends, wait.min(LOOK_STEP));
        if stderr {
            self.drain_log();
        }
        match (stdout, woken) {
            (true, _) => self.read(),
            (false, true) => Listened::Woken,
            (false, false) => Listened::Nothing,
        }
    }

    fn read(&mut self) -> Listened {
        let Some(running) = &mut self.running else { return Listened::End };
        let Some(stdout) = &running.stdout else { return Listened::End };
        match read(stdout, &mut self.chunk[..]) {
            Ok(0) => {
                running.stdout = None;
                Listened::End
            }
            Ok(bytes) => {
                self.hearing.hear(&self.chunk[..bytes]);
                Listened::Something
            }
            Err(Errno::INTR | Errno::AGAIN) => Listened::Nothing,
            Err(_) => Listened::End,
        }
    }

    /// Takes down what the program has written to its log.
    fn drain_log(&mut self) {
        let Some(running) = &mut self.running else { return };
        let log = &mut self.log;
        drain(&mut running.stderr, &mut self.chunk, |written| log.take(written));
    }

    /// Takes the log down until something else can be read.
    pub(crate) fn rest_until(&mut self, readable: BorrowedFd<'_>) {
        loop {
            let Some(stderr) = self.running.as_ref().and_then(|running| running.stderr.as_ref()) else {
                return;
            };
            let ends = [
                Some(PollFd::new(stderr, PollFlags::IN)),
                Some(PollFd::from_borrowed_fd(readable, PollFlags::IN)),
            ];
            // For as long as it takes.
            let [written, is_readable] = ready(&ends, Duration::MAX);
            if written {
                self.drain_log();
            }
            if is_readable {
                return;
            }
        }
    }

    // ---- the end ------------------------------------------------------------------------------

    /// Ends its input, by which it knows that the run is over.
    pub(crate) fn bid_farewell(&mut self) {
        if let Some(running) = &mut self.running {
            running.stdin = None;
        }
        self.farewell.get_or_insert_with(Instant::now);
    }

    /// Ends the conversation: from its farewell on it has so long to end by itself.
    pub(crate) fn end(&mut self, grace: Duration) {
        self.bid_farewell();
        let began = self.farewell.unwrap_or_else(Instant::now);
        self.hear_out(began, grace);
        self.running = None;
    }

    /// The same, and tells how it went; whoever it started has as long as itself.
    pub(crate) fn end_and_tell(&mut self, last_round: u32, grace: Duration) -> Ending {
        let (began, before) = (Instant::now(), self.hearing.passed_over());
        let took = self.hear_out(began, grace);
        let left_behind = self.left_behind(began, grace);
        self.running = None;
        self.hearing.begin();
        let nonsense = match self.hearing.judge_rest(last_round.saturating_add(1)) {
            Some(Heard::Nonsense(nonsense)) => Some(nonsense),
            Some(Heard::Answer(_)) | None => None,
        };
        Ending { took, decisions: self.hearing.passed_over().earlier - before.earlier, nonsense, left_behind }
    }

    /// Waits for its end, and hears what it says until then; gives how long that took, if it came in time.
    fn hear_out(&mut self, began: Instant, grace: Duration) -> Option<Duration> {
        let mut room = CHUNK_BYTES;
        loop {
            let running = self.running.as_mut()?;
            running.stdin = None;
            let has_ended = running.ended().is_some();
            self.hear_last(&mut room, has_ended);
            let waited = began.elapsed();
            if has_ended {
                return Some(waited);
            }
            if waited >= grace {
                return None;
            }
        }
    }

    /// Who is still there when the program is not, and the time is over. Of one that is still there nobody
    /// is left behind.
    fn left_behind(&mut self, began: Instant, grace: Duration) -> Vec<String> {
        loop {
            let Some(running) = self.running.as_mut().filter(|running| running.has_ended()) else {
                return Vec::new();
            };
            let others = running.others();
            if others.is_empty() || began.elapsed() >= grace {
                return others;
            }
            // They may speak, and nobody must wait for that to be read.
            self.hear_last(&mut 0, false);
        }
    }

    /// Waits a moment, and takes in what it still says, as far as there is room.
    fn hear_last(&mut self, room: &mut usize, has_ended: bool) {
        let Some(running) = &mut self.running else { return };
        let wait = if has_ended { Duration::ZERO } else { END_STEP };
        let ends = [
            running.stdout.as_ref().map(|end| PollFd::new(end, PollFlags::IN)),
            running.stderr.as_ref().map(|end| PollFd::new(end, PollFlags::IN)),
        ];
        let [said, _] = ready(&ends, wait);
        if said {
            let hearing = &mut self.hearing;
            drain(&mut running.stdout, &mut self.chunk, |written| {
                let kept = written.len().min(*room);
                hearing.hear(&written[..kept]);
                *room -= kept;
            });
        }
        self.drain_log();
    }
}

impl Drop for Talk {
    /// Whoever goes without a farewell leaves no log unread; its processes are ended with `Running`.
    fn drop(&mut self) {
        self.drain_log();
    }
}

/// What came of listening.
enum Listened {
    /// It said something.
    Something,
    /// It did not.
    Nothing,
    /// It will not say anything more.
    End,
    /// There is nothing to wait for any longer.
    Woken,
}

/// Which of these are ready, or become so in time.
fn ready<const ENDS: usize>(ends: &[Option<PollFd<'_>>; ENDS], wait: Duration) -> [bool; ENDS] {
    let mut asked: Vec<PollFd<'_>> = ends.iter().flatten().cloned().collect();
    let wait = Timespec::try_from(wait).ok();
    // A call that was interrupted found nothing.
    let found = poll(&mut asked, wait.as_ref()).unwrap_or(0) > 0;
    let mut answers = asked.iter().map(|end| !end.revents().is_empty());
    ends.each_ref().map(|end| end.is_some() && answers.next().unwrap_or(false) && found)
}

/// Reads as much as there is, without waiting for more. Whoever writes faster than this reads is left for the
/// next time.
fn drain(from: &mut Option<OwnedFd>, chunk: &mut [u8], mut take: impl FnMut(&[u8])) {
    for _ in 0..DRAIN_CHUNKS_MAX {
        let Some(end) = from.as_ref() else { return };
        match read(end.as_fd(), &mut *chunk) {
            Ok(0) => *from = None,
            Ok(bytes) => take(&chunk[..bytes]),
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return,
            Err(_) => *from = None,
        }
    }
}

/// Reads of one look at a log: a megabyte.
const DRAIN_CHUNKS_MAX: usize = 16;
