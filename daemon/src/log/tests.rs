use super::*;
use crate::clock::{SimulatedClock, SystemClock};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Read as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::PathBuf;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, Ordering};
use tempfile::TempDir;
use tracing::{Dispatch, debug, dispatcher, error, info, trace, warn};

fn directory() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("logs/daemon.log");
    (directory, path)
}

fn settings(max_bytes: u64, keep: u32) -> Log {
    Log { max_bytes, keep, ..Log::default() }
}

/// In Berlin, a millisecond before the clock is put forward.
fn stamps() -> Stamps {
    let clock = Arc::new(SimulatedClock::at("2026-03-29T00:59:59.999Z".parse().unwrap()));
    Stamps { clock, zone: TimeZone::get("Europe/Berlin").unwrap() }
}

/// What is done while events go to this log, and what it kept.
fn told(settings: &Log, path: &Path, tell: impl FnOnce()) -> Guard {
    let (subscriber, guard) = subscriber(settings, path, stamps(), None).unwrap();
    tracing::subscriber::with_default(subscriber, tell);
    guard
}

fn text(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

fn lines(limits: Limits, path: &Path) -> (RotatingFile, impl Fn(&mut RotatingFile, &str) + use<>) {
    let tell = |file: &mut RotatingFile, line: &str| {
        file.tell(&format!("{line}\n"), |unwritten| format!("{unwritten}\n"));
    };
    (RotatingFile::open(path, limits).unwrap(), tell)
}

const SMALL: Limits = Limits { bytes_max: 10, keep: 2 };

#[test]
fn a_line_says_when_how_serious_where_and_what() {
    let (_directory, path) = directory();
    let line = line!() + 1;
    told(&Log::default(), &path, || warn!(cycle = 7, why = "slow", "the cycle is {}", "late"));
    let place = format!("daemon::log::tests:{line}");
    let expected =
        format!("2026-03-29T01:59:59.999+01:00 WARN  {place} the cycle is late cycle=7 why=slow\n");
    assert_eq!(text(&path), expected);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o137, 0, "0640 at the most");
}

#[test]
fn the_file_and_the_console_have_levels_of_their_own() {
    let (_directory, path) = directory();
    let kept = Arc::new(Mutex::new(Vec::new()));
    let console = |is_coloured| {
        Some(Console { stamps: stamps(), is_coloured, out: ConsoleOut::Kept(Arc::clone(&kept)) })
    };
    for is_coloured in [false, true] {
        let (subscriber, _) = subscriber(&Log::default(), &path, stamps(), console(is_coloured)).unwrap();
        tracing::subscriber::with_default(subscriber, || {
            trace!("one");
            debug!("two");
            info!("three");
        });
    }
    let words: Vec<_> = text(&path).lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(words, ["two", "three", "two", "three"]);
    let console = String::from_utf8(kept.lock().unwrap().clone()).unwrap();
    let plain = "2026-03-29 01:59:59 INFO  three\n";
    assert_eq!(console, format!("{plain}\x1b[2m2026-03-29 01:59:59\x1b[0m \x1b[32mINFO \x1b[0m three\n"));
}

#[test]
fn an_event_is_one_line_whatever_is_in_it() {
    let (_directory, path) = directory();
    let forged = "no\n2026-03-29T01:59:59.999+01:00 INFO  daemon:1 all is well\u{1b}[2J\u{202e}";
    told(&Log::default(), &path, || error!(answer = forged, "refused: {forged}"));
    let text = text(&path);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(!text.contains(['\u{1b}', '\u{202e}']), "{text}");
    assert!(text.contains("refused: no\\n2026") && text.contains("answer=no\\n2026"), "{text}");
}

#[test]
fn a_file_that_has_grown_becomes_the_first_of_the_older_ones() {
    let (_directory, path) = directory();
    let (mut file, tell) = lines(SMALL, &path);
    for line in ["1234", "12345", "12", "a line that is longer than a file may be", "end"] {
        tell(&mut file, line);
    }
    let older = |number: u32| text(&path.with_extension(format!("log.{number}")));
    assert_eq!(text(&path), "end\n");
    assert_eq!(older(1), "a line that is longer than a file may be\n");
    assert_eq!(older(2), "12345\n12\n", "the oldest has gone");
    assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 3);
}

#[test]
fn a_log_goes_on_where_it_was_left() {
    let (_directory, path) = directory();
    for line in ["one", "two", "three"] {
        let (mut file, tell) = lines(SMALL, &path);
        tell(&mut file, line);
    }
    assert_eq!(
        (text(&path).as_str(), text(&path.with_extension("log.1")).as_str()),
        ("three\n", "one\ntwo\n")
    );
}

#[test]
fn a_file_that_is_renamed_replaced_deleted_or_emptied_costs_no_line_after_that() {
    let (_directory, path) = directory();
    let (mut file, tell) = lines(Limits { bytes_max: 1_000, keep: 2 }, &path);
    tell(&mut file, "one");
    fs::rename(&path, path.with_extension("renamed")).unwrap();
    tell(&mut file, "two");
    assert_eq!((text(&path.with_extension("renamed")).as_str(), text(&path).as_str()), ("one\n", "two\n"));
    fs::remove_file(&path).unwrap();
    tell(&mut file, "three");
    assert_eq!(text(&path), "three\n");
    File::create(&path).unwrap();
    tell(&mut file, "four");
    assert_eq!(text(&path), "four\n");
    fs::rename(&path, path.with_extension("again")).unwrap();
    File::create(&path).unwrap();
    tell(&mut file, "and a half");
    assert_eq!(text(&path), "and a half\n", "as `create` of logrotate does");
    fs::remove_dir_all(path.parent().unwrap()).unwrap();
    tell(&mut file, "five");
    assert_eq!((text(&path).as_str(), file.unwritten()), ("five\n", 0));
}

#[test]
fn a_file_that_cannot_be_rotated_is_written_on() {
    let (_directory, path) = directory();
    let (mut file, tell) = lines(SMALL, &path);
    // Directories with something in them give way to nothing.
    for end in ["1", "2"] {
        fs::create_dir_all(path.with_extension("log").with_added_extension(end).join("something")).unwrap();
    }
    for line in ["one", "two", "three"] {
        tell(&mut file, line);
    }
    assert_eq!((text(&path).as_str(), file.unwritten()), ("one\ntwo\nthree\n", 0));
}

#[test]
fn what_a_full_disk_does_not_take_is_counted_and_told_once_it_does() {
    let (_directory, path) = directory();
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("/dev/full", &path).unwrap();
    let guard = told(&Log::default(), &path, || {
        info!("one");
        info!("two");
        fs::remove_file(&path).unwrap();
        info!("three");
    });
    let text = text(&path);
    let told: Vec<_> = text.lines().collect();
    assert_eq!((told.len(), guard.unwritten()), (2, 0), "{text}");
    assert!(
        told[0].contains("WARN") && told[0].contains(" 2 lines of this log could not be written: "),
        "{text}"
    );
    assert!(told[1].ends_with(" three"), "{text}");
}

/// Set for a test in a process of its own, with the log's path.
const OWN_PATH: &str = "WORLD_TEST_LOG_PATH";

/// Runs a test in a process of its own, which is set up by a shell.
fn in_own_process(set_up: &str, name: &str, path: &Path) -> Output {
    Command::new("sh")
        .args(["-c", &format!("{set_up} exec \"$0\" --exact \"$1\" --nocapture")])
        .arg(std::env::current_exe().unwrap())
        .arg(name)
        .env(OWN_PATH, path)
        .output()
        .unwrap()
}

/// A process of its own is given a limit on the size of files, which ends a line in its middle as a disk does
/// that fills up.
#[test]
fn a_disk_that_fills_up_amid_a_line_keeps_no_half_of_it() {
    let name = "log::tests::a_disk_that_fills_up_amid_a_line_keeps_no_half_of_it";
    if let Some(path) = std::env::var_os(OWN_PATH) {
        return write_beyond_limit(Path::new(&path));
    }
    let (_directory, path) = directory();
    let output = in_own_process("trap '' XFSZ; ulimit -S -f 2;", name, &path);
    assert!(output.status.success(), "{output:?}");
    let text = text(&path);
    let told: Vec<_> = text.lines().collect();
    let (last, whole) = told.split_last().unwrap();
    assert_eq!(*last, "x".repeat(99), "the line after the note");
    let (note, whole) = whole.split_last().unwrap();
    assert!(note.starts_with("5 lines of this log could not be written: File too large"), "{note}");
    assert!(whole.len() > 5 && whole.iter().all(|line| *line == "x".repeat(99)), "{text}");
}

fn write_beyond_limit(path: &Path) {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let (mut file, tell) = lines(Limits { bytes_max: 1_000_000, keep: 1 }, path);
    while file.unwritten() < 5 {
        tell(&mut file, &"x".repeat(99));
    }
    let maximum = getrlimit(Resource::Fsize).maximum;
    setrlimit(Resource::Fsize, Rlimit { current: maximum, maximum }).unwrap();
    tell(&mut file, &"x".repeat(99));
}

#[test]
fn threads_lose_no_line_while_files_are_rotated_renamed_and_deleted() {
    const THREADS: u64 = 4;
    const LINES: u64 = 4_000;
    let (_directory, path) = directory();
    let stamps = Stamps { clock: Arc::new(SystemClock::start()), zone: TimeZone::UTC };
    let (subscriber, guard) = subscriber(&settings(20_000, 1_000), &path, stamps, None).unwrap();
    let dispatch = Dispatch::new(subscriber);
    let are_done = AtomicBool::new(false);
    let deleted = std::thread::scope(|scope| {
        let disturbing = scope.spawn(|| disturb(&path, &are_done));
        let writers: Vec<_> = (0..THREADS)
            .map(|thread| {
                let dispatch = dispatch.clone();
                let write = move || (0..LINES).for_each(|number| info!("thread {thread} line {number}"));
                scope.spawn(move || dispatcher::with_default(&dispatch, write))
            })
            .collect();
        for writer in writers {
            writer.join().unwrap();
        }
        are_done.store(true, Ordering::Release);
        disturbing.join().unwrap()
    });
    let mut texts = deleted;
    let mut rotated = 0;
    for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
        let path = entry.unwrap().path();
        rotated +=
            u32::from(path.extension().is_some_and(|end| end.to_str().unwrap().parse::<u32>().is_ok()));
        texts.push(text(&path));
    }
    assert!(rotated > 5, "{rotated}");
    assert_eq!(guard.unwritten(), 0);
    // Of each thread each file has lines that follow each other; so they are in order if all are there once.
    let mut all: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
    for text in texts {
        let mut here: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        for line in text.lines() {
            let (thread, number) = line.split_once(" thread ").unwrap().1.split_once(" line ").unwrap();
            here.entry(thread.parse().unwrap()).or_default().push(number.parse().unwrap());
        }
        for (thread, numbers) in here {
            assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{thread}: {numbers:?}");
            all.entry(thread).or_default().extend(numbers);
        }
    }
    for thread in 0..THREADS {
        let mut numbers = all.remove(&thread).unwrap();
        numbers.sort_unstable();
        assert!(numbers.into_iter().eq(0..LINES), "thread {thread}");
    }
}

/// Renames the file again and again, and deletes every other one of these; gives what was in them at the end.
fn disturb(path: &Path, are_done: &AtomicBool) -> Vec<String> {
    let mut deleted: Vec<File> = Vec::new();
    let mut renamed = 0;
    while !are_done.load(Ordering::Acquire) {
        let elsewhere = path.with_extension(format!("renamed-{renamed}"));
        if fs::rename(path, &elsewhere).is_ok() {
            renamed += 1;
            if renamed % 2 == 0 {
                deleted.push(File::open(&elsewhere).unwrap());
                fs::remove_file(&elsewhere).unwrap();
            }
        }
        if renamed >= 200 {
            break;
        }
        std::thread::yield_now();
    }
    while !are_done.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    assert!(renamed > 10, "{renamed}");
    let read = |mut file: File| {
        let mut text = String::new();
        file.read_to_string(&mut text).unwrap();
        text
    };
    deleted.into_iter().map(read).collect()
}

#[test]
fn a_process_has_one_log() {
    if let Some(path) = std::env::var_os(OWN_PATH) {
        let install = || install(&Log::default(), Path::new(&path), stamps(), true);
        let guard = install().unwrap();
        assert!(matches!(install(), Err(LogError::Twice)));
        info!("for good");
        return assert_eq!(guard.unwritten(), 0);
    }
    let (_directory, path) = directory();
    let output = in_own_process("", "log::tests::a_process_has_one_log", &path);
    assert!(output.status.success(), "{output:?}");
    assert!(text(&path).ends_with("for good\n"));
    assert!(!String::from_utf8_lossy(&output.stderr).contains("for good"), "the console is quiet");
}

#[test]
fn a_log_that_cannot_be_opened_is_told() {
    let (directory, _) = directory();
    let error = install(&Log::default(), directory.path(), stamps(), true).unwrap_err();
    assert!(matches!(error, LogError::File { .. }), "{error}");
}
