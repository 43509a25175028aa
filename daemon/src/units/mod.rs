//! What a machine needs to look after the daemon: units for systemd and supervisord, a stanza for logrotate.
//!
//! A clean stop and a planned end are exit code 0, and nobody starts again what has ended so; all else is started
//! again, by systemd five times in five minutes at the most. supervisord knows no such limit for what has begun,
//! and takes whatever ends within `startsecs` for a failed start, also with exit code 0: a daemon whose planned
//! end has come would be tried again and told of as broken. So there is no such time in its unit, and the exit
//! code of a bad file or of wrong usage, which is what fails at once, is one that ends it. The daemon has the
//! time that its own grace takes, and then some, before anything is killed. Texts that came from users are quoted
//! as each reader wants it.

mod quote;

use quote::{NotQuotable, Reader};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Seconds beyond the grace time until a daemon that does not end is killed.
const STOP_MARGIN: Duration = Duration::from_secs(30);

/// Without a sign of life for this long the daemon is started anew.
const WATCHDOG: Duration = Duration::from_secs(120);

/// What units are made for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Installation {
    /// The program: an absolute path.
    pub program: PathBuf,
    /// The configuration: an absolute path, or the name of one that comes with the program.
    pub config: String,
    /// The base directory: an absolute path.
    pub base: PathBuf,
    /// The log: an absolute path.
    pub log: PathBuf,
    /// Who runs it.
    pub user: String,
    /// The group of its files.
    pub group: String,
    /// What the daemon has to end in good order.
    pub grace: Duration,
}

/// What looks after the daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keeper {
    /// A service of systemd.
    Systemd,
    /// A program of supervisord.
    Supervisord,
    /// The log, by logrotate.
    Logrotate,
}

/// Why there is no unit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the {what} cannot be written into this file: {why}")]
pub struct UnitError {
    what: &'static str,
    why: NotQuotable,
}

impl Keeper {
    /// The text of its file.
    ///
    /// # Errors
    /// When a path or a name has characters that it cannot read.
    pub fn text(self, installation: &Installation) -> Result<String, UnitError> {
        match self {
            Keeper::Systemd => systemd(installation),
            Keeper::Supervisord => supervisord(installation),
            Keeper::Logrotate => logrotate(installation),
        }
    }
}

impl Installation {
    /// The command, quoted for a reader.
    fn command(&self, reader: Reader) -> Result<String, UnitError> {
        let program = quoted("program's path", path(&self.program), reader)?;
        let config = quoted("configuration's path", &self.config, reader)?;
        let base = quoted("base directory", path(&self.base), reader)?;
        Ok(format!("{program} daemon run --config {config} --base-dir {base}"))
    }

    fn stop_seconds(&self) -> u64 {
        (self.grace + STOP_MARGIN).as_secs()
    }
}

/// A path that is no text is shown with marks, which `quote` refuses.
fn path(path: &Path) -> &str {
    path.to_str().unwrap_or("\u{fffd}")
}

fn quoted(what: &'static str, text: &str, reader: Reader) -> Result<String, UnitError> {
    reader.quoted(text).map_err(|why| UnitError { what, why })
}

fn systemd(installation: &Installation) -> Result<String, UnitError> {
    let command = installation.command(Reader::SystemdCommand)?;
    let base = quoted("base directory", path(&installation.base), Reader::SystemdPath)?;
    let user = quoted("user", &installation.user, Reader::Name)?;
    let group = quoted("group", &installation.group, Reader::Name)?;
    let (stop, watchdog) = (installation.stop_seconds(), WATCHDOG.as_secs());
    Ok(format!(
        "\
# /etc/systemd/system/world-daemon.service
#
#   install -d -o {user} -g {group} -m 0750 {base}
#   systemctl daemon-reload && systemctl enable --now world-daemon
#
# Its end at a planned time is a success: it stays ended, also after the machine is started anew, for it then
# ends at once.

[Unit]
Description=World daemon: load by the hour, guardrail tests
Wants=network-online.target
After=network-online.target time-sync.target
StartLimitIntervalSec=300
StartLimitBurst=5

[Service]
Type=notify
NotifyAccess=main
WatchdogSec={watchdog}
ExecStart={command}
ExecReload=/bin/kill -HUP $MAINPID
Restart=on-failure
RestartSec=10
# The daemon ends its agents; what is left after that is killed with it.
KillMode=mixed
TimeoutStartSec=120
TimeoutStopSec={stop}
User={user}
Group={group}
UMask=0027
# Credentials that the configuration names by env:NAME, a line NAME=VALUE each, readable by root alone.
EnvironmentFile=-/etc/world-daemon.env

MemoryMax=2G
CPUQuota=50%
LimitNOFILE=65536

ProtectSystem=strict
ReadWritePaths={base}
ProtectHome=read-only
PrivateTmp=yes
PrivateDevices=yes
NoNewPrivileges=yes
CapabilityBoundingSet=
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
# Agents are processes that talk by local sockets; names are resolved by netlink, too.
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM

[Install]
WantedBy=multi-user.target
"
    ))
}

fn supervisord(installation: &Installation) -> Result<String, UnitError> {
    let command = installation.command(Reader::SupervisordCommand)?;
    let user = quoted("user", &installation.user, Reader::Name)?;
    let out = installation.base.join("daemon_stdout.log");
    let out = quoted("base directory", path(&out), Reader::SupervisordValue)?;
    let stop = installation.stop_seconds();
    Ok(format!(
        "\
; /etc/supervisor/conf.d/world-daemon.conf
;
;   supervisorctl reread && supervisorctl update
;
; Exit code 0, a clean stop or a planned end, is no reason to start it again, and neither is 2, a file that no
; restart mends. A planned end may come at once, and is no failed start for that: so none is too short.

[program:world-daemon]
command={command}
user={user}
umask=027
autostart=true
autorestart=unexpected
exitcodes=0,2
startsecs=0
stopsignal=TERM
stopwaitsecs={stop}
; The daemon ends its agents; what is left after that is killed with it.
stopasgroup=false
killasgroup=true
; What it tells the console. Its log has more, and is rotated by itself.
redirect_stderr=true
stdout_logfile={out}
stdout_logfile_maxbytes=50MB
stdout_logfile_backups=5
"
    ))
}

fn logrotate(installation: &Installation) -> Result<String, UnitError> {
    let log = quoted("log", path(&installation.log), Reader::Logrotate)?;
    let user = quoted("user", &installation.user, Reader::Name)?;
    let group = quoted("group", &installation.group, Reader::Name)?;
    Ok(format!(
        "\
# /etc/logrotate.d/world-daemon
#
# The daemon rotates its log by size, without help. This is for those who want a file a day, compressed. It
# notices by itself that its file was renamed: there is nobody to signal, and nothing is copied.

{log} {{
    su {user} {group}
    daily
    rotate 30
    missingok
    notifempty
    nocreate
    nocopytruncate
    dateext
    dateformat -%Y%m%d-%s
    compress
    delaycompress
}}
"
    ))
}

#[cfg(test)]
mod tests;
