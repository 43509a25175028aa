//! `world daemon collect`: what helps to find an error, in one archive.
//!
//! There are no secrets in it: a configuration says where they are and not what they are, and the log never
//! has them. There is nothing in it that was asked or answered either: of sends only counts are told.

use super::cli::CollectArgs;
use super::settings::{self, Place};
use super::status::{self, now};
use super::{DaemonError, summary};
use crate::exit_code;
use crate::program::Failure;
use crate::stdio::Stdio;
use daemon::ledger::Ledger;
use std::fs::{self, File};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use tar::{Builder, Header};

/// Bytes of the end of a log that are taken.
const LOG_BYTES: u64 = 4 << 20;

/// Bytes of any other file.
const FILE_BYTES: u64 = 1 << 20;

/// Days whose summaries are taken.
const DAYS: usize = 14;

/// Slots that are told of, from the last on.
const CYCLES: u32 = 500;

/// The archive while it is made.
struct Bundle<W: io::Write> {
    archive: Builder<W>,
    /// What could not be taken, and why.
    missing: Vec<String>,
}

/// Makes it.
pub(super) fn collect(args: &CollectArgs, stdio: &mut Stdio) -> Result<u8, Failure> {
    let place = settings::place(&args.which)?;
    let named = || PathBuf::from(format!("world-daemon-{}.tar", now().strftime("%Y%m%dT%H%M%SZ")));
    let path = args.archive.clone().unwrap_or_else(named);
    let cannot = || DaemonError::system(format!("write {}", path.display()));
    let file = match File::options().write(true).create_new(true).open(&path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(DaemonError::Taken(path).into());
        }
        file => file.map_err(cannot())?,
    };
    let mut bundle = Bundle { archive: Builder::new(file), missing: Vec::new() };
    bundle.fill(&place, args).map_err(cannot())?;
    let missing = std::mem::take(&mut bundle.missing);
    bundle.archive.into_inner().and_then(|mut file| file.flush()).map_err(cannot())?;
    stdio.out.print(&[format!("{}", path.display())])?;
    let warnings: Vec<_> = missing.iter().map(|missing| crate::console::warning_line(missing)).collect();
    stdio.err.print(&warnings)?;
    Ok(exit_code::OK)
}

impl<W: io::Write> Bundle<W> {
    fn fill(&mut self, place: &Place, args: &CollectArgs) -> io::Result<()> {
        let output = &place.setup.config.settings.output;
        self.add("about.txt", about(place).as_bytes())?;
        let settings = serde_json::to_vec_pretty(&place.setup.config.settings)?;
        self.add("configuration.json", &settings)?;
        self.add_file("configuration-as-written", Path::new(&args.which.config), FILE_BYTES)?;
        match status::look(place, now()) {
            Ok(status) => self.add("status.json", &serde_json::to_vec_pretty(&status)?)?,
            Err(error) => self.missing.push(format!("the status: {error}")),
        }
        self.add_ledger(place)?;
        for name in [daemon::board::FILE, daemon::estop::FILE, daemon::estop::LOG_FILE, "daemon_stderr.log"] {
            self.add_file(name, &place.base.join(name), FILE_BYTES)?;
        }
        self.add_file("log.txt", &place.log(), LOG_BYTES)?;
        let directory = place.base.join(&output.daily_summary_dir);
        for path in latest(&directory) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            self.add_file(&format!("summaries/{name}"), &path, FILE_BYTES)?;
        }
        let missing = self.missing.join("\n");
        self.add("missing.txt", missing.as_bytes())
    }

    /// What the ledger says of cycles, and nothing of single sends.
    fn add_ledger(&mut self, place: &Place) -> io::Result<()> {
        let path = place.ledger();
        if !path.exists() {
            return Ok(());
        }
        let told = Ledger::look(&path).and_then(|ledger| ledger.last_cycles(CYCLES));
        match told {
            Ok(cycles) => self.add("cycles.txt", summary::cycles(&cycles).join("\n").as_bytes()),
            Err(error) => {
                self.missing.push(format!("cycles: {error}"));
                Ok(())
            }
        }
    }

    fn add(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o640);
        header.set_mtime(u64::try_from(now().as_second()).unwrap_or_default());
        self.archive.append_data(&mut header, format!("world-daemon/{name}"), bytes)
    }

    /// The end of a file; one that is not there is none of ours.
    fn add_file(&mut self, name: &str, path: &Path, bytes_max: u64) -> io::Result<()> {
        match end_of(path, bytes_max) {
            Ok(bytes) => self.add(name, &bytes),
            Err(error) => {
                if error.kind() != io::ErrorKind::NotFound {
                    self.missing.push(format!("{}: {error}", path.display()));
                }
                Ok(())
            }
        }
    }
}

fn end_of(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it is no file"));
    }
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(bytes_max)))?;
    let mut bytes = Vec::new();
    file.take(bytes_max).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The last summaries, by their dates.
fn latest(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut summaries: Vec<_> =
        entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect();
    summaries.sort();
    summaries.split_off(summaries.len().saturating_sub(DAYS))
}

fn about(place: &Place) -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let files = fs::read_dir(&place.base).into_iter().flatten().flatten();
    let mut sizes: Vec<_> = files
        .filter_map(|entry| Some(format!("{:>12}  {}", entry.metadata().ok()?.len(), entry.path().display())))
        .collect();
    sizes.sort();
    format!(
        "world {} on {}\ntime {}\nconfiguration {}\nbase directory {}\nzone {}\n\n{}{}\n{}\n",
        env!("CARGO_PKG_VERSION"),
        read("/proc/version").trim(),
        now(),
        place.name,
        place.base.display(),
        place.setup.zone,
        read("/etc/os-release"),
        read("/proc/meminfo").lines().take(3).collect::<Vec<_>>().join("\n"),
        sizes.join("\n")
    )
}
