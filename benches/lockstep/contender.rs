//! What all contenders have in common: a program that plays when it is told to.
//!
//! ```text
//!   program -> bench   ready               all its processes are there
//!   bench -> program   0.400               play so many seconds
//!   program -> bench   6431 0.400019       rounds that were played, and the seconds they took
//! ```
//!
//! Before the seconds that count it plays a quarter of them unseen: its processes find the caches
//! as the contender before left them. A program ends when its input does.

use crate::measure::Outcome;
use std::any::Any;
use std::io::{BufRead as _, BufReader, Lines, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// The share of a slice that is played before it, unseen.
const WARM_UP: f64 = 0.25;

/// A program that waits for its turn still plays a round as often as this: who waits in it for an
/// answer need not believe that it hangs.
const SIGN_OF_LIFE: Duration = Duration::from_secs(2);

/// A program that takes turns.
pub struct Contender {
    program: Child,
    commands: Option<ChildStdin>,
    answers: Lines<BufReader<ChildStdout>>,
    /// What lives as long as the program.
    kept: Vec<Box<dyn Any>>,
}

impl Contender {
    /// Starts a program, and waits until it is ready.
    pub fn start(mut command: Command) -> Outcome<Self> {
        let mut program = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let commands = program.stdin.take();
        let answers = BufReader::new(program.stdout.take().ok_or("no standard output")?).lines();
        let mut contender = Self { program, commands, answers, kept: Vec::new() };
        match contender.answer()?.as_str() {
            "ready" => Ok(contender),
            other => Err(format!("{command:?} is not ready but says: {other}").into()),
        }
    }

    /// Keeps something until the program has ended.
    pub fn keep(mut self, thing: impl Any) -> Self {
        self.kept.push(Box::new(thing));
        self
    }

    /// Rounds a second, in one slice.
    pub fn slice(&mut self, slice: Duration) -> Outcome<f64> {
        let commands = self.commands.as_mut().ok_or("the program is told to end")?;
        writeln!(commands, "{}", slice.as_secs_f64())?;
        let answer = self.answer()?;
        let (rounds, seconds) = answer.split_once(' ').ok_or_else(|| format!("not an answer: {answer}"))?;
        Ok(rounds.parse::<f64>()? / seconds.parse::<f64>()?)
    }

    fn answer(&mut self) -> Outcome<String> {
        Ok(self.answers.next().ok_or("a contender ended before its time")??)
    }

    /// Ends the program, and waits for it.
    pub fn end(mut self) -> Outcome<()> {
        drop(self.commands.take());
        let status = self.program.wait()?;
        if status.success() { Ok(()) } else { Err(format!("a contender ended with {status}").into()) }
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        drop(self.commands.take());
        // One that has ended needs neither.
        let _ = self.program.kill();
        let _ = self.program.wait();
    }
}

/// The program's side: plays rounds as it is told.
pub fn take_turns(mut round: impl FnMut() -> Outcome<()>) -> Outcome<()> {
    let (told, commands) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(Result::ok) {
            if told.send(line).is_err() {
                return;
            }
        }
    });
    println!("ready");
    loop {
        match commands.recv_timeout(SIGN_OF_LIFE) {
            Ok(line) => {
                let seconds: f64 = line.parse()?;
                play(seconds * WARM_UP, &mut round)?;
                let (rounds, took) = play(seconds, &mut round)?;
                println!("{rounds} {took}");
            }
            Err(RecvTimeoutError::Timeout) => round()?,
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
    }
}

fn play(seconds: f64, round: &mut impl FnMut() -> Outcome<()>) -> Outcome<(u64, f64)> {
    let began = Instant::now();
    let mut rounds = 0;
    loop {
        round()?;
        rounds += 1;
        let took = began.elapsed().as_secs_f64();
        if took >= seconds {
            return Ok((rounds, took));
        }
    }
}
