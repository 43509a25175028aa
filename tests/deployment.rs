//! The daemon in the hands of those who look after it on a machine: supervisord, logrotate and systemd, by the texts
//! that `world daemon units` prints. Where one of them is missing its part is skipped, and says so.

mod support;

use rustix::process::{Pid, Signal, kill_process};
use std::collections::BTreeMap;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::net::UnixDatagram;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use support::daemon::{Living, QUICK, Site, assert_balanced, loads, number};
use support::running::{is_gone, wait_until};
use support::{Ended, World, skipped};

/// The unit for whoever runs this test.
fn unit(site: &Site, keeper: &str) -> String {
    let id = |option| {
        let output = Command::new("id").arg(option).output().expect("`id` is everywhere");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    let (user, group) = (id("-un"), id("-gn"));
    site.world(&format!("units {keeper} --user {user} --group {group}")).ends_with(0).out
}

/// A program of a machine's administration, whose directories are not in every path; `None` where it is missing.
fn tool(program: &str) -> Option<Command> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/sbin:/sbin";
    let directories = std::env::split_paths(&path);
    let found = directories.map(|directory| directory.join(program)).find(|file| file.is_file());
    found.map(Command::new)
}

/// A supervisord with the unit of a site, and with another program that never stays: how often that was started
/// says that supervisord has looked at the daemon since.
struct Supervisor {
    child: Child,
    site: Site,
}

impl Supervisor {
    /// `None`, with a message, where there is none.
    fn of(site: Site, claim: &str) -> Option<Self> {
        let (Some(mut supervisord), Some(_)) = (tool("supervisord"), tool("supervisorctl")) else {
            skipped("needs supervisord (`pip install supervisor`, or Debian's package)", claim);
            return None;
        };
        let directory = site.directory.path();
        let of = |name: &str| directory.join(name).display().to_string();
        let others = format!(
            "[supervisord]\nnodaemon=true\nlogfile={}\nlogfile_maxbytes=0\npidfile={}\n\
             [unix_http_server]\nfile={socket}\n[supervisorctl]\nserverurl=unix://{socket}\n\
             [rpcinterface:supervisor]\n\
             supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface\n\
             [program:other]\ncommand=/bin/true\nautorestart=true\nstartsecs=0\n",
            of("supervisord.log"),
            of("supervisord.pid"),
            socket = of("s"),
        );
        fs::create_dir_all(site.base()).expect("the base directory");
        fs::write(directory.join("supervisord.conf"), others + &unit(&site, "supervisord")).expect("a file");
        supervisord.arg("-c").arg(directory.join("supervisord.conf")).current_dir(directory);
        let child = supervisord.stdin(Stdio::null()).stdout(Stdio::null()).spawn().expect("it starts");
        let supervisor = Self { child, site };
        wait_until("supervisord answers", || supervisor.status().contains("world-daemon ").then_some(()));
        Some(supervisor)
    }

    fn control(&self, arguments: &str) -> Ended {
        let mut control = tool("supervisorctl").expect("it was there");
        control.arg("-c").arg(self.site.directory.path().join("supervisord.conf"));
        World::of(control).and(&arguments.split_whitespace().collect::<Vec<_>>()).run()
    }

    fn status(&self) -> String {
        self.control("status world-daemon").out
    }

    /// Waits until the daemon runs as another process than this.
    fn wait_for_another_than(&self, before: Option<Pid>) -> Pid {
        wait_until("the daemon runs", || {
            let status = self.status();
            let pid = status.contains(" RUNNING ").then(|| status.split_once("pid ")).flatten()?.1;
            let pid = Pid::from_raw(pid.split(',').next()?.parse().ok()?)?;
            (Some(pid) != before).then_some(pid)
        })
    }

    fn log(&self) -> String {
        fs::read_to_string(self.site.directory.path().join("supervisord.log")).unwrap_or_default()
    }

    fn times(&self, told: &str) -> usize {
        self.log().matches(told).count()
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}

/// Processes that work in a site's base directory.
fn processes_of(site: &Site) -> Vec<String> {
    let base = site.base().display().to_string();
    let processes = fs::read_dir("/proc").expect("/proc").flatten();
    let command = |process: fs::DirEntry| fs::read(process.path().join("cmdline")).ok();
    let commands = processes.filter_map(command).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    commands.filter(|command| command.contains(&base)).collect()
}

#[test]
fn supervisord_starts_a_killed_daemon_again_and_stops_it_in_good_order() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    let Some(supervisor) = Supervisor::of(site, "supervisord starts a killed daemon again") else { return };
    let site = &supervisor.site;
    let first = supervisor.wait_for_another_than(None);
    site.target.wait_for(10);
    kill_process(first, Signal::KILL).expect("it lives");
    let second = supervisor.wait_for_another_than(Some(first));
    site.target.wait_for(site.target.count() + 10);
    let asked = Instant::now();
    let stopped = supervisor.control("stop world-daemon");
    assert!(asked.elapsed() < Duration::from_secs(10), "the grace time: {:?}", asked.elapsed());
    assert!(stopped.out.contains("stopped"), "{stopped:?}");
    assert!(supervisor.status().contains(" STOPPED "), "{}", supervisor.status());
    assert!(supervisor.log().contains("stopped: world-daemon (exit status 0)"), "{}", supervisor.log());
    assert!(is_gone(first) && is_gone(second));
    assert_eq!(processes_of(site), Vec::<String>::new());
    let summary = site.summary();
    assert_balanced(&summary);
    assert_eq!(site.operations().len() as u64, number(&summary, "/total_operations"));
    let written = fs::read_dir(site.base().join("daily_summaries")).expect("summaries").count();
    assert!(written > 0, "the summary is written");
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a planned end is told by this clock")]
fn supervisord_takes_a_planned_end_for_no_failure_however_soon_it_comes() {
    let soon = jiff::Timestamp::now() + Duration::from_secs(3);
    let soon = soon.to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    for until in ["2020-01-01", &soon] {
        let site = Site::with(&format!("until = '{until}'\n{QUICK}"), &loads(5, 5, 0.0));
        let claim = "supervisord takes a planned end for no failure";
        let Some(supervisor) = Supervisor::of(site, claim) else { return };
        assert_stays_ended(&supervisor, "0");
    }
}

#[test]
fn supervisord_does_not_try_again_what_no_restart_mends() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    // Whoever prints the unit is told at once; it may become wrong later.
    let right = fs::read_to_string(site.config()).expect("it was written");
    let Some(supervisor) = Supervisor::of(site, "supervisord does not try again what no restart mends")
    else {
        return;
    };
    let site = &supervisor.site;
    let pid = supervisor.wait_for_another_than(None);
    site.target.wait_for(5);
    fs::write(site.config(), format!("unknown = 1\n{right}")).expect("a file");
    kill_process(pid, Signal::KILL).expect("it lives");
    assert_stays_ended(&supervisor, "2");
    assert_eq!(supervisor.times("spawned: 'world-daemon'"), 2, "{}", supervisor.log());
}

/// Waits for an end with this exit code; it must be one that supervisord leaves alone.
fn assert_stays_ended(supervisor: &Supervisor, code: &str) {
    let ended = format!("exited: world-daemon (exit status {code}; ");
    wait_until(&ended, || supervisor.log().contains(&ended).then_some(()));
    let spawned = supervisor.times("spawned: 'world-daemon'");
    let others = supervisor.times("spawned: 'other'");
    wait_until("supervisord has looked", || {
        (supervisor.times("spawned: 'other'") > others + 2).then_some(())
    });
    assert!(supervisor.status().contains(" EXITED "), "{}\n{}", supervisor.status(), supervisor.log());
    assert!(supervisor.log().contains(&format!("{ended}expected)")), "{}", supervisor.log());
    assert_eq!(supervisor.times("spawned: 'world-daemon'"), spawned, "{}", supervisor.log());
}

#[test]
fn logrotate_loses_no_line_of_a_daemon_that_writes() {
    let site = Site::with(QUICK, &loads(20, 5, 0.0));
    let claim = "logrotate loses no line of the log";
    let Some(logrotate) = tool("logrotate") else { return skipped("needs logrotate", claim) };
    let rules = site.directory.path().join("logrotate.conf");
    // Rotated logs keep their names within a second, and are read here as they are.
    let text = unit(&site, "logrotate").replace("-%Y%m%d-%s", "-%s").replace("    compress\n", "");
    fs::write(&rules, text).expect("a file");
    let program = logrotate.get_program().to_owned();
    let daemon = site.run("");
    // Rotated logs are named by the second in which logrotate looks at its clock, at the latest this one.
    let mut second = 0;
    for cycle in 1..=4 {
        site.wait_for_line(&format!("Cycle {cycle} "));
        wait_until("another second", || (unix_seconds() > second).then_some(()));
        let mut command = Command::new(&program);
        command.arg("--force").arg("--state").arg(site.directory.path().join("state")).arg(&rules);
        let ended = World::of(command).ends_with(0);
        second = unix_seconds();
        assert_eq!(ended.err, "");
    }
    site.wait_for_line("Cycle 6 ");
    daemon.signal(Signal::TERM);
    assert_eq!(daemon.end(), Some(0));
    let names = support::names(&site.base());
    let logs: Vec<_> = names.iter().filter(|name| name.starts_with("simulation_daemon.log")).collect();
    assert!(logs.len() >= 4, "{names:?}");
    let texts = logs.iter().map(|name| fs::read_to_string(site.base().join(name)).expect("a log"));
    let written = texts.collect::<String>();
    // Each line of the console is in a file, too, as often as it was said. There it has its module and line.
    let said = site.said();
    let (console, files) = (counted(&said, 3), counted(&written, 3));
    assert!(console.len() > 10, "{said}");
    for (text, times) in console {
        let kept = files.get(text).copied().unwrap_or_default();
        assert!(kept >= times, "{text:?} was said {times} times, and kept {kept} times:\n{said}\n{written}");
    }
}

/// As logrotate's clock tells it, which is a tick behind the one that `SystemTime` looks at.
fn unix_seconds() -> i64 {
    rustix::time::clock_gettime(rustix::time::ClockId::RealtimeCoarse).tv_sec
}

/// How often each text stands in lines that have so many words before it.
fn counted(lines: &str, words: usize) -> BTreeMap<&str, usize> {
    let mut texts = BTreeMap::new();
    for line in lines.lines() {
        let mut rest = line;
        for _ in 0..words {
            rest = rest.split_once(' ').map_or("", |(_, rest)| rest.trim_start());
        }
        *texts.entry(rest).or_insert(0) += 1;
    }
    texts
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit_of_this_program() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    let claim = "systemd finds nothing wrong with the unit";
    let Some(mut analyze) = tool("systemd-analyze") else { return skipped("needs systemd-analyze", claim) };
    let path = site.directory.path().join("world-daemon.service");
    fs::write(&path, unit(&site, "systemd")).expect("a file");
    analyze.args(["verify", "--man=no"]).arg(&path);
    let ended = World::of(analyze).ends_with(0);
    assert!(!ended.err.contains("world-daemon"), "{}", ended.err);
}

/// A span of the watchdog that a daemon on a busy machine keeps, too.
const WATCHDOG: Duration = Duration::from_secs(4);

/// The next that is told, within so long; a signal that interrupts the wait does not end it.
fn told(socket: &UnixDatagram, patience: Duration) -> Option<String> {
    let asked = Instant::now();
    let mut bytes = [0; 4096];
    loop {
        let left = patience.checked_sub(asked.elapsed()).filter(|left| !left.is_zero())?;
        socket.set_read_timeout(Some(left)).expect("a span");
        match socket.recv(&mut bytes) {
            Ok(length) => return Some(String::from_utf8_lossy(&bytes[..length]).into_owned()),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(error) => panic!("the socket of the service manager: {error}"),
        }
    }
}

#[test]
fn a_service_manager_hears_when_the_daemon_is_up_alive_stuck_and_about_to_end() {
    let site = Site::with(QUICK, &loads(5, 5, 0.0));
    let path = site.directory.path().join("notify");
    let socket = UnixDatagram::bind(&path).expect("a socket");
    let mut command = site.command("run");
    command.env("NOTIFY_SOCKET", &path).env("WATCHDOG_USEC", WATCHDOG.as_micros().to_string());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let daemon = Living { child: command.spawn().expect("it starts") };
    let next = |patience| told(&socket, patience);
    let soon = Duration::from_secs(30);
    let mut first = vec![next(soon), next(soon)];
    first.sort();
    assert_eq!(first, [Some("READY=1\n".to_owned()), Some("WATCHDOG=1\n".to_owned())]);
    for _ in 0..2 {
        let asked = Instant::now();
        assert_eq!(next(WATCHDOG).as_deref(), Some("WATCHDOG=1\n"));
        assert!(asked.elapsed() < WATCHDOG * 3 / 4, "twice a span: {:?}", asked.elapsed());
    }
    daemon.signal(Signal::STOP);
    // What was told before it stood still is still there.
    while next(Duration::from_millis(100)).is_some() {}
    assert_eq!(next(WATCHDOG), None, "whoever stands still is not alive");
    daemon.signal(Signal::CONT);
    assert_eq!(next(WATCHDOG).as_deref(), Some("WATCHDOG=1\n"));
    daemon.signal(Signal::TERM);
    let stopping = std::iter::from_fn(|| next(soon)).find(|told| told != "WATCHDOG=1\n");
    assert_eq!(stopping.as_deref(), Some("STOPPING=1\n"));
    assert_eq!(daemon.end(), Some(0));
}
