//! `world daemon units`: texts for whoever looks after the daemon.

use super::cli::{KeeperArg, UnitsArgs};
use super::{DaemonError, settings};
use crate::program::Failure;
use crate::stdio::Stdio;
use crate::{exit_code, own_file};
use daemon::units::{Installation, Keeper};
use std::env;
use std::path::Path;
use std::time::Duration;

/// Prints one.
pub(super) fn units(args: &UnitsArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let user = args.user.clone().or_else(|| env::var("USER").ok()).unwrap_or_else(|| "root".to_owned());
    let path = Path::new(&args.which.config);
    let config = match path.exists().then(|| std::path::absolute(path)) {
        Some(Ok(path)) => path.display().to_string(),
        _ => args.which.config.clone(),
    };
    let installation = Installation {
        program: own_file::path()?,
        config,
        log: place.log(),
        group: args.group.clone().unwrap_or_else(|| user.clone()),
        user,
        grace: Duration::from_secs(place.setup.config.settings.grace_seconds.into()),
        base: place.base,
    };
    let keeper = match args.keeper {
        KeeperArg::Systemd => Keeper::Systemd,
        KeeperArg::Supervisord => Keeper::Supervisord,
        KeeperArg::Logrotate => Keeper::Logrotate,
    };
    let text = keeper.text(&installation).map_err(DaemonError::from)?;
    stdio.out.print(&[text.trim_end().to_owned()])?;
    Ok(exit_code::OK)
}
