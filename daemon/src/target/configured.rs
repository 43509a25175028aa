//! From what a configuration says of its target to the settings of one.

use super::{API_VERSION_DEFAULT, Api, ChatSettings, Expectation, HttpSettings, SecretHeader, SecretSource};
use days::config::settings::ChatApi;
use days::config::{Config, secret};
use serde_json::Map;
use std::path::PathBuf;

impl HttpSettings {
    /// Those of a configuration whose target is an HTTP endpoint; `None` where it is something else.
    pub fn of(config: &Config) -> Option<Self> {
        let target = &config.settings.target;
        let http = target.http.as_ref()?;
        let header = target.credential_header.as_deref().unwrap_or("authorization");
        let secret_header = config.credential.as_ref().map(|source| {
            let prefix = if header.eq_ignore_ascii_case("authorization") { "Bearer " } else { "" };
            (header.to_owned(), SecretHeader { source: source.into(), prefix: prefix.to_owned() })
        });
        Some(Self {
            url: http.url.clone(),
            method: http.method.clone(),
            headers: http.headers.clone(),
            secret_headers: secret_header.into_iter().collect(),
            body: http.body.clone(),
            expect: Expectation {
                statuses: http.expected_status.clone(),
                text: http.expected_text.clone(),
                may_be_empty: http.may_be_empty,
            },
            timeout_seconds: target.timeout_seconds,
            allow_beyond_loopback: target.allow_beyond_loopback,
            requests_per_second_max: Some(target.requests_per_second_max),
            ca_file: target.ca_file.as_ref().map(PathBuf::from),
        })
    }
}

impl ChatSettings {
    /// Those of a configuration whose target is a chat endpoint; `None` where it is something else.
    pub fn of(config: &Config) -> Option<Self> {
        let target = &config.settings.target;
        let chat = target.chat.as_ref()?;
        let header = target.credential_header.as_deref();
        let mut parameters = Map::new();
        parameters.extend(chat.max_tokens.map(|tokens| ("max_tokens".to_owned(), tokens.into())));
        parameters.extend(chat.temperature.map(|degree| ("temperature".to_owned(), degree.into())));
        Some(Self {
            api: match chat.api {
                ChatApi::Openai => Api::Openai,
                ChatApi::Azure => Api::Azure,
            },
            url: chat.url.clone(),
            model: chat.model.clone(),
            api_version: chat.api_version.clone().unwrap_or_else(|| API_VERSION_DEFAULT.to_owned()),
            credential: config.credential.as_ref().map(SecretSource::from),
            bearer: header.is_some_and(|header| header.eq_ignore_ascii_case("authorization")),
            system: chat.system.clone(),
            parameters,
            timeout_seconds: target.timeout_seconds,
            allow_beyond_loopback: target.allow_beyond_loopback,
            requests_per_second_max: Some(target.requests_per_second_max),
            ca_file: target.ca_file.as_ref().map(PathBuf::from),
        })
    }
}

impl From<&secret::SecretSource> for SecretSource {
    fn from(source: &secret::SecretSource) -> Self {
        match source {
            secret::SecretSource::Environment(name) => SecretSource::Env(name.clone()),
            secret::SecretSource::File(path) => SecretSource::File(path.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use std::collections::BTreeMap;

    fn config(text: &str) -> Config {
        days::config::parse("c.toml", text).unwrap_or_else(|wrong| panic!("{text}\n{wrong:#?}")).config
    }

    #[test]
    fn every_key_of_an_http_target_reaches_its_settings() {
        let text = r#"
            [target]
            kind = "http"
            timeout_seconds = 2.5
            allow_beyond_loopback = true
            requests_per_second_max = 4
            credential = "env:KEY"
            ca_file = "ca.pem"
            [target.http]
            url = "http://example.com/{query}"
            method = "PUT"
            headers = { accept = "text/plain" }
            body = "b"
            expected_status = [201, 204]
            expected_text = "good"
            may_be_empty = true
        "#;
        let bearer =
            SecretHeader { source: SecretSource::Env("KEY".to_owned()), prefix: "Bearer ".to_owned() };
        let expected = HttpSettings {
            url: "http://example.com/{query}".to_owned(),
            method: "PUT".to_owned(),
            headers: BTreeMap::from([("accept".to_owned(), "text/plain".to_owned())]),
            secret_headers: BTreeMap::from([("authorization".to_owned(), bearer)]),
            body: "b".to_owned(),
            expect: Expectation {
                statuses: vec![201, 204],
                text: Some("good".to_owned()),
                may_be_empty: true,
            },
            timeout_seconds: 2.5,
            allow_beyond_loopback: true,
            requests_per_second_max: Some(4.0),
            ca_file: Some("ca.pem".into()),
        };
        assert_eq!(HttpSettings::of(&config(text)), Some(expected));
    }

    #[test]
    fn every_key_of_a_chat_target_reaches_its_settings() {
        let text = r#"
            [target]
            kind = "chat"
            timeout_seconds = 90
            allow_beyond_loopback = true
            requests_per_second_max = 4
            credential = "file:/run/key"
            credential_header = "Authorization"
            ca_file = "ca.pem"
            [target.chat]
            url = "https://example.com"
            api = "azure"
            api_version = "2030-01-01"
            model = "m"
            system = "s"
            max_tokens = 9
            temperature = 0.5
        "#;
        let parameters = json!({ "max_tokens": 9, "temperature": 0.5 });
        let expected = ChatSettings {
            api: Api::Azure,
            url: "https://example.com".to_owned(),
            model: Some("m".to_owned()),
            api_version: "2030-01-01".to_owned(),
            credential: Some(SecretSource::File("/run/key".into())),
            bearer: true,
            system: Some("s".to_owned()),
            parameters: parameters.as_object().cloned().unwrap_or_default(),
            timeout_seconds: 90.0,
            allow_beyond_loopback: true,
            requests_per_second_max: Some(4.0),
            ca_file: Some("ca.pem".into()),
        };
        assert_eq!(ChatSettings::of(&config(text)), Some(expected));
    }

    #[test]
    fn a_header_of_its_own_carries_the_credential_alone() {
        let text = "[target]\nkind = 'http'\ncredential = 'env:KEY'\ncredential_header = 'api-key'\nhttp = { url = 'http://localhost/' }";
        let headers = HttpSettings::of(&config(text)).map(|settings| settings.secret_headers);
        let alone = SecretHeader { source: SecretSource::Env("KEY".to_owned()), prefix: String::new() };
        assert_eq!(headers, Some(BTreeMap::from([("api-key".to_owned(), alone)])));
    }

    #[test]
    fn a_target_of_another_kind_has_no_such_settings() {
        let config = Config::default();
        assert_eq!((HttpSettings::of(&config), ChatSettings::of(&config)), (None, None));
    }
}
