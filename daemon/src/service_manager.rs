//! What the daemon tells who looks after it: that it is ready, alive, or about to end.
//!
//! The protocol is that of `sd_notify(3)`: lines `NAME=VALUE` in a datagram to the socket that `NOTIFY_SOCKET`
//! names, by a path or, with `@` before it, by an abstract name. Where it names none nothing is told. Telling
//! never waits, and that it fails changes nothing: whoever listens draws his own conclusions.

use crate::clock::Clock;
use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;
use tracing::debug;

/// What is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum News<'n> {
    /// It has begun.
    Ready,
    /// It loads its configuration anew; [`News::Ready`] follows.
    Reloading,
    /// It is about to end.
    Stopping,
    /// It gets on.
    Alive,
    /// What it does, for people.
    Status(&'n str),
}

impl News<'_> {
    fn line(self) -> String {
        match self {
            News::Ready => "READY=1\n".to_owned(),
            News::Reloading => "RELOADING=1\n".to_owned(),
            News::Stopping => "STOPPING=1\n".to_owned(),
            News::Alive => "WATCHDOG=1\n".to_owned(),
            // A newline in it would begin something else that is told.
            News::Status(text) => format!("STATUS={}\n", text.replace(char::is_control, " ")),
        }
    }
}

/// Who looks after the daemon, if anybody does.
#[derive(Debug, Default)]
pub struct ServiceManager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// The one of this process's environment.
    pub fn of_environment() -> Self {
        let text = |name| std::env::var(name).ok();
        // Set for a process that has started this one, and not for this one, it is none of its business.
        let is_other = text("WATCHDOG_PID").is_some_and(|pid| pid != std::process::id().to_string());
        let watchdog = text("WATCHDOG_USEC").filter(|_| !is_other);
        let manager = Self::at(std::env::var_os("NOTIFY_SOCKET").as_deref(), watchdog.as_deref());
        manager.unwrap_or_else(|error| {
            debug!("the socket of NOTIFY_SOCKET cannot be used: {error}");
            Self::default()
        })
    }

    /// The one at a socket, who wants a sign of life within so many microseconds.
    ///
    /// # Errors
    /// If there can be no such socket.
    pub fn at(socket: Option<&OsStr>, watchdog_micros: Option<&str>) -> io::Result<Self> {
        let Some(name) = socket.map(OsStr::as_bytes).filter(|name| !name.is_empty()) else {
            return Ok(Self::default());
        };
        let address = match name {
            [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
            path => SocketAddr::from_pathname(OsStr::from_bytes(path))?,
        };
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        let watchdog = watchdog_micros.and_then(|micros| micros.parse().ok()).filter(|micros| *micros > 0);
        Ok(Self { socket: Some((socket, address)), watchdog: watchdog.map(Duration::from_micros) })
    }

    /// Tells it these, together.
    pub fn tell(&self, news: &[News<'_>]) {
        let Some((socket, address)) = &self.socket else { return };
        let text: String = news.iter().map(|news| news.line()).collect();
        if let Err(error) = socket.send_to_addr(text.as_bytes(), address) {
            debug!("the service manager could not be told: {error}");
        }
    }

    /// Says that the daemon is alive, twice in each span in which that is asked for, whenever it is well. Nothing
    /// is told to one who does not ask.
    pub async fn keep_assured(&self, clock: &dyn Clock, is_well: impl Fn() -> bool) {
        let Some(watchdog) = self.watchdog else { return };
        loop {
            if is_well() {
                self.tell(&[News::Alive]);
            }
            clock.until_steady(clock.steady() + watchdog / 2).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::SimulatedClock;
    use std::sync::atomic::{AtomicU32, Ordering};

    fn received(socket: &UnixDatagram) -> String {
        let mut bytes = [0; 4096];
        socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let length = loop {
            match socket.recv(&mut bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                received => break received.unwrap(),
            }
        };
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    }

    #[test]
    fn news_reach_a_socket_by_path_and_by_abstract_name() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let by_path = UnixDatagram::bind(&path).unwrap();
        let name = format!("world-test-notify-{}", std::process::id());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        let at_name = format!("@{name}");
        for (socket, at) in [(by_path, path.as_os_str()), (by_name, OsStr::new(&at_name))] {
            let manager = ServiceManager::at(Some(at), None).unwrap();
            manager.tell(&[News::Ready, News::Status("cycle 7\nMAINPID=1")]);
            assert_eq!(received(&socket), "READY=1\nSTATUS=cycle 7 MAINPID=1\n");
            manager.tell(&[News::Reloading]);
            manager.tell(&[News::Stopping]);
            assert_eq!(
                (received(&socket).as_str(), received(&socket).as_str()),
                ("RELOADING=1\n", "STOPPING=1\n")
            );
        }
    }

    #[test]
    fn where_nobody_listens_nothing_is_told_and_nothing_fails() {
        for socket in [None, Some(OsStr::new("")), Some(OsStr::new("/nowhere/at/all"))] {
            ServiceManager::at(socket, None).unwrap().tell(&[News::Ready]);
        }
        let long = "x".repeat(200);
        assert!(ServiceManager::at(Some(OsStr::new(&long)), None).is_err());
    }

    #[test]
    fn one_who_reads_nothing_holds_nobody_up() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let _unread = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(Some(path.as_os_str()), None).unwrap();
        (0..10_000).for_each(|_| manager.tell(&[News::Alive]));
    }

    #[tokio::test]
    async fn the_watchdog_hears_twice_a_span_of_a_daemon_that_is_well() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let manager = ServiceManager::at(Some(path.as_os_str()), Some("10000000")).unwrap();
        let clock = SimulatedClock::at("2026-03-29T00:00:00Z".parse().unwrap());
        let asked = AtomicU32::new(0);
        let is_well = || asked.fetch_add(1, Ordering::Relaxed) != 1;
        let four = async {
            while asked.load(Ordering::Relaxed) < 4 {
                tokio::task::yield_now().await;
                if asked.load(Ordering::Relaxed) < 4 {
                    clock.jump();
                }
            }
        };
        tokio::select! {
            () = manager.keep_assured(&clock, is_well) => panic!("it is asked for"),
            () = four => {}
        }
        socket.set_nonblocking(true).unwrap();
        let mut bytes = [0; 64];
        let told = std::iter::from_fn(|| socket.recv(&mut bytes).ok()).count();
        assert_eq!((told, clock.steady()), (3, Duration::from_secs(15)));
        ServiceManager::default().keep_assured(&clock, || panic!("nobody asks")).await;
    }
}
