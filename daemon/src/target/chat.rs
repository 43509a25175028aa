//! Whoever completes chats by the protocol of OpenAI, at OpenAI, at Azure or on a machine of one's own.
//!
//! | | `openai` | `azure` |
//! |---|---|---|
//! | path | `URL/chat/completions` | `URL/openai/deployments/MODEL/chat/completions?api-version=...` |
//! | credential | `Authorization: Bearer ...` | `api-key: ...`, or as a bearer's if `bearer` is set |
//! | the model | in the body | in the path: the deployment's name |
//!
//! What an answer says is the content of its first choice. Beside that it may say:
//!
//! | it says | then |
//! |---|---|
//! | `finish_reason` `content_filter` | the provider's filter stopped the answer |
//! | 4xx with the code `content_filter` or `ResponsibleAIPolicyViolation` | the provider's filter stopped the request |
//! | `refusal` | it is a refusal, and these are its words |
//! | `finish_reason` `length` | there is more of it |
//! | any other status but 2xx, a plain 400 among them | a failure: nothing was refused and nothing answered |
//! | 2xx without a choice, or in another form | malformed |
//! | 2xx with a choice that says nothing | empty |
//!
//! For an operation, what was stopped by a filter is a failure as well; for a guardrail test it is what must be.

use super::reply::{beginning, characters};
use super::{
    Complaint, HttpLane, HttpSettings, HttpTarget, Lane, RateCap, Reply, SecretHeader, SecretSource,
    TIMEOUT_DEFAULT, Target,
};
use crate::clock::Clock;
use crate::send::{ANSWER_BYTES_KEPT, Answer, Ask, Failure, FailureKind};
use days::order::Kind;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// The version of Azure's protocol that is spoken where no other is named.
pub const API_VERSION_DEFAULT: &str = "2024-10-21";

/// Characters of a provider's own words that become part of an error.
const MESSAGE_CHARS_MAX: usize = 300;

/// Whose form of the protocol is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Api {
    /// OpenAI's, which most servers speak.
    #[default]
    Openai,
    /// Azure's.
    Azure,
}

/// What a configuration says of a chat target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ChatSettings {
    /// Whose form of the protocol.
    pub api: Api,
    /// Where the service is, without the part that the form adds: `https://api.openai.com/v1`,
    /// `https://NAME.openai.azure.com`, `http://127.0.0.1:8080/v1`.
    pub url: String,
    /// The model, or Azure's deployment; the one of the agent that is asked where none is named.
    pub model: Option<String>,
    /// The version of Azure's protocol.
    pub api_version: String,
    /// Where the credential comes from; none for a server that wants none.
    pub credential: Option<SecretSource>,
    /// Whether Azure is given the credential as a bearer's token, as for Entra.
    pub bearer: bool,
    /// What is said to the model before each query. `{agent_name}`, `{model}` and the other places of a body
    /// are filled.
    pub system: Option<String>,
    /// Further fields of the request: `max_tokens`, `temperature`.
    pub parameters: Map<String, Value>,
    /// From sending a request to the end of its reply, at the most.
    pub timeout_seconds: f64,
    /// Whether the server may be on another machine.
    pub allow_beyond_loopback: bool,
    /// Requests a second to a server on another machine.
    pub requests_per_second_max: Option<f64>,
    /// Certificates (PEM) of authorities that are trusted instead of the system's.
    pub ca_file: Option<PathBuf>,
}

impl Default for ChatSettings {
    fn default() -> Self {
        Self {
            api: Api::default(),
            url: String::new(),
            model: None,
            api_version: API_VERSION_DEFAULT.to_owned(),
            credential: None,
            bearer: false,
            system: None,
            parameters: Map::new(),
            timeout_seconds: TIMEOUT_DEFAULT.as_secs_f64(),
            allow_beyond_loopback: false,
            requests_per_second_max: None,
            ca_file: None,
        }
    }
}

impl ChatSettings {
    /// The same as a request by HTTP.
    fn http(&self) -> HttpSettings {
        HttpSettings {
            url: self.url_of_completions(),
            method: "POST".to_owned(),
            headers: BTreeMap::from([("Content-Type".to_owned(), "application/json".to_owned())]),
            secret_headers: self.secret_header().into_iter().collect(),
            body: self.body(),
            timeout_seconds: self.timeout_seconds,
            allow_beyond_loopback: self.allow_beyond_loopback,
            requests_per_second_max: self.requests_per_second_max,
            ca_file: self.ca_file.clone(),
            ..HttpSettings::default()
        }
    }

    /// The model's name, or the place for it.
    fn model(&self) -> &str {
        self.model.as_deref().unwrap_or("{model}")
    }

    fn url_of_completions(&self) -> String {
        let (base, model, version) = (self.url.trim_end_matches('/'), self.model(), &self.api_version);
        match self.api {
            Api::Openai => format!("{base}/chat/completions"),
            Api::Azure => {
                format!("{base}/openai/deployments/{model}/chat/completions?api-version={version}")
            }
        }
    }

    fn secret_header(&self) -> Option<(String, SecretHeader)> {
        let source = self.credential.clone()?;
        let (name, prefix) = match (self.api, self.bearer) {
            (Api::Azure, false) => ("api-key", ""),
            _ => ("Authorization", "Bearer "),
        };
        Some((name.to_owned(), SecretHeader { source, prefix: prefix.to_owned() }))
    }

    fn body(&self) -> String {
        let said = |role: &str, content: &str| json!({"role": role, "content": content});
        let system = self.system.iter().map(|system| said("system", system));
        let messages: Vec<Value> = system.chain([said("user", "{query}")]).collect();
        let mut body = self.parameters.clone();
        if self.api == Api::Openai {
            body.insert("model".to_owned(), self.model().into());
        }
        body.insert("messages".to_owned(), messages.into());
        Value::Object(body).to_string()
    }
}

/// A service that completes chats.
#[derive(Debug)]
pub struct ChatTarget {
    http: HttpTarget,
}

impl ChatTarget {
    /// The target of a configuration.
    ///
    /// # Errors
    /// When there can be no such requests, or a credential is not there.
    pub fn new(settings: &ChatSettings, clock: Arc<dyn Clock>) -> Result<Self, Complaint> {
        for field in ["messages", "stream", "n"] {
            if settings.parameters.contains_key(field) {
                let what = format!("the parameter `{field}` of a chat target is not for choosing");
                return Err(Complaint::new(
                    what,
                    "Remove it: one whole answer to one query is what is asked.",
                ));
            }
        }
        Ok(Self { http: HttpTarget::new(&settings.http(), clock)? })
    }
}

impl Target for ChatTarget {
    type Lane = ChatLane;

    fn lane(&self) -> ChatLane {
        ChatLane { http: self.http.lane() }
    }

    async fn validate(&self) -> Result<(), Complaint> {
        self.http.validate().await
    }

    fn timeout(&self) -> Duration {
        self.http.timeout()
    }

    fn cap(&self) -> Option<&RateCap> {
        self.http.cap()
    }
}

/// A lane to a service that completes chats.
#[derive(Debug)]
pub struct ChatLane {
    http: HttpLane,
}

impl Lane for ChatLane {
    async fn ask(&mut self, ask: &Ask, deadline: Duration) -> Answer {
        match self.http.exchange(ask, deadline).await {
            Ok(reply) => read(&reply, ask.kind),
            Err(failure) => failure.answer(),
        }
    }
}

// ---- replies ----------------------------------------------------------------------------------

#[derive(Deserialize)]
struct Completion {
    choices: Vec<Choice>,
}

#[derive(Deserialize)]
struct Choice {
    message: Option<Message>,
    finish_reason: Option<String>,
}

#[derive(Deserialize, Default)]
struct Message {
    content: Option<Content>,
    refusal: Option<String>,
}

/// What is said: in one piece, or in several.
#[derive(Deserialize)]
#[serde(untagged)]
enum Content {
    Whole(String),
    Parts(Vec<Part>),
}

#[derive(Deserialize)]
struct Part {
    #[serde(default)]
    text: String,
}

impl Content {
    fn text(self) -> String {
        match self {
            Content::Whole(text) => text,
            Content::Parts(parts) => parts.into_iter().map(|part| part.text).collect(),
        }
    }
}

/// Why a request was turned down, in the provider's words.
#[derive(Deserialize)]
struct Denied {
    error: DeniedError,
}

#[derive(Deserialize)]
struct DeniedError {
    /// A word; other servers write their status here, as a number.
    #[serde(default)]
    code: Value,
    #[serde(default)]
    message: Value,
    innererror: Option<InnerError>,
}

#[derive(Deserialize)]
struct InnerError {
    #[serde(default)]
    code: Value,
}

impl DeniedError {
    fn is_by_filter(&self) -> bool {
        let inner = self.innererror.as_ref().and_then(|inner| inner.code.as_str());
        self.code.as_str() == Some("content_filter") || inner == Some("ResponsibleAIPolicyViolation")
    }
}

/// What a reply to a query of a kind says.
fn read(reply: &Reply, kind: Kind) -> Answer {
    let mut answer = match reply.status {
        200..300 => completion(reply),
        400..500 => denial(reply),
        _ => failed(reply.answer(), reply.status, ""),
    };
    if answer.content_filter && kind == Kind::Operations && answer.failure.is_none() {
        answer.failure = Some(failure(FailureKind::Unexpected, "the provider's content filter stopped it"));
    }
    answer
}

fn completion(reply: &Reply) -> Answer {
    let status = Some(reply.status);
    let malformed =
        |error: String| Answer { failure: Some(failure(FailureKind::Malformed, error)), ..reply.answer() };
    let completion: Completion = match serde_json::from_slice(&reply.body) {
        Ok(completion) => completion,
        Err(_) if reply.body.is_empty() => {
            let failure = failure(FailureKind::Empty, "a status of success, and nothing said");
            return Answer { status, ..failure.answer() };
        }
        Err(error) => return malformed(format!("not a chat completion: {error}")),
    };
    let Some(choice) = completion.choices.into_iter().next() else {
        return malformed("a chat completion without a choice".to_owned());
    };
    let Message { content, refusal } = choice.message.unwrap_or_default();
    let refusal = refusal.filter(|refusal| !refusal.is_empty());
    let text = content.map(Content::text).unwrap_or_default() + refusal.as_deref().unwrap_or_default();
    let reason = choice.finish_reason.as_deref();
    let content_filter = reason == Some("content_filter");
    let mut answer = Answer { status, is_refusal: refusal.is_some(), content_filter, ..saying(&text) };
    answer.is_cut |= reason == Some("length");
    if answer.text.trim().is_empty() && !answer.content_filter && !answer.is_refusal {
        let reason = reason.map(|reason| format!(" ({})", shown(reason))).unwrap_or_default();
        answer.failure = Some(failure(FailureKind::Empty, format!("a choice that says nothing{reason}")));
    }
    answer
}

/// A status of 4xx: what the provider's filter stopped, or a failure.
fn denial(reply: &Reply) -> Answer {
    let denied = serde_json::from_slice::<Denied>(&reply.body).ok().map(|denied| denied.error);
    let message = denied.as_ref().and_then(|error| error.message.as_str()).unwrap_or_default();
    match (&denied, reply.status) {
        (Some(error), _) if error.is_by_filter() => {
            Answer { status: Some(reply.status), content_filter: true, ..saying(message) }
        }
        // Some repeat the credential that they did not like.
        (_, 401 | 403) => {
            failed(Answer { status: Some(reply.status), ..Answer::default() }, reply.status, "")
        }
        _ => failed(reply.answer(), reply.status, message),
    }
}

/// An answer that failed for its status, unless it is known already how.
fn failed(mut answer: Answer, status: u16, message: &str) -> Answer {
    answer.failure.get_or_insert_with(|| {
        let message = if message.is_empty() { String::new() } else { format!(": {}", shown(message)) };
        failure(FailureKind::Status, format!("the status is {status}{message}"))
    });
    answer
}

fn failure(kind: FailureKind, error: impl Into<String>) -> Failure {
    Failure { kind, error: error.into() }
}

fn saying(text: &str) -> Answer {
    Answer {
        text: beginning(text.as_bytes()),
        length: characters(text.as_bytes()),
        is_cut: text.len() > ANSWER_BYTES_KEPT,
        ..Answer::default()
    }
}

/// A provider's words, in one line.
fn shown(words: &str) -> String {
    words.chars().map(|one| if one.is_control() { ' ' } else { one }).take(MESSAGE_CHARS_MAX).collect()
}

#[cfg(test)]
mod tests {
    use super::super::scripted::{Heard, Move, ScriptedServer, reply};
    use super::*;
    use crate::clock::SystemClock;
    use crate::send::Subject;

    /// Far away: what a test waits for is something else.
    const LATER: Duration = Duration::from_secs(600);

    fn ask(kind: Kind) -> Ask {
        let subject =
            Subject { name: "Ada \"A\"".to_owned(), model: "gpt-small".to_owned(), ..Subject::default() };
        Ask { kind, number: 0, subject: Arc::new(subject), case: None, query: "What's \"up\"?\n".into() }
    }

    /// What is made of a reply to a guardrail test.
    fn read_of(status: u16, body: &str) -> Answer {
        read(&Reply { status, body: body.to_owned().into(), retry_after: None }, Kind::Guardrails)
    }

    fn choice(message: Value, reason: &str) -> String {
        json!({"choices": [{"index": 0, "message": message, "finish_reason": reason}]}).to_string()
    }

    fn kind_of(answer: &Answer) -> Option<FailureKind> {
        answer.failure.as_ref().map(|failure| failure.kind)
    }

    async fn heard(change: impl FnOnce(&mut ChatSettings)) -> (Heard, Answer) {
        let body = choice(json!({"role": "assistant", "content": "Fine."}), "stop");
        let server = ScriptedServer::start(vec![Move::Say(reply(200, "", &body))]).await;
        let mut settings =
            ChatSettings { url: format!("http://{}/v1/", server.address), ..ChatSettings::default() };
        change(&mut settings);
        let target = ChatTarget::new(&settings, Arc::new(SystemClock::start())).unwrap();
        let answer = target.lane().ask(&ask(Kind::Operations), LATER).await;
        (server.heard().remove(0), answer)
    }

    fn key_file(key: &str) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), key).unwrap();
        file
    }

    #[tokio::test]
    async fn a_query_is_asked_in_the_form_of_openai() {
        let file = key_file("sesame\n");
        let (heard, answer) = heard(|settings| {
            settings.credential = Some(SecretSource::File(file.path().to_owned()));
            settings.system = Some("You are {agent_name}.".to_owned());
            settings.parameters = json!({"max_tokens": 200}).as_object().unwrap().clone();
        })
        .await;
        assert_eq!((answer.text.as_str(), answer.failure, answer.status), ("Fine.", None, Some(200)));
        assert!(heard.head.starts_with("POST /v1/chat/completions HTTP/1.1\r\n"), "{}", heard.head);
        assert!(heard.head.contains("authorization: Bearer sesame\r\n"), "{}", heard.head);
        let body: Value = serde_json::from_slice(&heard.body).unwrap();
        let messages = json!([
            {"role": "system", "content": "You are Ada \"A\"."},
            {"role": "user", "content": "What's \"up\"?\n"},
        ]);
        assert_eq!(body, json!({"model": "gpt-small", "max_tokens": 200, "messages": messages}));
    }

    #[tokio::test]
    async fn a_query_is_asked_in_the_form_of_azure() {
        let file = key_file("sesame");
        let (asked, _) = heard(|settings| {
            settings.api = Api::Azure;
            settings.url = settings.url.replace("/v1/", "");
            settings.credential = Some(SecretSource::File(file.path().to_owned()));
        })
        .await;
        let path = "POST /openai/deployments/gpt-small/chat/completions?api-version=2024-10-21 HTTP/1.1\r\n";
        assert!(asked.head.starts_with(path), "{}", asked.head);
        assert!(asked.head.contains("api-key: sesame\r\n"), "{}", asked.head);
        assert_eq!(serde_json::from_slice::<Value>(&asked.body).unwrap()["model"], Value::Null);
        let (asked, _) = heard(|settings| {
            settings.api = Api::Azure;
            settings.credential = Some(SecretSource::File(file.path().to_owned()));
            settings.bearer = true;
            settings.model = Some("other".to_owned());
        })
        .await;
        assert!(asked.head.contains("/deployments/other/"), "{}", asked.head);
        assert!(asked.head.contains("authorization: Bearer sesame\r\n"), "{}", asked.head);
    }

    #[test]
    fn what_is_said_is_the_content_in_one_piece_or_in_several() {
        let whole = read_of(200, &choice(json!({"content": "Good day.", "refusal": null}), "stop"));
        assert_eq!((whole.text.as_str(), whole.length, whole.failure), ("Good day.", 9, None));
        assert!(!whole.is_refusal && !whole.is_cut && !whole.content_filter);
        let parts = json!({"content": [{"type": "text", "text": "Good "}, {"type": "text", "text": "day."}]});
        assert_eq!(read_of(200, &choice(parts, "stop")).text, "Good day.");
    }

    #[test]
    fn what_the_provider_says_beside_it_is_kept() {
        let refused = read_of(200, &choice(json!({"content": null, "refusal": "Nein."}), "stop"));
        assert_eq!((refused.text.as_str(), refused.is_refusal, refused.failure), ("Nein.", true, None));
        let cut = read_of(200, &choice(json!({"content": "Once upon"}), "length"));
        assert!(cut.is_cut && cut.failure.is_none());
        let filtered = read_of(200, &choice(json!({"content": ""}), "content_filter"));
        assert!(filtered.content_filter && filtered.failure.is_none());
        let filtered = read_of(200, r#"{"choices": [{"finish_reason": "content_filter"}]}"#);
        assert!(filtered.content_filter && filtered.failure.is_none());
        let long = read_of(200, &choice(json!({"content": "x".repeat(ANSWER_BYTES_KEPT + 1)}), "stop"));
        assert_eq!((long.is_cut, long.length), (true, ANSWER_BYTES_KEPT as u64 + 1));
    }

    #[test]
    fn a_request_that_the_filter_stopped_is_told_from_a_bad_one() {
        for error in [
            json!({"code": "content_filter", "message": "The prompt was filtered.", "status": 400}),
            json!({"code": null, "message": "The prompt was filtered.",
                "innererror": {"code": "ResponsibleAIPolicyViolation"}}),
        ] {
            let answer = read_of(400, &json!({"error": error}).to_string());
            assert!(answer.content_filter && answer.failure.is_none(), "{answer:?}");
            assert_eq!(answer.text, "The prompt was filtered.");
        }
        for body in [
            "",
            "Bad Request",
            "{}",
            r#"{"error": "content_filter"}"#,
            r#"{"error": {"code": "invalid_request_error", "message": "content_filter"}}"#,
            r#"{"error": {"code": 400, "message": "no such field"}}"#,
        ] {
            let answer = read_of(400, body);
            assert!(!answer.content_filter, "{body}");
            assert_eq!(kind_of(&answer), Some(FailureKind::Status), "{body}");
        }
        let said = read_of(400, r#"{"error": {"code": 400, "message": "no such\nfield"}}"#).failure.unwrap();
        assert_eq!(said.error, "the status is 400: no such field");
    }

    #[test]
    fn a_filter_fails_an_operation() {
        let body = choice(json!({"content": ""}), "content_filter");
        let reply = Reply { status: 200, body: body.into(), retry_after: None };
        assert_eq!(kind_of(&read(&reply, Kind::Operations)), Some(FailureKind::Unexpected));
        assert_eq!(kind_of(&read(&reply, Kind::Guardrails)), None);
    }

    #[test]
    fn what_is_no_completion_is_a_failure_and_told_apart() {
        for (status, body, kind) in [
            (200, "", FailureKind::Empty),
            (200, "not JSON", FailureKind::Malformed),
            (200, r#"{"choices": "#, FailureKind::Malformed),
            (200, r#"{"choices": []}"#, FailureKind::Malformed),
            (200, r#"{"error": {"code": "content_filter"}}"#, FailureKind::Malformed),
            (200, r#"{"choices": [{"message": {"content": 7}}]}"#, FailureKind::Malformed),
            (
                200,
                r#"{"choices": [{"message": {"content": " "}, "finish_reason": "stop"}]}"#,
                FailureKind::Empty,
            ),
            (
                200,
                r#"{"choices": [{"message": {"tool_calls": []}, "finish_reason": "tool_calls"}]}"#,
                FailureKind::Empty,
            ),
            (302, "", FailureKind::Status),
            (404, r#"{"error": {"code": "DeploymentNotFound", "message": "no"}}"#, FailureKind::Status),
            (429, r#"{"error": {"code": "429", "message": "slower"}}"#, FailureKind::RateLimited),
            (500, "", FailureKind::Status),
            (503, "", FailureKind::Unavailable),
        ] {
            assert_eq!(kind_of(&read_of(status, body)), Some(kind), "{status} {body}");
        }
    }

    #[test]
    fn a_credential_that_a_provider_repeats_goes_nowhere() {
        for status in [401, 403] {
            let answer = read_of(status, r#"{"error": {"message": "Incorrect API key provided: sesame"}}"#);
            assert!(!format!("{answer:?}").contains("sesame"), "{answer:?}");
            assert_eq!(kind_of(&answer), Some(FailureKind::Status));
        }
    }

    #[test]
    fn settings_are_read_from_a_few_lines_and_what_is_not_for_choosing_is_refused() {
        let settings: ChatSettings = toml::from_str(
            "api = \"azure\"\nurl = \"http://127.0.0.1:1\"\ncredential = { env = \"WORLD_TEST_NO_KEY\" }\n\
             [parameters]\nmax_tokens = 100\ntemperature = 0.5",
        )
        .unwrap();
        assert_eq!(settings.parameters["temperature"], 0.5);
        let complaint = ChatTarget::new(&settings, Arc::new(SystemClock::start())).unwrap_err();
        assert!(complaint.what.contains("WORLD_TEST_NO_KEY"), "{complaint}");
        let settings = ChatSettings {
            url: "http://127.0.0.1:1".to_owned(),
            parameters: json!({"stream": true}).as_object().unwrap().clone(),
            ..ChatSettings::default()
        };
        let complaint = ChatTarget::new(&settings, Arc::new(SystemClock::start())).unwrap_err();
        assert!(complaint.what.contains("`stream`"), "{complaint}");
    }
}
