//! A target on loopback that a daemon sends to, and that remembers what it was sent: the witness against
//! whom a daemon's own account is held.

use super::running::wait_until;
use std::io::{BufReader, Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

/// How the target answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// With 200 and a text.
    Well,
    /// With another status and no more.
    Status(u16),
    /// With 429, and how long to wait.
    RateLimited {
        /// Seconds.
        retry_after: u32,
    },
    /// Not at all, until it is told to behave otherwise.
    Never,
    /// By hanging up.
    HangUp,
}

/// A request that came.
#[derive(Clone, Debug)]
pub struct Heard {
    /// When, by the test's steady clock.
    pub at: Instant,
    /// Its first line.
    pub line: String,
    /// Its headers, in lower case.
    pub headers: Vec<(String, String)>,
    /// Its body.
    pub body: String,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    heard: Vec<Heard>,
}

/// A target, until the test's process ends.
#[derive(Debug)]
pub struct HttpTarget {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl HttpTarget {
    /// One that answers well.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a port");
        let address = listener.local_addr().expect("it has an address");
        let state = Arc::new(Mutex::new(State { manner: Manner::Well, heard: Vec::new() }));
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let state = Arc::clone(&shared);
                std::thread::spawn(move || serve(stream, &state));
            }
        });
        Self { address, state }
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Lets it answer otherwise from now on.
    pub fn behave(&self, manner: Manner) {
        self.state.lock().expect("nobody panicked").manner = manner;
    }

    /// What it was sent so far.
    pub fn heard(&self) -> Vec<Heard> {
        self.state.lock().expect("nobody panicked").heard.clone()
    }

    /// How often it was asked so far.
    pub fn count(&self) -> usize {
        self.state.lock().expect("nobody panicked").heard.len()
    }

    /// Waits until it was asked so often.
    pub fn wait_for(&self, requests: usize) {
        wait_until(&format!("{requests} requests"), || (self.count() >= requests).then_some(()));
    }
}

/// Answers what comes on one connection.
fn serve(stream: TcpStream, state: &Mutex<State>) {
    let Ok(reading) = stream.try_clone() else { return };
    let mut reading = BufReader::new(reading);
    while let Some(heard) = request(&mut reading) {
        let manner = {
            let mut state = state.lock().expect("nobody panicked");
            state.heard.push(heard);
            state.manner.clone()
        };
        if !answer(&stream, state, manner) {
            let _ = stream.shutdown(Shutdown::Both);
            return;
        }
    }
}

fn request(reading: &mut impl std::io::BufRead) -> Option<Heard> {
    let mut line = String::new();
    reading.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let at = Instant::now();
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reading.read_line(&mut header).ok()?;
        let Some((name, value)) = header.trim_end().split_once(':') else { break };
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length: u64 = length.and_then(|(_, value)| value.parse().ok()).unwrap_or(0);
    let mut body = String::new();
    reading.take(length).read_to_string(&mut body).ok()?;
    Some(Heard { at, line: line.trim_end().to_owned(), headers, body })
}

/// Whether the connection goes on.
fn answer(mut stream: &TcpStream, state: &Mutex<State>, manner: Manner) -> bool {
    let (status, extra, text) = match &manner {
        Manner::Well => (200, String::new(), "well"),
        Manner::Status(status) => (*status, String::new(), ""),
        Manner::RateLimited { retry_after } => (429, format!("retry-after: {retry_after}\r\n"), ""),
        Manner::Never => {
            let is_silent = || state.lock().expect("nobody panicked").manner == Manner::Never;
            wait_until("another manner", || (!is_silent()).then_some(()));
            return false;
        }
        Manner::HangUp => return false,
    };
    let length = text.len();
    let head = format!("HTTP/1.1 {status} Whatever\r\ncontent-length: {length}\r\n{extra}\r\n");
    stream.write_all(format!("{head}{text}").as_bytes()).is_ok()
}
