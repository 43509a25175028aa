//! A request's head, as far as two pages need it.

use std::net::IpAddr;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Request<'h> {
    /// The path, without a query.
    pub(super) path: &'h str,
    /// Whether only the head of the answer is wanted.
    pub(super) is_head: bool,
}

/// Why nothing is answered to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unfit {
    #[error("this is no request of HTTP/1.1")]
    Malformed,
    #[error("the request's head is too long")]
    TooLong,
    #[error("only GET and HEAD are answered")]
    Method,
    #[error("the request's Host is no name of this machine")]
    Host,
}

impl Unfit {
    /// The status line's end.
    pub(super) fn status(self) -> &'static str {
        match self {
            Unfit::Malformed => "400 Bad Request",
            Unfit::TooLong => "431 Request Header Fields Too Large",
            Unfit::Method => "405 Method Not Allowed",
            Unfit::Host => "403 Forbidden",
        }
    }
}

impl<'h> Request<'h> {
    /// Reads a head, without the empty line at its end.
    pub(super) fn read(head: &'h [u8]) -> Result<Self, Unfit> {
        let head = std::str::from_utf8(head).map_err(|_| Unfit::Malformed)?;
        let mut lines = head.split("\r\n");
        let mut words = lines.next().unwrap_or_default().split(' ');
        let (Some(method), Some(target), Some("HTTP/1.1" | "HTTP/1.0"), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Unfit::Malformed);
        };
        let mut hosts = Vec::new();
        for line in lines {
            let (name, value) = line.split_once(':').ok_or(Unfit::Malformed)?;
            if name.eq_ignore_ascii_case("host") {
                hosts.push(value.trim());
            }
        }
        let &[host] = hosts.as_slice() else { return Err(Unfit::Malformed) };
        if !is_of_this_machine(host) {
            return Err(Unfit::Host);
        }
        let is_head = match method {
            "GET" => false,
            "HEAD" => true,
            _ => return Err(Unfit::Method),
        };
        let path = target.split('?').next().unwrap_or(target);
        Ok(Self { path, is_head })
    }
}

/// Whether a `Host` is `localhost` or an address of the loopback network, with or without a port.
fn is_of_this_machine(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(address) => address.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_loopback = |address: IpAddr| address.to_canonical().is_loopback();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str) -> Result<Request<'_>, Unfit> {
        Request::read(head.as_bytes())
    }

    #[test]
    fn a_request_is_a_method_and_a_path() {
        let request = read("GET /metrics?x=1 HTTP/1.1\r\nAccept: */*\r\nhOST:  localhost:9464");
        assert_eq!(request, Ok(Request { path: "/metrics", is_head: false }));
        let request = read("HEAD /healthz HTTP/1.0\r\nHost: [::1]:1");
        assert_eq!(request, Ok(Request { path: "/healthz", is_head: true }));
        assert_eq!(read("POST /metrics HTTP/1.1\r\nHost: localhost"), Err(Unfit::Method));
    }

    #[test]
    fn what_is_no_request_is_told() {
        for head in [
            "",
            "GET",
            "GET /metrics",
            "GET /metrics HTTP/2",
            "GET  /metrics HTTP/1.1\r\nHost: localhost",
            "GET /metrics HTTP/1.1",
            "GET /metrics HTTP/1.1\r\nHost",
            "GET /metrics HTTP/1.1\r\nHost: localhost\r\nHost: localhost",
        ] {
            assert_eq!(read(head), Err(Unfit::Malformed), "{head:?}");
        }
        assert_eq!(Request::read(b"GET /\xff HTTP/1.1\r\nHost: localhost"), Err(Unfit::Malformed));
    }

    #[test]
    fn only_names_of_this_machine_are_answered() {
        for (host, is_answered) in [
            ("localhost", true),
            ("LocalHost:9464", true),
            ("127.0.0.1:9464", true),
            ("[::1]", true),
            ("rebound.example:9464", false),
            ("localhost.example", false),
            ("127.0.0.1.example", false),
            ("192.0.2.1", false),
            ("", false),
        ] {
            let head = format!("GET / HTTP/1.1\r\nHost: {host}");
            let expected =
                if is_answered { Ok(Request { path: "/", is_head: false }) } else { Err(Unfit::Host) };
            assert_eq!(read(&head), expected, "{host}");
        }
    }
}
