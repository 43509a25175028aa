use super::*;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Output, Stdio};

fn installation(base: &str) -> Installation {
    Installation {
        program: "/bin/true".into(),
        config: "/etc/world/my config.toml".to_owned(),
        base: base.into(),
        log: Path::new(base).join("logs/daemon.log"),
        user: "root".to_owned(),
        group: "root".to_owned(),
        grace: Duration::from_secs(45),
    }
}

/// What a program says; `None`, with a message, where it is missing.
fn said(command: &mut Command) -> Option<Output> {
    match command.output() {
        Ok(output) => Some(output),
        Err(error) => {
            println!("skipped: {} cannot be run: {error}", command.get_program().display());
            None
        }
    }
}

fn holds_line(text: &str, line: &str) -> bool {
    text.lines().any(|there| there == line)
}

#[test]
fn a_service_names_its_files_and_outlasts_the_grace_time() {
    let text = Keeper::Systemd.text(&installation("/srv/100% load")).unwrap();
    for line in [
        r#"ExecStart="/bin/true" daemon run --config "/etc/world/my config.toml" --base-dir "/srv/100%% load""#,
        r#"ReadWritePaths="/srv/100%% load""#,
        "TimeoutStopSec=75",
        "Type=notify",
        "Restart=on-failure",
        "StartLimitBurst=5",
        "StartLimitIntervalSec=300",
        "MemoryMax=2G",
        "CPUQuota=50%",
    ] {
        assert!(holds_line(&text, line), "{line}\n{text}");
    }
    let program = Keeper::Supervisord.text(&installation("/srv/half load")).unwrap();
    for line in [
        r#"command="/bin/true" daemon run --config "/etc/world/my config.toml" --base-dir "/srv/half load""#,
        "stdout_logfile=/srv/half load/daemon_stdout.log",
        "stopwaitsecs=75",
        "autorestart=unexpected",
        "exitcodes=0,2",
    ] {
        assert!(holds_line(&program, line), "{line}\n{program}");
    }
}

#[test]
fn what_cannot_be_quoted_is_told_by_its_name() {
    let forged = Installation { base: "/srv/x\nExecStartPre=/bin/false".into(), ..installation("/srv") };
    for keeper in [Keeper::Systemd, Keeper::Supervisord] {
        let error = keeper.text(&forged).unwrap_err();
        assert!(error.to_string().starts_with("the base directory cannot be written"), "{error}");
    }
    let nobody = Installation { user: "no body".to_owned(), ..installation("/srv") };
    assert!(Keeper::Logrotate.text(&nobody).unwrap_err().to_string().contains("the user"));
}

#[test]
fn systemd_finds_nothing_wrong_with_the_service() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("world-daemon.service");
    fs::write(&path, Keeper::Systemd.text(&installation("/srv/100% $load")).unwrap()).unwrap();
    let Some(output) = said(Command::new("systemd-analyze").args(["verify", "--man=no"]).arg(&path)) else {
        return;
    };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{complaints}");
    assert!(!complaints.contains("world-daemon"), "{complaints}");
}

#[test]
fn logrotate_renames_the_log_and_the_daemon_goes_on_in_a_new_one() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("it's [1] 100%");
    let base = base.to_str().unwrap();
    let mut installation = installation(base);
    let user = |option| said(Command::new("id").arg(option));
    let (Some(name), Some(group)) = (user("-un"), user("-gn")) else { return };
    installation.user = String::from_utf8_lossy(&name.stdout).trim().to_owned();
    installation.group = String::from_utf8_lossy(&group.stdout).trim().to_owned();
    let limits = crate::log::Limits { bytes_max: 1_000, keep: 5 };
    let mut log = crate::log::RotatingFile::open(&installation.log, limits).unwrap();
    log.tell("one\n", |_| String::new());
    let config = directory.path().join("logrotate.conf");
    fs::write(&config, Keeper::Logrotate.text(&installation).unwrap()).unwrap();
    let state = directory.path().join("state");
    let mut logrotate = Command::new("logrotate");
    // The directories of machines' administration are not in every path.
    let path = std::env::var("PATH").unwrap_or_default();
    logrotate.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    let Some(output) = said(logrotate.args(["--force", "--state"]).arg(&state).arg(&config)) else { return };
    let complaints = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && complaints.is_empty(), "{complaints}");
    log.tell("two\n", |_| String::new());
    let logs = installation.log.parent().unwrap();
    let mut texts: Vec<_> =
        fs::read_dir(logs).unwrap().map(|entry| fs::read_to_string(entry.unwrap().path()).unwrap()).collect();
    texts.sort_unstable();
    assert_eq!(texts, ["one\n", "two\n"]);
    assert_eq!(fs::read_to_string(&installation.log).unwrap(), "two\n");
}

/// The supervisor is given a daemon that fails once and then comes to its planned end, and another program that
/// never stays: when that has been started again and again, the daemon would have been, too.
#[test]
fn supervisord_starts_again_what_has_failed_and_leaves_what_has_ended() {
    let directory = tempfile::tempdir().unwrap();
    let base = directory.path().join("half load");
    fs::create_dir(&base).unwrap();
    let program = base.join("it's a program");
    let script = "#!/bin/sh\ncd \"$6\" && if [ -e failed ]; then exit 0; else touch failed; exit 1; fi\n";
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let Some(name) = said(Command::new("id").arg("-un")) else { return };
    let user = String::from_utf8_lossy(&name.stdout).trim().to_owned();
    let installation = Installation { program, user, ..installation(base.to_str().unwrap()) };
    let text = Keeper::Supervisord.text(&installation).unwrap();
    let others = "[supervisord]\nnodaemon=true\nlogfile=/dev/null\nlogfile_maxbytes=0\n\
                  [program:other]\ncommand=/bin/true\nautorestart=true\nstartsecs=0\n";
    let config = directory.path().join("supervisord.conf");
    fs::write(&config, format!("{others}{text}")).unwrap();
    let mut supervisord = Command::new("supervisord");
    supervisord.arg("-c").arg(&config).current_dir(directory.path());
    let mut supervisord = match supervisord.stdin(Stdio::null()).stdout(Stdio::piped()).spawn() {
        Ok(supervisord) => supervisord,
        Err(error) => return println!("skipped: supervisord cannot be run: {error}"),
    };
    let mut told = Vec::new();
    for line in BufReader::new(supervisord.stdout.take().unwrap()).lines() {
        told.push(line.unwrap());
        let ended = told.iter().position(|line| line.contains("exited: world-daemon (exit status 0"));
        let since = ended.map_or(&[][..], |ended| &told[ended..]);
        if since.iter().filter(|line| line.contains("spawned: 'other'")).count() == 3 {
            break;
        }
    }
    supervisord.kill().unwrap();
    supervisord.wait().unwrap();
    let of_daemon: Vec<_> = told.iter().filter(|line| line.contains("world-daemon")).collect();
    let spawned = of_daemon.iter().filter(|line| line.contains("spawned: ")).count();
    assert_eq!(spawned, 2, "{told:#?}");
    assert!(of_daemon.iter().any(|line| line.contains("(exit status 0; expected)")), "{told:#?}");
}
