//! Claims about what is shown on a terminal: a real one, as far as the program can tell.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};
use support::world;

/// Longer than anything takes that should happen.
const PATIENCE: Duration = Duration::from_secs(30);

/// A terminal, seen from outside: what is shown on it.
struct Terminal {
    shown: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// A terminal, and the end of it that a program writes to.
    fn new() -> (Self, File) {
        let outside = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        grantpt(&outside).and_then(|()| unlockpt(&outside)).expect("a terminal of our own");
        let path = ptsname(&outside, Vec::new()).expect("its name").into_string().expect("text");
        let inside = OpenOptions::new().read(true).write(true).open(path).expect("its other end");
        let (sender, shown) = channel();
        std::thread::spawn(move || {
            let mut outside = File::from(outside);
            let mut bytes = [0; 4096];
            // The end of the last writer is an error here.
            while let Ok(read @ 1..) = outside.read(&mut bytes) {
                if sender.send(bytes[..read].to_vec()).is_err() {
                    return;
                }
            }
        });
        (Self { shown, seen: String::new() }, inside)
    }

    /// Waits until this is shown.
    fn until(&mut self, part: &str) {
        let deadline = Instant::now() + PATIENCE;
        while !self.seen.contains(part) {
            let left = deadline.saturating_duration_since(Instant::now());
            match self.shown.recv_timeout(left) {
                Ok(bytes) => self.seen += &String::from_utf8_lossy(&bytes),
                Err(_) => panic!("no `{part}` in:\n{}", self.seen),
            }
        }
    }

    /// All that is shown until the program is gone.
    fn rest(mut self) -> String {
        while let Ok(bytes) = self.shown.recv_timeout(PATIENCE) {
            self.seen += &String::from_utf8_lossy(&bytes);
        }
        self.seen
    }
}

/// Starts it; nothing of the terminal's inside is left here.
fn start(mut command: Command) -> Child {
    command.spawn().expect("the program")
}

#[test]
fn whatever_takes_long_says_how_long_it_will_still_take() {
    for (arguments, what) in [
        ("run --inline -q -n 2000000 --seed 1", "seed 1, round"),
        ("run --inline --json -q -n 2000000 --seed 1", "seed 1, round"),
        ("run -q -n 2000000 --seed 1", "seed 1, round"),
        // The story goes where nobody sees it.
        ("run --inline -n 2000000 --seed 1", "seed 1, round"),
        ("run --plan -n 10000000 --chaos-level low --seed 1", "planning, round"),
    ] {
        let (mut terminal, inside) = Terminal::new();
        let mut command = world(arguments).command();
        command.stdout(Stdio::null()).stderr(inside);
        let mut child = start(command);
        terminal.until(what);
        terminal.until(" left");
        kill_process(Pid::from_child(&child), Signal::KILL).expect("it runs");
        child.wait().expect("a child");
    }
}

#[test]
fn a_terminal_is_coloured_unless_it_does_not_want_to_be() {
    for (wish, is_coloured) in [(None, true), (Some("1"), false)] {
        let (terminal, inside) = Terminal::new();
        let mut command = world("run --inline --seed 42 --chaos-level high").command();
        command.env("TERM", "xterm").env_remove("CI").stdout(inside);
        if let Some(wish) = wish {
            command.env("NO_COLOR", wish);
        }
        assert!(start(command).wait().expect("a child").success());
        assert_eq!(terminal.rest().contains('\u{1b}'), is_coloured, "NO_COLOR={wish:?}");
    }
}
