//! What a configuration must know of a URL before anything is sent there: its scheme, and whose machine it
//! is on.

use super::secret;
use std::net::IpAddr;

/// The parts of a URL that are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Url<'t> {
    host: &'t str,
    has_user: bool,
    query: &'t str,
}

impl<'t> Url<'t> {
    /// Of a text that is one, `http://` or `https://` with a host. Some readers take a backslash for a slash, and
    /// so another host than others: there is none.
    pub(super) fn of(text: &'t str) -> Option<Self> {
        if text.chars().any(|c| c.is_control() || c == ' ' || c == '\\') {
            return None;
        }
        let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"))?;
        let (authority, after) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        let query = after.split_once('?').map_or("", |(_, query)| query);
        let (user, place) = authority.rsplit_once('@').unwrap_or(("", authority));
        let host = match place.strip_prefix('[') {
            Some(address) => address.split_once(']')?.0,
            None => place.split_once(':').map_or(place, |(host, _)| host),
        };
        let has_user = !user.is_empty() || authority.contains('@');
        (!host.is_empty()).then_some(Self { host, has_user, query })
    }

    /// Whether it leads to this machine, whatever a name server says.
    pub(super) fn is_loopback(&self) -> bool {
        match self.host.parse::<IpAddr>() {
            Ok(address) => address.to_canonical().is_loopback(),
            Err(_) => self.host.eq_ignore_ascii_case("localhost"),
        }
    }

    /// Whether a user, a password or a key stands in it.
    pub(super) fn holds_secret(&self) -> bool {
        let is_secret =
            |pair: &str| pair.split_once('=').is_some_and(|(key, _)| secret::is_named_as_one(key));
        self.has_user || self.query.split('&').any(is_secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (url, is_loopback) in [
            ("http://127.0.0.1:8080/x", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:80/", true),
            ("http://[::ffff:127.0.0.1]/", true),
            ("https://LOCALHOST?x", true),
            ("http://localhost.example.com/", false),
            ("http://127.0.0.1.example.com/", false),
            ("http://example.com/127.0.0.1", false),
            ("http://127.0.0.1@example.com/", false),
            ("http://127.0.0.1:80@example.com/", false),
            ("http://example.com@127.0.0.1/", true),
            ("http://10.0.0.1/", false),
            ("http://0.0.0.0/", false),
        ] {
            assert_eq!(Url::of(url).map(|url| url.is_loopback()), Some(is_loopback), "{url}");
        }
        for text in [
            "",
            "ftp://127.0.0.1",
            "127.0.0.1",
            "http://",
            "http:///x",
            "http://127.0.0.1\\@a",
            "http://a b/",
            "http://[::1/",
        ] {
            assert_eq!(Url::of(text), None, "{text}");
        }
    }

    #[test]
    fn secrets_in_a_url_are_seen() {
        for (url, holds_secret) in [
            ("http://user:word@a/", true),
            ("http://user@a/", true),
            ("http://a/?api-key=1", true),
            ("http://a/?x=1&access_token=1", true),
            ("http://a/?max_tokens=1&key=1", false),
            ("http://a/me@b", false),
        ] {
            assert_eq!(Url::of(url).map(|url| url.holds_secret()), Some(holds_secret), "{url}");
        }
    }
}
