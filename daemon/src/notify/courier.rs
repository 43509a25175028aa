//! Who carries messages to a URL, and tries again where they are not taken.

use crate::clock::Clock;
use crate::send::{Failure, FailureKind};
use crate::target::{Complaint, Connection, Endpoint, Reach, Reply};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use hyper::{Method, Request, Uri};
use serde::Serialize;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Tries of a message: with the waits between them they last 17 minutes, which is what it takes to start a
/// receiver anew.
pub const TRIES_MAX: u32 = 10;

/// After the first try; twice as long after each further one.
const FIRST_WAIT: Duration = Duration::from_secs(2);

/// The longest that a receiver's wish to be left alone is followed.
const WAIT_MAX: Duration = Duration::from_secs(3_600);

/// For a try, with its answer.
const TRY_TIME: Duration = Duration::from_secs(10);

/// Carries messages to a URL, which it shows to nobody else.
pub struct Courier {
    endpoint: Arc<Endpoint>,
    path: Uri,
    connection: Connection,
    clock: Arc<dyn Clock>,
    first_wait: Duration,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Courier").field(&self.endpoint).finish()
    }
}

/// What came of a try.
enum Try {
    Taken,
    /// Another may succeed, after this time if the receiver says one.
    Again(Failure, Option<Duration>),
    /// The next would end the same.
    Refused(Failure),
}

impl Courier {
    /// To this URL.
    ///
    /// # Errors
    /// When it is none, or may not be asked.
    pub fn to(url: &str, reach: &Reach, clock: &Arc<dyn Clock>) -> Result<Self, Complaint> {
        // The text may be a secret, so nothing of it is told.
        let wrong =
            || Complaint::new("the URL of a webhook or ping is none", "Write it as http://HOST:PORT/PATH.");
        let url = url.parse::<Uri>().map_err(|_| wrong())?;
        if url.authority().is_none() || !matches!(url.scheme_str(), Some("http" | "https")) {
            return Err(wrong());
        }
        let path = url.path_and_query().map_or("/", |path| path.as_str()).parse().map_err(|_| wrong())?;
        let endpoint = Arc::new(Endpoint::of(&url, reach)?);
        let connection = Connection::new(Arc::clone(&endpoint), Arc::clone(clock));
        Ok(Self { endpoint, path, connection, clock: Arc::clone(clock), first_wait: FIRST_WAIT })
    }

    /// The server.
    pub(super) fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Sends it once.
    ///
    /// # Errors
    /// When it is not taken.
    pub async fn post(&mut self, message: &impl Serialize) -> Result<(), Failure> {
        match self.attempt(&body(message)?).await {
            Try::Taken => Ok(()),
            Try::Again(failure, _) | Try::Refused(failure) => Err(failure),
        }
    }

    /// Sends it until it is taken.
    ///
    /// # Errors
    /// When it is given up.
    pub async fn deliver(&mut self, message: &impl Serialize) -> Result<(), Failure> {
        let body = body(message)?;
        let mut wait = self.first_wait;
        let mut tries = 1;
        loop {
            match self.attempt(&body).await {
                Try::Taken => return Ok(()),
                Try::Refused(failure) => return Err(failure),
                Try::Again(failure, _) if tries == TRIES_MAX => return Err(failure),
                Try::Again(_, wish) => {
                    self.clock.until_steady(self.clock.steady() + rest(wait, wish)).await;
                }
            }
            wait *= 2;
            tries += 1;
        }
    }

    async fn attempt(&mut self, body: &Bytes) -> Try {
        if let Some(cap) = self.endpoint.cap() {
            self.clock.until_steady(cap.reserve(self.clock.steady())).await;
        }
        let mut request = Request::new(Full::new(body.clone()));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = self.path.clone();
        let headers = request.headers_mut();
        headers.insert(HOST, self.endpoint.host_header().clone());
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static("world-daemon"));
        let deadline = self.clock.steady() + TRY_TIME;
        match self.connection.exchange(request, deadline).await {
            Ok(reply) => of_reply(&reply),
            Err(failure) => Try::Again(failure, None),
        }
    }
}

/// How long a receiver is left alone: as it wishes, and at least for our own wait.
fn rest(wait: Duration, wish: Option<Duration>) -> Duration {
    wish.unwrap_or_default().min(WAIT_MAX).max(wait)
}

fn of_reply(reply: &Reply) -> Try {
    let failure = || Failure { kind: FailureKind::Status, error: format!("status {}", reply.status) };
    match reply.status {
        200..=299 => Try::Taken,
        408 | 425 | 429 | 500..=599 => Try::Again(failure(), reply.retry_after),
        _ => Try::Refused(failure()),
    }
}

fn body(message: &impl Serialize) -> Result<Bytes, Failure> {
    let text = serde_json::to_vec(message)
        .map_err(|error| Failure { kind: FailureKind::Unexpected, error: error.to_string() })?;
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SystemClock;
    use crate::target::scripted::{Move, ScriptedServer, reply};

    impl Courier {
        /// One that hardly waits between tries.
        pub(crate) fn hurried(self) -> Self {
            Self { first_wait: Duration::from_micros(1), ..self }
        }
    }

    fn to(url: &str) -> Result<Courier, Complaint> {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::start());
        Courier::to(url, &Reach::default(), &clock).map(Courier::hurried)
    }

    fn say(status: u16) -> Move {
        Move::Say(reply(status, "", ""))
    }

    #[tokio::test]
    async fn a_message_is_tried_until_it_is_taken() {
        let moves = vec![Move::Close, say(500), say(429), Move::Reset, say(204)];
        let server = ScriptedServer::start(moves).await;
        let mut courier = to(&format!("http://{}/hook?t=sesame", server.address)).unwrap();
        courier.deliver(&"m").await.unwrap();
        let heard = server.heard();
        assert_eq!(heard.len(), 5);
        for heard in heard {
            assert!(heard.head.starts_with("POST /hook?t=sesame HTTP/1.1\r\n"), "{}", heard.head);
            assert!(heard.head.contains("content-type: application/json"), "{}", heard.head);
            assert_eq!(heard.body, b"\"m\"");
        }
        assert!(!format!("{courier:?}").contains("sesame"));
    }

    #[tokio::test]
    async fn a_message_is_given_up_when_it_is_refused_or_was_tried_often() {
        for (status, tries) in [(400, 1), (301, 1), (410, 1), (502, TRIES_MAX as usize)] {
            let server = ScriptedServer::by(move |_, _| say(status)).await;
            let mut courier = to(&format!("http://{}", server.address)).unwrap();
            let failure = courier.deliver(&"m").await.unwrap_err();
            assert_eq!((failure.error, server.heard().len()), (format!("status {status}"), tries));
        }
    }

    #[test]
    fn a_receiver_is_left_alone_as_it_asks_within_reason() {
        let [wait, wish] = [2, 9].map(Duration::from_secs);
        for (said, expected) in [(None, wait), (Some(wish), wish), (Some(Duration::MAX), WAIT_MAX)] {
            assert_eq!(rest(wait, said), expected);
        }
        assert_eq!(rest(wish, Some(wait)), wish);
        let reply = |status| Reply { status, body: Bytes::new(), retry_after: Some(wish) };
        assert!(matches!(of_reply(&reply(429)), Try::Again(_, Some(said)) if said == wish));
    }

    #[test]
    fn a_url_that_is_none_or_may_not_be_asked_is_complained_of_without_it() {
        for url in ["sesame", "/sesame", "http:// sesame/", "ftp://localhost/sesame", "sesame:80"] {
            let complaint = to(url).unwrap_err();
            assert!(complaint.cure.contains("http://HOST") && !complaint.what.contains("sesame"), "{url}");
        }
        let beyond = to("http://192.0.2.1/sesame").unwrap_err();
        assert!(beyond.cure.contains("allow_beyond_loopback") && !beyond.what.contains("sesame"));
    }
}
