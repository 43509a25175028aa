//! For tests: an HTTP server that makes one move of a script for each request, and takes down what it heard.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

/// What the server does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Move {
    /// Says these bytes.
    Say(Vec<u8>),
    /// Says them and ends the connection.
    SayAndClose(Vec<u8>),
    /// Says nothing and ends the connection.
    Close,
    /// The same, rudely.
    Reset,
    /// Says nothing until it is released, and then what [`reply`] says of 200.
    Hold,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Heard {
    /// Its connection, counted from 0.
    pub(crate) connection: usize,
    /// Its first line and headers.
    pub(crate) head: String,
    /// Its body.
    pub(crate) body: Vec<u8>,
}

/// What can be waited for.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    /// Connections that were accepted.
    pub(crate) accepted: usize,
    /// Those that have not ended yet.
    pub(crate) open: usize,
    /// Requests that were heard.
    pub(crate) heard: usize,
}

type Script = Box<dyn Fn(usize, &Heard) -> Move + Send + Sync>;

pub(crate) struct ScriptedServer {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
    listening: JoinHandle<()>,
}

struct State {
    script: Script,
    heard: Mutex<Vec<Heard>>,
    counts: watch::Sender<Counts>,
    released: Semaphore,
}

/// A whole response.
pub(crate) fn reply(status: u16, headers: &str, body: &str) -> Vec<u8> {
    let length = if status == 204 { String::new() } else { format!("Content-Length: {}\r\n", body.len()) };
    format!("HTTP/1.1 {status} Some reason\r\n{length}{headers}\r\n{body}").into_bytes()
}

impl ScriptedServer {
    /// Makes these moves, one after the other, and then holds its answers back.
    pub(crate) async fn start(moves: Vec<Move>) -> Self {
        Self::by(move |number, _| moves.get(number).cloned().unwrap_or(Move::Hold)).await
    }

    /// Makes the move that a function gives for a request, which is counted from 0.
    pub(crate) async fn by(script: impl Fn(usize, &Heard) -> Move + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            heard: Mutex::default(),
            counts: watch::Sender::default(),
            released: Semaphore::new(0),
        });
        let address = listener.local_addr().unwrap();
        Self { address, listening: tokio::spawn(listen(listener, state.clone())), state }
    }

    /// All requests so far.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.state.heard.lock().unwrap().clone()
    }

    /// Waits for a state of things.
    pub(crate) async fn until(&self, condition: impl FnMut(&Counts) -> bool) {
        let mut condition = condition;
        self.state.counts.subscribe().wait_for(|counts| condition(counts)).await.unwrap();
    }

    /// Lets answers go that are held back, or will be.
    pub(crate) fn release(&self, answers: usize) {
        self.state.released.add_permits(answers);
    }

    /// Listens no longer.
    pub(crate) async fn end(self) {
        self.listening.abort();
        self.listening.await.unwrap_err();
    }
}

async fn listen(listener: TcpListener, state: Arc<State>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let connection = state.counts.borrow().accepted;
        state.counts.send_modify(|counts| {
            counts.accepted += 1;
            counts.open += 1;
        });
        let state = state.clone();
        tokio::spawn(async move {
            converse(stream, connection, &state).await;
            state.counts.send_modify(|counts| counts.open -= 1);
        });
    }
}

/// Reads requests and makes moves until one of the two sides ends the connection.
async fn converse(mut stream: TcpStream, connection: usize, state: &State) {
    while let Some((head, body)) = request(&mut stream).await {
        let heard = Heard { connection, head, body };
        let number = {
            let mut all = state.heard.lock().unwrap();
            all.push(heard.clone());
            all.len() - 1
        };
        state.counts.send_modify(|counts| counts.heard += 1);
        let step = (state.script)(number, &heard);
        let (bytes, goes_on) = match step {
            Move::Say(bytes) => (bytes, true),
            Move::SayAndClose(bytes) => (bytes, false),
            Move::Close => (Vec::new(), false),
            Move::Reset => {
                stream.set_zero_linger().unwrap();
                (Vec::new(), false)
            }
            Move::Hold => {
                let mut byte = [0];
                tokio::select! {
                    permit = state.released.acquire() => permit.unwrap().forget(),
                    // Whoever asked has gone.
                    _ = stream.read(&mut byte) => return,
                }
                (reply(200, "", "released"), true)
            }
        };
        if stream.write_all(&bytes).await.is_err() || !goes_on {
            return;
        }
    }
}

/// The next request, if there is one.
async fn request(stream: &mut TcpStream) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at + 4;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let mut body = bytes.split_off(head_end);
    let head = String::from_utf8(bytes).unwrap();
    let length = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, value)| value.trim().parse().unwrap());
    while body.len() < length {
        if stream.read_buf(&mut body).await.ok()? == 0 {
            return None;
        }
    }
    Some((head, body))
}
