//! What is asked and who is told: kinds, URLs, credentials. Nothing of a secret is told in a message, not even
//! of one that stands where it should not.

use super::Address;
use super::check::{Look, line};
use super::secret::{self, SecretSource};
use super::settings::{ChatApi, ChatTarget, HttpTarget, Target, TargetKind, WorldTarget};
use super::url::Url;
use documents::findings::quoted;
use documents::key_path::KeyPath;
use std::net::SocketAddr;

/// Where things are, as far as the configuration says.
pub(super) struct Places {
    pub(super) credential: Option<SecretSource>,
    pub(super) webhook: Option<Address>,
    pub(super) ping: Option<Address>,
    pub(super) metrics: Option<SocketAddr>,
}

pub(super) fn check(look: &mut Look<'_>) -> Places {
    let target = &look.settings.target;
    let table = KeyPath::top("target");
    of_its_kind(look, &table);
    if let (TargetKind::Http, Some(http)) = (target.kind, &target.http) {
        http_target(look, &table.key("http"), http);
    }
    if let (TargetKind::Chat, Some(chat)) = (target.kind, &target.chat) {
        chat_target(look, &table.key("chat"), chat);
    }
    let world = &target.world;
    line(look, table.key("world").key("world"), &world.world);
    texts(look);
    let notify = &look.settings.notify;
    Places {
        credential: credential(look, &table),
        webhook: address(look, "webhook_url", notify.webhook_url.as_deref()),
        ping: address(look, "ping_url", notify.ping_url.as_deref()),
        metrics: metrics(look),
    }
}

/// A target has the tables and keys of its own kind, and of others at most what holds without them.
fn of_its_kind(look: &mut Look<'_>, table: &KeyPath) {
    let target = &look.settings.target;
    let kind = target.kind.word();
    for other in [TargetKind::World, TargetKind::Http, TargetKind::Chat] {
        let (path, word) = (table.key(other.word()), other.word());
        let is_there = match other {
            TargetKind::World => target.world != WorldTarget::default(),
            TargetKind::Http => target.http.is_some(),
            TargetKind::Chat => target.chat.is_some(),
        };
        let is_own = other == target.kind;
        if is_there && !is_own {
            let message = format!("[target.{word}] does nothing while the kind of target is `{kind}`");
            look.error(path, message, format!("set `kind` to \"{word}\", or leave the table out"));
        } else if is_own && !is_there && other != TargetKind::World {
            let message = format!("a target of the kind `{kind}` needs a table [target.{kind}]");
            look.error(table.key("kind"), message, "say in it as `url` where it is");
        }
    }
    if target.kind == TargetKind::World {
        for key in keys_of_endpoints(target) {
            let message = format!("`{key}` does nothing while the kind of target is `world`");
            look.error(table.key(key), message, "leave it out");
        }
    }
}

/// Keys that only endpoints have, as far as they are not as they are by default.
fn keys_of_endpoints(target: &Target) -> Vec<&'static str> {
    let default = Target::default();
    let keys = [
        ("allow_beyond_loopback", target.allow_beyond_loopback != default.allow_beyond_loopback),
        ("requests_per_second_max", target.requests_per_second_max != default.requests_per_second_max),
        ("credential", target.credential.is_some()),
        ("credential_header", target.credential_header.is_some()),
        ("ca_file", target.ca_file.is_some()),
    ];
    keys.into_iter().filter(|(_, is_set)| *is_set).map(|(key, _)| key).collect()
}

fn http_target(look: &mut Look<'_>, table: &KeyPath, http: &HttpTarget) {
    let may_leave = look.settings.target.allow_beyond_loopback;
    url(look, table.key("url"), &http.url, may_leave);
    if !is_token(&http.method) || http.method.chars().any(|c| c.is_ascii_lowercase()) {
        let message = format!("`{}` is no method", quoted(&http.method));
        look.error(table.key("method"), message, "methods are written in capitals, as GET or POST");
    }
    let headers = table.key("headers");
    for (name, value) in &http.headers {
        let path = headers.key(name);
        if !is_token(name) {
            look.findings.error(path, format!("`{}` is no name for a header", quoted(name)));
        } else if secret::is_named_as_one(name) {
            look.error(path, format!("the header `{}` carries a secret", quoted(name)), secret::CURE);
        } else if value.chars().any(char::is_control) {
            look.findings.error(path, format!("the header `{}` holds a control character", quoted(name)));
        }
    }
    if http.expected_text.as_deref().is_some_and(str::is_empty) {
        let path = table.key("expected_text");
        look.error(path, "every answer holds an empty text", "leave it out where any answer is a success");
    }
}

fn chat_target(look: &mut Look<'_>, table: &KeyPath, chat: &ChatTarget) {
    let target = &look.settings.target;
    url(look, table.key("url"), &chat.url, target.allow_beyond_loopback);
    if chat.url.contains(['?', '#', '{']) {
        let hint = "write it without a query and without places: what the protocol needs is added to it";
        look.error(table.key("url"), "`url` has more than a path", hint);
    }
    for (key, text) in [("model", &chat.model), ("api_version", &chat.api_version)] {
        if let Some(text) = text {
            line(look, table.key(key), text);
        }
    }
    if chat.api == ChatApi::Openai && chat.api_version.is_some() {
        let message = "`api_version` does nothing while `api` is `openai`";
        look.error(table.key("api_version"), message, "leave it out, or set `api` to \"azure\"");
    }
    let headers: &[&str] = match chat.api {
        ChatApi::Openai => &["authorization"],
        ChatApi::Azure => &["api-key", "authorization"],
    };
    let is_one = |header: &String| headers.iter().any(|known| known.eq_ignore_ascii_case(header));
    if let Some(header) = target.credential_header.as_ref().filter(|header| !is_one(header)) {
        let message = format!("no such chat takes its credential as `{}`", quoted(header));
        let hint = format!("it is taken as {}", headers.join(" or as "));
        look.error(KeyPath::top("target").key("credential_header"), message, hint);
    }
}

/// A URL that may be used: nothing in it is secret, and it leads to this machine or may leave it.
fn url(look: &mut Look<'_>, path: KeyPath, text: &str, may_leave: bool) {
    let key = path.last_key().to_owned();
    match Url::of(text) {
        None => {
            look.error(
                path,
                format!("`{key}` is no URL"),
                "write it as http://host:port/path, or with https://",
            );
        }
        Some(url) if url.holds_secret() => {
            look.error(path, format!("`{key}` carries a secret"), secret::CURE);
        }
        Some(url) if !url.is_loopback() && !may_leave => {
            let hint = "set `allow_beyond_loopback` to true if its owner agrees";
            look.error(path, format!("`{key}` leads beyond this machine"), hint);
        }
        Some(_) => {}
    }
}

fn credential(look: &mut Look<'_>, table: &KeyPath) -> Option<SecretSource> {
    let target = &look.settings.target;
    let header = table.key("credential_header");
    match &target.credential_header {
        Some(name) if !is_token(name) => {
            look.findings.error(header, format!("`{}` is no name for a header", quoted(name)));
        }
        Some(_) if target.credential.is_none() => {
            let message = "`credential_header` does nothing without `credential`";
            look.error(header, message, "give that as well, or leave it out");
        }
        _ => {}
    }
    let source = target.credential.as_deref()?.parse().ok();
    if source.is_none() {
        look.error(
            table.key("credential"),
            "`credential` does not say where the credential is",
            secret::CURE,
        );
    }
    source
}

fn address(look: &mut Look<'_>, key: &str, text: Option<&str>) -> Option<Address> {
    let text = text?;
    if let Ok(source) = text.parse() {
        return Some(Address::Secret(source));
    }
    let path = KeyPath::top("notify").key(key);
    match Url::of(text) {
        Some(found) if found.holds_secret() => {
            let hint = "set it to \"env:NAME\" for an environment variable or to \"file:PATH\" for a file that holds the URL";
            look.error(path, format!("`{key}` carries a secret"), hint);
        }
        _ => url(look, path, text, look.settings.notify.allow_beyond_loopback),
    }
    Some(Address::Open(text.to_owned()))
}

fn metrics(look: &mut Look<'_>) -> Option<SocketAddr> {
    let text = look.settings.metrics.listen.as_deref()?;
    let path = KeyPath::top("metrics").key("listen");
    let address = text.parse::<SocketAddr>().ok();
    let hint = "give an address of this machine with a port, as 127.0.0.1:9464";
    match address {
        None => look.error(path, format!("`{}` is no address", quoted(text)), hint),
        Some(address) if !address.ip().to_canonical().is_loopback() => {
            look.error(path, format!("`{}` can be reached from other machines", quoted(text)), hint);
        }
        Some(_) => {}
    }
    address
}

/// Texts that name something, or are asked.
fn texts(look: &mut Look<'_>) {
    let settings = look.settings;
    let operations = KeyPath::top("operations");
    for (place, query) in settings.operations.queries.iter().enumerate() {
        if query.trim().is_empty() {
            look.findings.error(operations.key("queries").at(place), "the query is empty".to_owned());
        }
    }
    let suites = KeyPath::top("guardrails").key("suites");
    for (place, suite) in settings.guardrails.suites.iter().enumerate() {
        line(look, suites.at(place), suite);
        if settings.guardrails.suites[..place].contains(suite) {
            let message = format!("the suite `{}` is there twice", quoted(suite));
            look.findings.error(suites.at(place), message);
        }
    }
    let forecast = KeyPath::top("forecast");
    let files = [
        (KeyPath::top("target").key("ca_file"), &settings.target.ca_file),
        (operations.key("queries_file"), &settings.operations.queries_file),
        (forecast.key("features_file"), &settings.forecast.features_file),
        (forecast.key("model_file"), &settings.forecast.model_file),
    ];
    for (path, file) in files {
        if let Some(file) = file {
            line(look, path, file);
        }
    }
}

/// A word of HTTP: a method, the name of a header.
fn is_token(text: &str) -> bool {
    let is_letter = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.chars().all(is_letter)
}
