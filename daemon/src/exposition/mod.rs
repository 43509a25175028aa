//! Figures for Prometheus (`/metrics`) and the state of health (`/healthz`), on this machine only.
//!
//! A hand-written HTTP/1.1 server for two pages: a request with a head of limited size, in limited time, on one
//! of a limited number of connections, each of which has one answer and is closed. Only names of this machine are
//! accepted as `Host`, so that no page in a browser gets at it by a name of its own (DNS rebinding). It changes
//! nothing, so there is nobody to be recognised.

mod figures;
mod of_daemon;
mod request;

pub use figures::{Family, Health, Kind, Sample, Snapshot};

use crate::clock::Clock;
use request::{Request, Unfit};
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tracing::debug;

/// Connections at once: a few scrapers, and somebody who looks on.
const CONNECTIONS_MAX: usize = 16;

/// Bytes of a request's head.
const HEAD_BYTES_MAX: usize = 8 * 1024;

/// From the beginning of a connection to its end.
const CONNECTION_TIME: Duration = Duration::from_secs(5);

/// After a connection that could not be accepted: descriptors come back no sooner.
const ACCEPT_WAIT: Duration = Duration::from_millis(200);

/// What there is to show, whenever somebody asks.
pub type Source = Arc<dyn Fn() -> Snapshot + Send + Sync>;

/// Listens at an address of this machine.
///
/// # Errors
/// If it is none, or is taken.
pub async fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if !address.ip().to_canonical().is_loopback() {
        let why = format!("{address} can be reached from other machines");
        return Err(io::Error::new(io::ErrorKind::InvalidInput, why));
    }
    TcpListener::bind(address).await
}

/// Serves for as long as this is awaited; whoever drops it ends all connections.
pub async fn serve(listener: TcpListener, clock: Arc<dyn Clock>, source: Source) {
    let mut connections = JoinSet::new();
    loop {
        while connections.try_join_next().is_some() {}
        if connections.len() >= CONNECTIONS_MAX {
            connections.join_next().await;
        }
        match listener.accept().await {
            Ok((stream, _)) => {
                let over = clock.until_steady(clock.steady() + CONNECTION_TIME);
                let source = Arc::clone(&source);
                connections.spawn(async move {
                    tokio::select! {
                        ended = converse(stream, &source) => {
                            if let Err(error) = ended {
                                debug!("a connection for figures failed: {error}");
                            }
                        }
                        () = over => debug!("a connection for figures took too long"),
                    }
                });
            }
            Err(error) => {
                debug!("a connection for figures could not be accepted: {error}");
                clock.until_steady(clock.steady() + ACCEPT_WAIT).await;
            }
        }
    }
}

async fn converse(mut stream: TcpStream, source: &Source) -> io::Result<()> {
    let head = read_head(&mut stream).await?;
    let request = head.as_deref().map_err(|unfit| *unfit).and_then(Request::read);
    stream.write_all(&answer(request, source)).await?;
    stream.shutdown().await?;
    // What is still on its way would make the system take the answer back.
    tokio::io::copy(&mut stream, &mut tokio::io::sink()).await.map(drop)
}

/// Reads to the end of the head. Nothing at all is no request, either.
async fn read_head(stream: &mut TcpStream) -> io::Result<Result<Vec<u8>, Unfit>> {
    let mut head = Vec::new();
    let mut bytes = [0; 1024];
    loop {
        let length = stream.read(&mut bytes).await?;
        if length == 0 {
            return Ok(Err(Unfit::Malformed));
        }
        // The end may have come in two parts.
        let looked_through = head.len().saturating_sub(3);
        head.extend_from_slice(&bytes[..length]);
        if let Some(end) = head[looked_through..].windows(4).position(|four| four == b"\r\n\r\n") {
            head.truncate(looked_through + end);
            return Ok(if head.len() > HEAD_BYTES_MAX { Err(Unfit::TooLong) } else { Ok(head) });
        }
        if head.len() > HEAD_BYTES_MAX {
            return Ok(Err(Unfit::TooLong));
        }
    }
}

fn answer(request: Result<Request<'_>, Unfit>, source: &Source) -> Vec<u8> {
    let (status, content_type, body, has_body) = match request {
        Err(unfit) => (unfit.status(), PLAIN, format!("{unfit}\n"), true),
        Ok(Request { path, is_head }) => {
            let (status, content_type, body) = page(path, source);
            (status, content_type, body, !is_head)
        }
    };
    let allow = if status.starts_with("405") { "Allow: GET, HEAD\r\n" } else { "" };
    let length = body.len();
    let mut answer = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n{allow}\
         Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n"
    );
    if has_body {
        answer.push_str(&body);
    }
    answer.into_bytes()
}

const PLAIN: &str = "text/plain; charset=utf-8";

fn page(path: &str, source: &Source) -> (&'static str, &'static str, String) {
    match path {
        "/metrics" => ("200 OK", "text/plain; version=0.0.4; charset=utf-8", source().to_string()),
        "/healthz" => match source().health {
            Health::Well => ("200 OK", PLAIN, "ok\n".to_owned()),
            Health::Unwell(why) => ("503 Service Unavailable", PLAIN, format!("{why}\n")),
        },
        _ => ("404 Not Found", PLAIN, "there are /metrics and /healthz\n".to_owned()),
    }
}

#[cfg(test)]
mod tests;
