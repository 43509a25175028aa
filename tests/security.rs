//! Claims about who gets in, who gets to know what, and what agents hold: docs/security.md says what is
//! promised. With the real program, looked at from outside as another process of the system would.
//!
//! Some need a second user, or a `/tmp` of their own; where the machine does not allow that, they say so
//! and claim nothing.

mod support;

use bus::address::{socket_in, token_in};
use bus::client::{Client, ClientError};
use bus::token::Token;
use bus::wire::{GREETING_BYTES_MAX, Hello, PROTOCOL, Refusal, Role};
use rustix::process::{Pid, Signal, Uid, geteuid, kill_process};
use rustix::thread::set_thread_res_uid;
use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io::Read as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, symlink};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use support::running::{Run, make_private, said, wait_until, world};
use support::skipped;

/// Somebody else: `nobody` on most systems.
const OTHER_USER: u32 = 65534;

/// Servers of the world `systems`.
const SERVERS: [&str; 6] = ["web-1", "web-2", "api-1", "db-primary", "db-replica", "cache-1"];

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).expect("it is there").mode() & 0o7777
}

/// Whether this test may act as another user; says so if not.
fn may_be_another_user(claim: &str) -> bool {
    let may = geteuid().is_root();
    if !may {
        skipped("needs root", claim);
    }
    may
}

/// Does something on a thread of another user. Only that thread is; it can never be root again.
fn as_another_user<T: Send>(what: impl FnOnce() -> T + Send) -> T {
    std::thread::scope(|scope| {
        let other = scope.spawn(|| {
            let other = Uid::from_raw(OTHER_USER);
            set_thread_res_uid(other, other, other).expect("root may become anybody");
            what()
        });
        other.join().expect("a thread that does not panic")
    })
}

fn greeting(role: Role, name: &str, token: Token) -> Hello {
    Hello { protocol: PROTOCOL, role, name: name.to_owned(), skill: None, token }
}

fn refusal(error: ClientError) -> Refusal {
    match error {
        ClientError::Refused(why) => why,
        other => panic!("{other}"),
    }
}

// ---- who can get at a run ---------------------------------------------------------------------

#[test]
fn only_its_user_can_get_at_a_run_whatever_the_umask_is() {
    for umask in ["000", "022", "077"] {
        let runtime_dir = tempfile::tempdir().expect("a directory");
        make_private(runtime_dir.path());
        let mut command = Command::new("sh");
        let script = format!("umask {umask}; exec \"$@\"");
        command.args([
            "-c",
            &script,
            "sh",
            env!("CARGO_BIN_EXE_world"),
            "run",
            "--manual=oncall",
            "--seed",
            "1",
        ]);
        command.env("WORLD_RUNTIME_DIR", runtime_dir.path().join("world")).env("NO_COLOR", "1");
        let mut run = Run::spawn(runtime_dir, command);
        run.line_with("world agent sre");
        let directory = run.directory();
        let base = directory.parent().expect("it lies in one");
        let modes =
            ["lock", "token", "bus.sock", "status.json"].map(|name| mode(&directory.join(name)) & 0o777);
        assert_eq!(modes, [0o600; 4], "umask {umask}");
        assert_eq!([mode(base), mode(&directory)], [0o700; 2], "umask {umask}");
        for path in [base, &directory, &directory.join("token")] {
            assert_eq!(
                fs::metadata(path).expect("it is there").uid(),
                geteuid().as_raw(),
                "{}",
                path.display()
            );
        }
        run.signal(Signal::INT);
        run.end();
    }
}

/// A place that is not only its user's, and what is said of it.
fn unsafe_places(base: &Path) -> Vec<(PathBuf, &'static str)> {
    let mut places = Vec::new();
    for open in [0o701, 0o710, 0o704, 0o770, 0o777, 0o1777] {
        let path = base.join(format!("{open:o}"));
        fs::create_dir(&path).expect("a directory");
        fs::set_permissions(&path, Permissions::from_mode(open)).expect("its mode");
        places.push((path, "is open to other users"));
    }
    let (private, link, file) = (base.join("private"), base.join("link"), base.join("file"));
    fs::create_dir(&private).expect("a directory");
    make_private(&private);
    symlink(&private, &link).expect("a link");
    fs::write(&file, "precious").expect("a file");
    places.extend([(link, "is not a directory"), (file, "is not a directory")]);
    if may_be_another_user("a directory of another user's is refused") {
        let another = base.join("another");
        fs::create_dir(&another).expect("a directory");
        make_private(&another);
        chown(&another, Some(OTHER_USER), Some(OTHER_USER)).expect("root may give away");
        places.push((another, "belongs to another user"));
    }
    places
}

#[test]
fn a_directory_that_is_not_only_its_users_is_refused_by_runs_agents_and_ps() {
    let base = tempfile::tempdir().expect("a directory");
    let runtime_dir = tempfile::tempdir().expect("a directory");
    for (place, problem) in unsafe_places(base.path()) {
        let named = place.to_str().expect("text");
        let commands = [
            format!("run -q -n 1 --bus {named}"),
            format!("agent server --name web-1 --bus {named}"),
            format!("ps --bus {named}"),
        ];
        for arguments in commands {
            let mut command = world(runtime_dir.path());
            command.args(arguments.split(' '));
            let (code, text) = said(command);
            assert_eq!(code, Some(2), "{arguments}: {text}");
            assert!(text.contains(named) && text.contains(problem), "{arguments}: {text}");
        }
        let mut command = world(runtime_dir.path());
        let (code, text) = said({
            command.args(["run", "-q", "-n", "1"]).env("WORLD_RUNTIME_DIR", &place);
            command
        });
        assert_eq!(code, Some(2), "WORLD_RUNTIME_DIR={named}: {text}");
        assert!(text.contains(named) && text.contains(problem), "{text}");
    }
    assert_eq!(fs::read_to_string(base.path().join("file")).expect("a file"), "precious");
    assert_eq!(support::names(&base.path().join("private")), [] as [String; 0]);
}

/// What `world run` says with this in the place of its directory in `/tmp`, and its exit code; `None`
/// where a `/tmp` of one's own cannot be had.
fn with_planted(plant: &str) -> Option<(Option<i32>, String)> {
    let program = Path::new(env!("CARGO_BIN_EXE_world"));
    // Only root can give files away, and only in a namespace that knows other users.
    let flags = if geteuid().is_root() { "-m" } else { "-rm" };
    // The program may itself lie below /tmp: it is shown at another place first.
    let script = format!(
        "mount --bind \"$1\" /mnt && mount -t tmpfs none /tmp && chmod 1777 /tmp || exit 77\n\
         {plant}\n\
         unset XDG_RUNTIME_DIR WORLD_RUNTIME_DIR\n\
         /mnt/world run -q -n 1 --seed 1 >/dev/null; code=$?\n\
         ls -ld /tmp/* >&2\n\
         test ! -e /tmp/nowhere || exit 78\n\
         exit $code"
    );
    let mut command = Command::new("unshare");
    command.args([flags, "sh", "-c", &script, "sh"]).arg(program.parent().expect("a directory"));
    let Ok(output) = command.stdin(Stdio::null()).output() else {
        skipped("there is no `unshare`", "tricks with the directory in /tmp are seen through");
        return None;
    };
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.code() == Some(77) || text.contains("unshare failed") {
        skipped(
            "needs a mount namespace",
            &format!("tricks with the directory in /tmp are seen through: {text}"),
        );
        return None;
    }
    Some((output.status.code(), text))
}

#[test]
fn tricks_with_the_directory_in_tmp_are_seen_through() {
    let uid = "$(id -u)";
    let Some((code, text)) = with_planted("") else { return };
    assert_eq!(code, Some(0), "{text}");
    assert!(text.contains("drwx------"), "{text}");
    let plants = [
        (format!("mkdir -m 700 /tmp/a && ln -s /tmp/a /tmp/world-{uid}"), "is not a directory"),
        (format!("ln -s /tmp/nowhere /tmp/world-{uid}"), "is not a directory"),
        (format!("echo precious > /tmp/world-{uid}"), "is not a directory"),
        (format!("mkdir -m 777 /tmp/world-{uid}"), "is open to other users"),
        (
            format!("mkdir -m 700 /tmp/world-{uid} && chown {OTHER_USER} /tmp/world-{uid}"),
            "belongs to another user",
        ),
    ];
    for (plant, problem) in plants {
        if plant.contains("chown") && !may_be_another_user("another user's directory in /tmp is refused") {
            continue;
        }
        let Some((code, text)) = with_planted(&plant) else { return };
        assert_eq!(code, Some(2), "{plant}: {text}");
        assert!(text.contains("/tmp/world-") && text.contains(problem), "{plant}: {text}");
    }
}

#[test]
fn another_user_cannot_connect_and_is_refused_even_where_it_can() {
    if !may_be_another_user("another user cannot connect, and is refused where it can") {
        return;
    }
    let kept = tempfile::tempdir().expect("a directory");
    let out = kept.path().join("run");
    let runtime_dir = tempfile::tempdir().expect("a directory");
    let base = runtime_dir.path().to_owned();
    let mut run = Run::start_in(runtime_dir, |command| {
        command.args(["--seed", "1", "-n", "2", "--manual=oncall", "--out"]).arg(&out);
    });
    run.line_with("world agent sre");
    let directory = run.directory();
    let socket = socket_in(&directory);
    let token = token_in(&directory).expect("the token");
    let hello = greeting(Role::Sre, "oncall", token);
    let denied =
        as_another_user(|| (fs::read(directory.join("token")).err(), UnixStream::connect(&socket).err()));
    let kinds = [denied.0, denied.1].map(|error| error.map(|error| error.kind()));
    assert_eq!(kinds, [Some(std::io::ErrorKind::PermissionDenied); 2]);

    // As if its user had opened it all, and given the token away.
    for path in [&base, &base.join("world"), &directory] {
        fs::set_permissions(path, Permissions::from_mode(0o711)).expect("its mode");
    }
    fs::set_permissions(&socket, Permissions::from_mode(0o666)).expect("its mode");
    let mut answer = Vec::new();
    as_another_user(|| {
        let mut stream = UnixStream::connect(&socket).expect("everybody may");
        let mut greeting = Vec::new();
        bus::frame::encode(&hello, &mut greeting).expect("a frame");
        // It may be told that it is refused before it has greeted.
        let _ = std::io::Write::write_all(&mut stream, &greeting);
        // What it had to say was not read: that is the end's second way.
        let _ = stream.read_to_end(&mut answer);
    });
    let refused: bus::wire::Greeting = bus::frame::decode(&answer[4..]).expect("an answer");
    assert_eq!(refused, bus::wire::Greeting::Refused(Refusal::ForeignUser));
    for path in [&directory, &base.join("world"), &base] {
        make_private(path);
    }

    // Its own user still gets in, and the run says what it counted.
    let mut sre = world(&base);
    let mut sre =
        sre.args(["agent", "sre", "--name", "oncall"]).stderr(Stdio::null()).spawn().expect("the program");
    assert_eq!(run.end().code, Some(0));
    sre.wait().expect("a child");
    let runtime: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.join("runtime.json")).expect("a side file"))
            .expect("JSON");
    assert_eq!(runtime["bus"]["foreign_user"], 1, "{runtime}");
}

#[test]
fn an_agent_tells_nothing_to_a_bus_of_another_user() {
    if !may_be_another_user("an agent tells nothing to a bus of another user") {
        return;
    }
    let base = tempfile::tempdir().expect("a directory");
    fs::set_permissions(base.path(), Permissions::from_mode(0o777)).expect("its mode");
    let socket = base.path().join("bus.sock");
    let hello = greeting(Role::Server, "web-1", Token::random().expect("randomness"));
    let listener = as_another_user(|| UnixListener::bind(&socket).expect("a socket"));
    let error = Client::connect(&socket, &hello).expect_err("another user's bus");
    assert!(matches!(error, ClientError::Foreign { .. }), "{error}");
    let mut heard = Vec::new();
    listener.accept().expect("it connected").0.read_to_end(&mut heard).expect("it hung up");
    assert_eq!(heard, [] as [u8; 0]);
}

// ---- tokens -----------------------------------------------------------------------------------

/// Stands in the place of the program: has an agent's parent and its pipe, notes down what it is handed,
/// and has a child that is the agent.
const NOTING: &str = r#"#!/bin/sh
read token
echo $token >> ${0%/*}/tokens
{ echo $token; exec cat; } | "${0%/*}/real" "$@"
"#;

/// A run of a program that notes down the token of each agent that is started again.
struct Bugged {
    run: Run,
    place: tempfile::TempDir,
}

impl Bugged {
    /// Starts it; every server is killed before the first round, so that a second one follows: by
    /// then a script stands in the place of the program, which notes down what it is handed.
    fn start(rounds: u32) -> Self {
        let place = tempfile::tempdir().expect("a directory");
        let (program, script) = (place.path().join("world"), place.path().join("script"));
        // A program that is written here would be busy wherever another test forks meanwhile.
        let make = "cp \"$1\" \"$2\" && printf '%s' \"$3\" > \"$4\" && chmod 700 \"$4\"";
        let mut making = Command::new("sh");
        making.args(["-c", make, "sh", env!("CARGO_BIN_EXE_world")]).arg(&program).arg(NOTING).arg(&script);
        assert!(making.status().expect("a shell").success());
        let runtime_dir = tempfile::tempdir().expect("a directory");
        make_private(runtime_dir.path());
        let mut command = Command::new(&program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("WORLD_RUNTIME_DIR", runtime_dir.path().join("world"));
        command.args("run -vvv --seed 42 --chaos-level high --pace 50ms --manual=oncall -n".split(' '));
        command.arg(rounds.to_string()).arg("--out").arg(place.path().join("out")).stdin(Stdio::null());
        command.stderr(fs::File::create(place.path().join("err")).expect("a file"));
        let mut run = Run::spawn(runtime_dir, command);
        run.line_with("world agent sre");
        let servers: Vec<Pid> = wait_until("all servers are here", || {
            run.seen.extend(run.lines.try_iter());
            let servers = run.agents();
            (servers.len() == SERVERS.len()).then_some(servers)
        });
        fs::rename(&program, place.path().join("real")).expect("moved away");
        fs::rename(&script, &program).expect("moved there");
        servers.iter().for_each(|server| kill_process(*server, Signal::KILL).expect("it runs"));
        let bugged = Self { run, place };
        let directory = bugged.run.directory();
        wait_until("all have successors that have joined", || {
            let status = fs::read_to_string(directory.join("status.json")).expect("a status");
            let here = status.matches("\"here\"").count();
            (bugged.tokens().len() == SERVERS.len() && here == SERVERS.len()).then_some(())
        });
        bugged
    }

    /// The tokens that were noted down.
    fn tokens(&self) -> Vec<String> {
        let noted = fs::read_to_string(self.place.path().join("tokens")).unwrap_or_default();
        noted.split_inclusive('\n').filter_map(|line| Some(line.strip_suffix('\n')?.to_owned())).collect()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.place.path().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// What the system tells of every process: its arguments, and its environment where we may see it.
fn told_of_processes() -> String {
    let processes = fs::read_dir("/proc").expect("processes").flatten();
    let files = processes.flat_map(|process| ["cmdline", "environ"].map(|name| process.path().join(name)));
    files
        .filter_map(|path| Some(String::from_utf8_lossy(&fs::read(path).ok()?).into_owned() + "\n"))
        .collect()
}

#[test]
fn tokens_are_in_no_argument_no_environment_no_output_and_no_file_but_one() {
    let mut bugged = Bugged::start(5);
    let directory = bugged.run.directory();
    let run_token = fs::read_to_string(directory.join("token")).expect("a token").trim().to_owned();
    let tokens: BTreeSet<String> = bugged.tokens().into_iter().chain([run_token.clone()]).collect();
    assert_eq!(tokens.len(), SERVERS.len() + 1, "each agent has its own, and the run another");

    let ask = |arguments: &str| {
        let mut command = world(bugged.run.runtime_dir.path());
        let output = command.args(arguments.split(' ')).output().expect("the program");
        format!("{arguments}: {output:?}\n") + &String::from_utf8_lossy(&output.stdout)
    };
    let mut told = told_of_processes();
    assert!(told.contains("--token-stdin"), "agents are seen");
    told += &ask("ps -v");
    told += &ask("ps --json");
    told += &ask("agent server --name web-1");
    told += &ask("agent server --name wbe-1");
    told += &ask("agent sre --name oncall --skill senior");
    told += &fs::read_to_string(directory.join("status.json")).expect("a status");
    let mut sre = world(bugged.run.runtime_dir.path());
    sre.args(["agent", "sre", "--name", "oncall"]).stderr(Stdio::piped());
    let mut sre = sre.spawn().expect("the program");
    bugged.run.line_with("Round 2 of");
    kill_process(Pid::from_child(&sre), Signal::KILL).expect("it runs");
    told += &std::io::read_to_string(sre.stderr.take().expect("its errors")).expect("text");
    sre.wait().expect("a child");
    bugged.run.wait();
    bugged.run.seen.extend(bugged.run.lines.iter());
    told += &bugged.run.seen.join("\n");
    let files = ["err", "out/journal.jsonl", "out/result.json", "out/runtime.json"];
    files.into_iter().for_each(|file| told += &bugged.read(file));

    assert!(told.contains("Round 5 of") && told.contains("run_ended") && told.contains("\"bus\""), "{told}");
    for token in &tokens {
        for shape in shapes(token) {
            let place = told.find(&shape).map(|at| &told[at.saturating_sub(200)..at]);
            assert_eq!(place, None, "a token is told as `{shape}`");
        }
    }
}

/// How a token would be told: as it is written, or as a list of bytes, of which a few are enough.
fn shapes(token: &str) -> [String; 3] {
    let digits = token.as_bytes().chunks_exact(2).take(6);
    let bytes = digits.map(|pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16).expect("digits"));
    let bytes: Vec<String> = bytes.map(|byte| byte.to_string()).collect();
    [token[..16].to_owned(), bytes.join(", "), bytes.join(",")]
}

/// What a panic may show of whoever panics.
#[test]
fn whatever_holds_a_token_does_not_show_it_when_debugged() {
    let mut run = Run::start("--seed 1 -n 2 --manual=oncall");
    run.line_with("world agent sre");
    let directory = run.directory();
    let token = token_in(&directory).expect("the token");
    let hello = greeting(Role::Sre, "oncall", token.clone());
    let (client, _) = Client::connect(&socket_in(&directory), &hello).expect("welcome");
    let mut frame = Vec::new();
    bus::frame::encode(&hello, &mut frame).expect("a frame");
    let mut inbox = bus::frame::Inbox::of_frames_up_to(GREETING_BYTES_MAX);
    inbox.space()[..frame.len()].copy_from_slice(&frame);
    inbox.filled(frame.len());
    let debugged = format!("{token:?} {token:#?} {hello:?} {client:?} {inbox:?}");
    for shape in shapes(&token.to_hex()) {
        assert!(!debugged.contains(&shape), "{debugged}");
    }
    run.signal(Signal::INT);
    run.end();
}

#[test]
fn a_spawned_agents_token_opens_no_other_seat_and_none_once_it_is_gone() {
    let mut bugged = Bugged::start(1000);
    let socket = socket_in(&bugged.run.directory());
    let tokens = bugged.tokens();
    let is_refused = |role, name: &str, token: &str| {
        let token = Token::from_hex(token).expect("a token");
        refusal(Client::connect(&socket, &greeting(role, name, token)).expect_err("not its seat"))
    };
    for token in &tokens {
        assert_eq!(is_refused(Role::Sre, "oncall", token), Refusal::Token);
        for name in SERVERS {
            let why = is_refused(Role::Server, name, token);
            // Its own seat it has taken itself.
            assert!(matches!(why, Refusal::Token | Refusal::NameTaken { .. }), "{name}: {why}");
        }
    }
    let mut sre = world(bugged.run.runtime_dir.path());
    let mut sre =
        sre.args(["agent", "sre", "--name", "oncall"]).stderr(Stdio::null()).spawn().expect("the program");
    bugged.run.line_with("Round 1 of");
    let web = bugged.run.pid_of("server-web-1");
    kill_process(web, Signal::KILL).expect("it runs");
    bugged.run.line_with("LOST       server-web-1");
    for token in &tokens {
        let why = is_refused(Role::Server, "web-1", token);
        assert!(matches!(why, Refusal::Token | Refusal::NotAwaited { .. }), "{why}");
    }
    bugged.run.signal(Signal::INT);
    bugged.run.wait();
    sre.wait().expect("a child");
}

#[test]
fn an_agent_with_the_token_of_an_earlier_run_is_refused() {
    let place = tempfile::tempdir().expect("a directory");
    let at = place.path().join("here");
    let start = || {
        Run::start_in(tempfile::tempdir().expect("a directory"), |command| {
            command.args(["--seed", "1", "-n", "2", "--manual", "--bus"]).arg(&at);
        })
    };
    let mut first = start();
    first.line_with("world agent sre");
    let token = token_in(&at).expect("a token");
    first.signal(Signal::INT);
    assert_eq!(first.end().code, Some(130));
    let mut second = start();
    second.line_with("world agent sre");
    for (role, name) in [(Role::Server, "web-1"), (Role::Sre, "oncall"), (Role::Sre, "nobody")] {
        let hello = greeting(role, name, token.clone());
        let error = Client::connect(&socket_in(&at), &hello).expect_err("a token of another run");
        assert_eq!(refusal(error), Refusal::Token, "{name}");
    }
    second.signal(Signal::INT);
    assert_eq!(second.end().code, Some(130));
}

#[test]
fn what_a_file_holds_in_the_place_of_a_token_is_not_shown() {
    let mut run = Run::start("--seed 1 -n 2 --manual=oncall");
    run.line_with("world agent sre");
    fs::write(run.directory().join("token"), "somebody's password").expect("written");
    let mut command = world(run.runtime_dir.path());
    command.args(["agent", "sre", "--name", "oncall"]);
    let (code, text) = said(command);
    assert_eq!(code, Some(2), "{text}");
    assert!(text.contains("does not hold a token") && !text.contains("password"), "{text}");
    run.signal(Signal::INT);
    run.end();
}

// ---- what agents hold -------------------------------------------------------------------------

/// What a process has open: each descriptor and what it leads to.
fn descriptors(process: Pid) -> Vec<(u32, String)> {
    let entries = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero())).expect("its descriptors");
    let mut all: Vec<_> = entries
        .flatten()
        .map(|entry| {
            let number = entry.file_name().to_string_lossy().parse().expect("a number");
            (number, fs::read_link(entry.path()).expect("a link").to_string_lossy().into_owned())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn an_agent_holds_its_pipe_its_connection_and_nothing_of_its_directors_or_its_users() {
    let place = tempfile::tempdir().expect("a directory");
    let runtime_dir = tempfile::tempdir().expect("a directory");
    make_private(runtime_dir.path());
    let mut command = Command::new("sh");
    // A file of the user's to read, one to write, and one with a number that shells like.
    command.args(["-c", "exec 3<\"$0\" 7>>notes 9<.; exec \"$@\"", "/etc/hostname"]);
    command.arg(env!("CARGO_BIN_EXE_world")).args("run --seed 1 -n 100 --pace 1m --out out".split(' '));
    command.env("WORLD_RUNTIME_DIR", runtime_dir.path().join("world")).env("NO_COLOR", "1");
    command.current_dir(place.path());
    command.stderr(fs::File::create(place.path().join("err")).expect("a file"));
    let mut run = Run::spawn(runtime_dir, command);
    run.line_with("Round ");
    let agents = run.agents();
    assert_eq!(agents.len(), SERVERS.len() + 1);
    let (mut pipes, mut sockets) = (BTreeSet::new(), BTreeSet::new());
    for agent in &agents {
        let held = descriptors(*agent);
        let numbers: Vec<u32> = held.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, [0, 1, 2, 3], "{held:?}");
        assert!(held[0].1.starts_with("pipe:"), "{held:?}");
        assert_eq!(held[1].1, "/dev/null", "{held:?}");
        assert!(held[2].1.ends_with("/err"), "{held:?}");
        assert!(held[3].1.starts_with("socket:"), "{held:?}");
        pipes.insert(held[0].1.clone());
        sockets.insert(held[3].1.clone());
    }
    assert_eq!((pipes.len(), sockets.len()), (agents.len(), agents.len()), "each its own");
    run.signal(Signal::INT);
    run.end();
}
