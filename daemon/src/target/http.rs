//! Any HTTP server: a request with places for what is asked, and what is expected of the reply.

use super::{
    Complaint, Connection, Endpoint, Escape, Lane, RateCap, Reach, Reply, SecretHeader, TIMEOUT_DEFAULT,
    Target, Template,
};
use crate::clock::Clock;
use crate::send::{Answer, Ask, Failure, FailureKind};
use http_body_util::Full;
use hyper::body::Bytes;
use hyper::header::{CONTENT_TYPE, HOST, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, Request, Uri};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// What a configuration says of an HTTP target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HttpSettings {
    /// The whole URL; places in its path and query are filled (see [`Template`]).
    pub url: String,
    /// The method.
    pub method: String,
    /// Headers that are sent as they stand here.
    pub headers: BTreeMap<String, String>,
    /// Headers that hold credentials.
    pub secret_headers: BTreeMap<String, SecretHeader>,
    /// The body; its places are filled. None where it is empty.
    pub body: String,
    /// What is expected of a reply.
    pub expect: Expectation,
    /// From sending a request to the end of its reply, at the most.
    pub timeout_seconds: f64,
    /// Whether the server may be on another machine.
    pub allow_beyond_loopback: bool,
    /// Requests a second to a server on another machine.
    pub requests_per_second_max: Option<f64>,
    /// Certificates (PEM) of authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

/// What is expected of a reply.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Expectation {
    /// Its status is one of these; with none here, one of 200 to 299.
    pub statuses: Vec<u16>,
    /// Its body contains this.
    pub text: Option<String>,
    /// Whether its body may be empty. Where no reply has one (HEAD, 204) it always may.
    pub may_be_empty: bool,
}

impl Default for HttpSettings {
    fn default() -> Self {
        Self {
            url: String::new(),
            method: "GET".to_string(),
            headers: BTreeMap::new(),
            secret_headers: BTreeMap::new(),
            body: String::new(),
            expect: Expectation::default(),
            timeout_seconds: TIMEOUT_DEFAULT.as_secs_f64(),
            allow_beyond_loopback: false,
            requests_per_second_max: None,
            ca_file: None,
        }
    }
}

/// An HTTP server as a target.
#[derive(Debug)]
pub struct HttpTarget {
    endpoint: Arc<Endpoint>,
    form: Arc<Form>,
    secret_headers: Vec<(HeaderName, SecretHeader)>,
    /// All headers, with the credentials as they were when they were last read.
    headers: Mutex<Arc<HeaderMap>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

/// What is the same for all requests.
#[derive(Debug)]
struct Form {
    method: Method,
    path: Template,
    /// The path, where it has no places.
    fixed_path: Option<Uri>,
    body: Template,
    fixed_body: Option<Bytes>,
    expect: Expectation,
}

impl HttpTarget {
    /// The target of a configuration.
    ///
    /// # Errors
    /// When there can be no such requests, or a credential is not there.
    pub fn new(settings: &HttpSettings, clock: Arc<dyn Clock>) -> Result<Self, Complaint> {
        let (site, path) = split(&settings.url);
        let reach = Reach {
            beyond_loopback: settings.allow_beyond_loopback,
            requests_per_second_max: settings.requests_per_second_max,
            ca_file: settings.ca_file.clone(),
        };
        let endpoint = Arc::new(Endpoint::of(&uri(site)?, &reach)?);
        let mut headers = HeaderMap::new();
        headers.insert(HOST, endpoint.host_header().clone());
        for (name, value) in &settings.headers {
            headers.insert(header_name(name)?, header_value(name, value)?);
        }
        let secret_headers: Vec<_> = settings
            .secret_headers
            .iter()
            .map(|(name, secret)| Ok((header_name(name)?, secret.clone())))
            .collect::<Result<_, Complaint>>()?;
        add_secrets(&mut headers, &secret_headers)?;
        Ok(Self {
            form: Arc::new(Form::of(settings, path, headers.get(CONTENT_TYPE))?),
            endpoint,
            secret_headers,
            headers: Mutex::new(Arc::new(headers)),
            timeout: timeout(settings.timeout_seconds)?,
            clock,
        })
    }

    fn headers(&self) -> Arc<HeaderMap> {
        self.headers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Target for HttpTarget {
    type Lane = HttpLane;

    fn lane(&self) -> HttpLane {
        HttpLane {
            connection: Connection::new(self.endpoint.clone(), self.clock.clone()),
            form: self.form.clone(),
            headers: self.headers(),
        }
    }

    async fn validate(&self) -> Result<(), Complaint> {
        let mut headers = HeaderMap::clone(&self.headers());
        add_secrets(&mut headers, &self.secret_headers)?;
        *self.headers.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(headers);
        self.endpoint.validate().await
    }

    fn cap(&self) -> Option<&RateCap> {
        self.endpoint.cap()
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }
}

/// A lane to an HTTP server.
#[derive(Debug)]
pub struct HttpLane {
    connection: Connection,
    form: Arc<Form>,
    headers: Arc<HeaderMap>,
}

impl Lane for HttpLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        match self.exchange(ask, deadline).await {
            Ok(reply) => self.form.judge(&reply),
            Err(failure) => failure.answer(),
        }
    }
}

impl HttpLane {
    /// Asks once; for those who read replies in a way of their own.
    pub(super) async fn exchange(&mut self, ask: &Ask, deadline: Duration) -> Result<Reply, Failure> {
        let request = self.form.request(ask, &self.headers)?;
        self.connection.exchange(request, deadline).await
    }
}

impl Form {
    fn of(
        settings: &HttpSettings,
        path: &str,
        content_type: Option<&HeaderValue>,
    ) -> Result<Self, Complaint> {
        let method = Method::from_bytes(settings.method.as_bytes()).map_err(|error| {
            Complaint::new(format!("{}: {error}", settings.method), "Name a method, such as GET or POST.")
        })?;
        let is_json = content_type.is_some_and(|value| {
            value.to_str().is_ok_and(|value| value.to_ascii_lowercase().contains("json"))
        });
        let path = Template::of(path, Escape::Url);
        let body = Template::of(&settings.body, if is_json { Escape::Json } else { Escape::None });
        Ok(Self {
            fixed_path: path.fixed().map(uri).transpose()?,
            fixed_body: body.fixed().map(|body| Bytes::from(body.to_string())),
            method,
            path,
            body,
            expect: settings.expect.clone(),
        })
    }

    fn request(&self, ask: &Ask, headers: &HeaderMap) -> Result<Request<Full<Bytes>>, Failure> {
        let uri = match &self.fixed_path {
            Some(uri) => uri.clone(),
            None => self.path.fill(ask).parse().map_err(|error| Failure {
                kind: FailureKind::Unexpected,
                error: format!("this cannot be asked by a URL: {error}"),
            })?,
        };
        let body = self.fixed_body.clone().unwrap_or_else(|| self.body.fill(ask).into());
        let mut request = Request::new(Full::new(body));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers.clone();
        Ok(request)
    }

    fn judge(&self, reply: &Reply) -> Answer {
        let mut answer = reply.answer();
        if self.expect.statuses.contains(&reply.status) {
            // Somebody may want to be told to come later.
            answer.failure = None;
            answer.retry_after = None;
        }
        if answer.failure.is_none() {
            answer.failure = self.shortcoming(reply).map(|(kind, error)| Failure { kind, error });
        }
        answer
    }

    /// What a reply lacks.
    fn shortcoming(&self, reply: &Reply) -> Option<(FailureKind, String)> {
        let expect = &self.expect;
        let is_expected = match expect.statuses.as_slice() {
            [] => (200..300).contains(&reply.status),
            statuses => statuses.contains(&reply.status),
        };
        if !is_expected {
            return Some((FailureKind::Status, format!("the status is {}", reply.status)));
        }
        let has_none = self.method == Method::HEAD || matches!(reply.status, 204 | 205 | 304);
        if reply.body.is_empty() && !has_none && !expect.may_be_empty {
            return Some((
                FailureKind::Empty,
                format!("the status is {}, and nothing is said", reply.status),
            ));
        }
        let text = expect.text.as_ref()?;
        let is_said = text.is_empty() || reply.body.windows(text.len()).any(|part| part == text.as_bytes());
        (!is_said).then(|| (FailureKind::Unexpected, format!("{text:?} is not in the answer")))
    }
}

/// A URL's server, and its path with the query.
fn split(url: &str) -> (&str, &str) {
    let host = url.find("://").map_or(0, |at| at + 3);
    match url[host..].find(['/', '?']) {
        Some(at) => {
            let (site, path) = url.split_at(host + at);
            (site, path)
        }
        None => (url, "/"),
    }
}

fn uri(text: &str) -> Result<Uri, Complaint> {
    text.parse().map_err(|error| {
        Complaint::new(format!("the target's URL: {error}"), "Write it as http://HOST:PORT/PATH.")
    })
}

fn header_name(name: &str) -> Result<HeaderName, Complaint> {
    name.parse().map_err(|error| {
        Complaint::new(format!("the header {name:?}: {error}"), "Name a header, such as Accept.")
    })
}

fn header_value(name: &str, value: &str) -> Result<HeaderValue, Complaint> {
    value.parse().map_err(|error| {
        Complaint::new(format!("the header {name}: {error}"), "A header's value is one line of plain text.")
    })
}

fn add_secrets(headers: &mut HeaderMap, secrets: &[(HeaderName, SecretHeader)]) -> Result<(), Complaint> {
    for (name, secret) in secrets {
        headers.insert(name, secret.value()?);
    }
    Ok(())
}

fn timeout(seconds: f64) -> Result<Duration, Complaint> {
    Duration::try_from_secs_f64(seconds).ok().filter(|timeout| !timeout.is_zero()).ok_or_else(|| {
        Complaint::new(
            format!("nobody can answer within {seconds} seconds"),
            "Set timeout_seconds to a number above 0.",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Move, ScriptedServer, reply};
    use super::*;
    use crate::clock::SystemClock;
    use crate::send::Subject;
    use days::order::Kind;

    /// Far away: what a test waits for is something else.
    const LATER: Duration = Duration::from_secs(600);

    fn settings(server: &ScriptedServer) -> HttpSettings {
        HttpSettings { url: format!("http://{}/ask?q={{query}}", server.address), ..HttpSettings::default() }
    }

    fn lane(settings: &HttpSettings) -> HttpLane {
        HttpTarget::new(settings, Arc::new(SystemClock::start())).unwrap().lane()
    }

    fn ask(query: &str) -> Ask {
        let subject = Arc::new(Subject::default());
        Ask { kind: Kind::Operations, number: 3, subject, case: None, query: query.into() }
    }

    /// What becomes of one question to a server that makes these moves, one for each request.
    async fn answers(
        moves: Vec<Move>,
        change: impl FnOnce(&mut HttpSettings),
    ) -> (ScriptedServer, Vec<Answer>) {
        let asks = moves.len();
        let server = ScriptedServer::start(moves).await;
        let mut settings = settings(&server);
        change(&mut settings);
        let mut lane = lane(&settings);
        let mut answers = Vec::new();
        for _ in 0..asks {
            answers.push(lane.ask(&ask("x"), LATER).await);
        }
        (server, answers)
    }

    async fn failure(step: Move, change: impl FnOnce(&mut HttpSettings)) -> Option<FailureKind> {
        answers(vec![step], change).await.1.remove(0).failure.map(|failure| failure.kind)
    }

    fn say(text: &'static str) -> Move {
        Move::Say(reply(200, "", text))
    }

    fn status(status: u16) -> Move {
        Move::Say(reply(status, "", "no"))
    }

    #[tokio::test]
    async fn a_request_is_sent_as_it_is_configured() {
        let (server, answers) = answers(vec![say("yes")], |settings| {
            settings.method = "PATCH".to_string();
            settings.headers.insert("Content-Type".to_string(), "application/json".to_string());
            settings.body = r#"{"n": {number}, "q": "{query}"}"#.to_string();
        })
        .await;
        assert_eq!(answers[0].text, "yes");
        let heard = server.heard().remove(0);
        assert!(heard.head.starts_with("PATCH /ask?q=x HTTP/1.1\r\n"), "{}", heard.head);
        assert!(heard.head.contains(&format!("host: {}\r\n", server.address)), "{}", heard.head);
        assert_eq!(heard.body, br#"{"n": 3, "q": "x"}"#);
    }

    #[tokio::test]
    async fn a_connection_is_kept_until_the_server_ends_it() {
        let close = Move::SayAndClose(reply(200, "Connection: close\r\n", "bye"));
        let silent = Move::SayAndClose(reply(200, "", "bye"));
        let (server, answers) = answers(vec![say("a"), say("b"), close, silent, say("c")], |_| {}).await;
        assert!(answers.iter().all(|answer| answer.failure.is_none()), "{answers:?}");
        let connections: Vec<_> = server.heard().iter().map(|heard| heard.connection).collect();
        assert_eq!(connections, [0, 0, 0, 1, 2]);
    }

    #[tokio::test]
    async fn replies_that_are_none_are_told_apart() {
        use FailureKind::*;
        let raw = |text: &'static str| Move::SayAndClose(text.as_bytes().to_vec());
        for (step, kind) in [
            (Move::Close, Broken),
            (Move::Reset, Broken),
            (raw("HTTP/1.1 200 OK\r\nContent-Le"), Broken),
            (raw("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), Broken),
            (raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"), Broken),
            (raw("SSH-2.0-OpenSSH_9.2\r\n\r\n"), Malformed),
            (raw("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), Malformed),
            (raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), Malformed),
            (Move::Say(reply(200, "", &"x".repeat(super::super::BODY_BYTES_MAX + 1))), Malformed),
            (Move::Say(reply(200, &format!("X: {}\r\n", "x".repeat(1 << 20)), "x")), Malformed),
            (Move::Say(reply(200, "", "")), Empty),
            (status(500), Status),
            (Move::Say(reply(302, "Location: /elsewhere\r\n", "there")), Status),
            (status(429), RateLimited),
            (status(503), Unavailable),
        ] {
            let told = format!("{step:?}");
            assert_eq!(failure(step, |_| {}).await, Some(kind), "{}", &told[..told.len().min(300)]);
        }
    }

    #[tokio::test]
    async fn a_lane_goes_on_after_whatever_a_server_did() {
        let raw = |text: &'static str| Move::SayAndClose(text.as_bytes().to_vec());
        let long = Move::Say(reply(200, "", &"x".repeat(super::super::BODY_BYTES_MAX + 1)));
        let moves = vec![Move::Reset, say("a"), raw("nonsense\r\n\r\n"), say("b"), long, say("c")];
        let (server, answers) = answers(moves, |_| {}).await;
        let texts: Vec<_> = answers.iter().map(|answer| answer.text.as_str()).collect();
        assert_eq!(texts, ["", "a", "", "b", "", "c"]);
        server.until(|counts| counts.open <= 1).await;
    }

    #[tokio::test]
    async fn what_is_expected_decides() {
        let text = |text: &'static str| {
            move |settings: &mut HttpSettings| settings.expect.text = Some(text.to_string())
        };
        assert_eq!(failure(say("all is well"), text("well")).await, None);
        assert_eq!(failure(say("all is lost"), text("well")).await, Some(FailureKind::Unexpected));
        let statuses = |settings: &mut HttpSettings| settings.expect.statuses = vec![403, 503];
        assert_eq!(failure(status(403), statuses).await, None);
        assert_eq!(failure(status(503), statuses).await, None);
        assert_eq!(failure(status(200), statuses).await, Some(FailureKind::Status));
        let head = |settings: &mut HttpSettings| settings.method = "HEAD".to_string();
        assert_eq!(failure(Move::Say(reply(200, "", "")), head).await, None);
        let empty = |settings: &mut HttpSettings| settings.expect.may_be_empty = true;
        assert_eq!(failure(Move::Say(reply(200, "", "")), empty).await, None);
        assert_eq!(failure(Move::Say(reply(204, "", "")), |_| {}).await, None);
    }

    #[tokio::test]
    async fn a_busy_servers_wish_is_told() {
        let busy = Move::Say(reply(429, "Retry-After: 7\r\n", "later"));
        let (_server, told) = answers(vec![busy], |_| {}).await;
        assert_eq!(told[0].retry_after, Some(Duration::from_secs(7)));
        assert_eq!(told[0].text, "later");
        let busy = Move::Say(reply(503, "Retry-After: 7\r\n", "later"));
        let (_server, told) = answers(vec![busy], |settings| settings.expect.statuses = vec![503]).await;
        assert_eq!(told[0].retry_after, None, "this is what was expected");
    }

    #[tokio::test]
    async fn a_server_that_holds_its_answer_back_is_waited_for_until_the_deadline() {
        let clock = crate::clock::SimulatedClock::at("2026-01-01T00:00:00Z".parse().unwrap());
        let server = ScriptedServer::start(vec![Move::Hold, Move::Hold, say("a")]).await;
        let target = HttpTarget::new(&settings(&server), Arc::new(clock.clone())).unwrap();
        let mut lane = target.lane();
        server.release(1);
        assert_eq!(lane.ask(&ask("x"), Duration::from_secs(5)).await.text, "released");
        let asked = tokio::spawn(async move { (lane.ask(&ask("x"), Duration::from_secs(5)).await, lane) });
        server.until(|counts| counts.heard == 2).await;
        clock.advance(Duration::from_secs(5));
        let (answer, mut lane) = asked.await.unwrap();
        let failure = answer.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Timeout, "{failure:?}");
        assert_eq!(lane.ask(&ask("x"), Duration::from_secs(50)).await.text, "a");
        drop(lane);
        server.until(|counts| counts.open == 0).await;
    }

    #[tokio::test]
    async fn a_question_that_is_dropped_leaves_a_lane_that_can_be_asked_by() {
        let server = ScriptedServer::start(vec![Move::Hold, say("a")]).await;
        let mut lane = lane(&settings(&server));
        let held = ask("x");
        tokio::select! {
            _ = lane.ask(&held, LATER) => unreachable!("the server holds its answer back"),
            () = server.until(|counts| counts.heard == 1) => {}
        }
        assert_eq!(lane.ask(&ask("y"), LATER).await.text, "a");
    }

    #[tokio::test]
    async fn nobody_who_listens_is_a_failure_to_connect() {
        let server = ScriptedServer::start(vec![]).await;
        let settings = settings(&server);
        server.end().await;
        let failure = lane(&settings).ask(&ask("x"), LATER).await.failure.unwrap();
        assert_eq!(failure.kind, FailureKind::Connect);
        assert!(failure.error.contains("refused"), "{}", failure.error);
    }

    #[tokio::test]
    async fn a_credential_reaches_the_server_and_follows_its_file() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "sesame-1\n").unwrap();
        let server = ScriptedServer::start(vec![say("a"), say("b")]).await;
        let mut settings = settings(&server);
        settings.url = format!("http://{}/", server.address);
        settings.secret_headers = toml::from_str(&format!(
            "Authorization = {{ file = {:?}, prefix = \"Bearer \" }}",
            file.path().to_str().unwrap()
        ))
        .unwrap();
        let target = HttpTarget::new(&settings, Arc::new(SystemClock::start())).unwrap();
        target.lane().ask(&ask("x"), LATER).await;
        std::fs::write(file.path(), "sesame-2\n").unwrap();
        target.validate().await.unwrap();
        let mut lane = target.lane();
        lane.ask(&ask("x"), LATER).await;
        for (heard, secret) in server.heard().iter().zip(["sesame-1", "sesame-2"]) {
            assert!(heard.head.contains(&format!("authorization: Bearer {secret}\r\n")), "{}", heard.head);
        }
        assert!(!format!("{target:?} {lane:?} {settings:?}").contains("sesame"));
        std::fs::write(file.path(), "").unwrap();
        assert!(target.validate().await.unwrap_err().what.ends_with("is empty"));
    }

    #[test]
    fn a_urls_path_begins_after_its_host() {
        assert_eq!(split("http://a:1"), ("http://a:1", "/"));
        assert_eq!(split("http://a/b?c=d/e"), ("http://a", "/b?c=d/e"));
        assert_eq!(split("http://a?c={query}"), ("http://a", "?c={query}"));
    }

    #[test]
    fn settings_that_make_no_request_are_complained_of() {
        let with = |change: fn(&mut HttpSettings)| {
            let mut settings =
                HttpSettings { url: "http://127.0.0.1:1/".to_string(), ..HttpSettings::default() };
            change(&mut settings);
            HttpTarget::new(&settings, Arc::new(SystemClock::start())).map(drop)
        };
        assert_eq!(with(|_| {}), Ok(()));
        with(|settings| settings.url = "http://127.0.0.1:1/a b".to_string()).unwrap_err();
        with(|settings| settings.method = "GET THIS".to_string()).unwrap_err();
        with(|settings| settings.timeout_seconds = 0.0).unwrap_err();
        with(|settings| settings.timeout_seconds = f64::NAN).unwrap_err();
        with(|settings| drop(settings.headers.insert("a b".to_string(), String::new()))).unwrap_err();
        with(|settings| drop(settings.headers.insert("A".to_string(), "a\nb".to_string()))).unwrap_err();
    }
}
