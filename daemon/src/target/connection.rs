//! A lane's connection to an HTTP server: HTTP/1.1, kept alive, made anew when it is gone.
//!
//! A connection is read and written by the task that asks by it, while it asks: there is no task beside
//! it, and nothing has to be woken in between. What the server does to an idle connection is noticed when it
//! is next used, before anything is sent.
//!
//! A request that was not sent because the connection had gone is sent by a new one. If the
//! connection goes after that, the server may have acted, and the request is not repeated: it is
//! [`FailureKind::Broken`].

use super::endpoint::Endpoint;
use super::reply::{BODY_BYTES_MAX, Reply, retry_after};
use crate::clock::{Alarm, Clock};
use crate::send::{Failure, FailureKind};
use http_body_util::{BodyExt as _, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1::{self, SendRequest};
use hyper::header::RETRY_AFTER;
use hyper::{Request, Response};
use std::error::Error;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::task::coop::unconstrained;

/// Bytes of a response's head that are read, with those of the body that come with them.
const HEAD_BYTES_MAX: usize = 64 * 1024;

/// One connection at a time to one server.
pub struct Connection {
    endpoint: Arc<Endpoint>,
    clock: Arc<dyn Clock>,
    alarm: Alarm,
    open: Option<Open>,
}

/// A connection that is there.
struct Open {
    requests: SendRequest<Full<Bytes>>,
    driver: Option<Driver>,
}

/// A connection's own future: it reads and writes as long as it is polled.
type Driver = Pin<Box<dyn Future<Output = hyper::Result<()>> + Send>>;

/// A request that was not sent.
type Unsent = Request<Full<Bytes>>;

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Connection {
    /// To this server, when it is first used.
    pub fn new(endpoint: Arc<Endpoint>, clock: Arc<dyn Clock>) -> Self {
        Self { endpoint, alarm: Alarm::by(clock.clone()), clock, open: None }
    }

    /// Sends a request and reads the whole reply, until an instant of the steady clock. Its target must be
    /// a path, and `Host` among its headers (see [`Endpoint::host_header`]).
    ///
    /// # Errors
    /// When there is no whole reply. Statuses are not looked at.
    pub async fn exchange(
        &mut self,
        request: Request<Full<Bytes>>,
        deadline: Duration,
    ) -> Result<Reply, Failure> {
        let begun = self.clock.steady();
        let talk = exchange(&self.endpoint, &mut self.open, &*self.clock, request);
        self.alarm.race(deadline, pin!(talk)).await.unwrap_or_else(|| {
            let waited = self.clock.steady().saturating_sub(begun);
            Err(failure(FailureKind::Timeout, format!("no whole answer within {waited:.1?}")))
        })
    }
}

async fn exchange(
    endpoint: &Endpoint,
    slot: &mut Option<Open>,
    clock: &dyn Clock,
    request: Request<Full<Bytes>>,
) -> Result<Reply, Failure> {
    // Taken out meanwhile: whoever drops this in between leaves no connection with half an answer in it.
    let mut unsent = request;
    if let Some(mut open) = slot.take()
        && open.is_ready().await
    {
        match open.reply(unsent, clock).await {
            Ok(outcome) => return outcome.inspect(|_| *slot = Some(open)),
            Err(request) => unsent = request,
        }
    }
    let mut open = Open::to(endpoint).await?;
    match open.reply(unsent, clock).await {
        Ok(outcome) => outcome.inspect(|_| *slot = Some(open)),
        Err(_) => Err(failure(FailureKind::Broken, "the server ended the connection at once".to_string())),
    }
}

impl Open {
    async fn to(endpoint: &Endpoint) -> Result<Self, Failure> {
        let connect = |error: &dyn Error| {
            failure(FailureKind::Connect, format!("cannot connect to {endpoint:?}: {}", chain(error)))
        };
        let stream = endpoint.connect().await.map_err(|error| connect(&error))?;
        let (requests, driver) = http1::Builder::new()
            .max_buf_size(HEAD_BYTES_MAX)
            .handshake(stream)
            .await
            .map_err(|error| connect(&error))?;
        Ok(Self { requests, driver: Some(Box::pin(driver)) })
    }

    /// Whether a request can be sent, as far as is known of what the server did.
    async fn is_ready(&mut self) -> bool {
        drive(&mut self.driver, pin!(self.requests.ready())).await.is_ok()
    }

    async fn reply(
        &mut self,
        request: Request<Full<Bytes>>,
        clock: &dyn Clock,
    ) -> Result<Result<Reply, Failure>, Unsent> {
        let response = self.requests.try_send_request(request);
        match drive(&mut self.driver, pin!(response)).await {
            Ok(response) => Ok(self.read(response, clock).await),
            Err(mut error) => match error.take_message() {
                Some(request) => Err(request),
                None => Ok(Err(broken(error.error()))),
            },
        }
    }

    async fn read(&mut self, response: Response<Incoming>, clock: &dyn Clock) -> Result<Reply, Failure> {
        let (head, mut body) = response.into_parts();
        let status = head.status.as_u16();
        let wish = if matches!(status, 429 | 503) { head.headers.get(RETRY_AFTER) } else { None };
        let retry_after = wish.and_then(|wish| retry_after(wish, clock.wall()));
        let mut whole = Bytes::new();
        while let Some(frame) = drive(&mut self.driver, pin!(body.frame())).await {
            let Ok(data) = frame.map_err(|error| broken(&error))?.into_data() else { continue };
            if whole.len() + data.len() > BODY_BYTES_MAX {
                let error = format!("an answer of more than {BODY_BYTES_MAX} bytes");
                return Err(failure(FailureKind::Malformed, error));
            }
            whole = if whole.is_empty() { data } else { [whole, data].concat().into() };
        }
        Ok(Reply { status, body: whole, retry_after })
    }
}

/// Waits for something that a connection brings about, while driving the connection.
///
/// What is waited for makes progress only by the driver, so it needs no waking of its own; and because it is
/// not woken, it must not be told to wait for its turn.
async fn drive<F: Future>(driver: &mut Option<Driver>, future: Pin<&mut F>) -> F::Output {
    let mut future = pin!(unconstrained(future));
    poll_fn(|context| {
        // Twice, because what the one does is often what the other waits for.
        for _ in 0..2 {
            if driver.as_mut().is_some_and(|driver| driver.as_mut().poll(context).is_ready()) {
                *driver = None;
            }
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return Poll::Ready(value);
            }
        }
        Poll::Pending
    })
    .await
}

/// What became of a request whose connection failed.
fn broken(error: &hyper::Error) -> Failure {
    let is_malformed = error.is_parse() || has_invalid_data(error);
    let kind = if is_malformed { FailureKind::Malformed } else { FailureKind::Broken };
    failure(kind, chain(error))
}

/// Whether a body's form was wrong, which the library tells as an error of I/O.
fn has_invalid_data(error: &hyper::Error) -> bool {
    error
        .source()
        .and_then(|source| source.downcast_ref::<io::Error>())
        .is_some_and(|error| matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData))
}

fn failure(kind: FailureKind, error: String) -> Failure {
    Failure { kind, error }
}

/// An error with all that led to it.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(error) = next {
        text = format!("{text}: {error}");
        next = error.source();
    }
    text
}
