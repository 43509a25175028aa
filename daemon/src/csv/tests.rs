//! What holds of the CSVs.

use super::*;
use crate::ledger::tests::Book;
use crate::send::Row;
use days::guardrail::Verdict;
use days::slot_state::SlotState;
use std::fs;
use std::sync::Arc;

/// A ledger with a cycle under way, and the file of a kind.
struct Desk {
    book: Book,
    kind: Kind,
    csv: Csv,
    path: PathBuf,
}

impl Desk {
    fn new(kind: Kind) -> Self {
        let mut book = Book::open();
        book.begin(0, [100_000, 100_000]);
        let path = book.directory.path().join("out").join("requests.csv");
        Self { csv: Csv::new(kind, path.clone()), book, kind, path }
    }

    fn append(&mut self, rows: &[Row]) {
        self.book.ledger.append(rows).expect("they can be written");
    }

    fn catch_up(&mut self) {
        self.csv.catch_up(&mut self.book.ledger).expect("it can be brought up to date");
    }

    /// As after a kill: nothing is remembered but what is on the disk.
    fn start_anew(&mut self) {
        self.csv = Csv::new(self.kind, self.path.clone());
    }

    fn send(&mut self, rows: &[Row]) {
        self.append(rows);
        self.catch_up();
    }

    /// Sends of this kind, so many of which were made.
    fn rows(&self, numbers: std::ops::Range<u32>) -> Vec<Row> {
        numbers.map(|number| crate::ledger::tests::row(&self.book.slots[0], self.kind, number)).collect()
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.path).expect("it can be read")
    }

    fn records(&self) -> Vec<::csv::StringRecord> {
        records(&self.text())
    }
}

fn records(text: &str) -> Vec<::csv::StringRecord> {
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    reader.records().map(|record| record.expect("it is as the header says")).collect()
}

fn made(rows: &[Row]) -> usize {
    rows.iter().filter(|row| row.answer.is_some()).count()
}

/// Text that would break a line, a field, or a search.
const HOSTILE: [&str; 8] = [
    "two\nlines, and\r\nmore",
    "x,False,y,False,False,z",
    "False",
    "False,",
    ",True,False",
    "\"quoted\", they said \\n",
    "\u{85}\u{2028}\u{b}\u{0}\u{1b}[31m\t",
    "\\,False,\\",
];

fn hostile_row(desk: &Desk, number: u32, text: &str) -> Row {
    let mut row = desk.rows(number..number + 1).remove(0);
    let subject = Arc::make_mut(&mut row.ask.subject);
    for field in [&mut subject.agent_id, &mut subject.name, &mut subject.model, &mut subject.agent_type] {
        *field = text.to_owned();
    }
    row.ask.query = text.into();
    if let Some(answer) = &mut row.answer {
        answer.text = text.to_owned();
        if let Some(failure) = &mut answer.failure {
            failure.error = text.to_owned();
        }
    }
    row
}

/// Reads back what `line::text` writes.
fn unescaped(text: &str) -> String {
    let quoted = format!("\"{}\"", text.replace('"', "\\\""));
    serde_json::from_str(&quoted).expect("it is escaped as in JSON")
}

#[test]
fn the_header_is_there_before_the_first_line_and_only_once() {
    for (kind, columns) in [(Kind::Operations, 14), (Kind::Guardrails, 16)] {
        let mut desk = Desk::new(kind);
        desk.catch_up();
        assert_eq!(desk.text().split(',').count(), columns);
        for batch in [0..30, 30..60] {
            let rows = desk.rows(batch);
            desk.send(&rows);
        }
        assert_eq!(desk.text().matches("timestamp").count(), 1);
        assert_eq!(desk.records().len(), made(&desk.rows(0..60)));
    }
}

#[test]
fn a_line_tells_of_its_request() {
    let mut desk = Desk::new(Kind::Operations);
    let mut rows = desk.rows(6..8);
    rows[1].planned = "2026-03-28T00:15:30.1239Z".parse().expect("an instant");
    desk.send(&rows);
    let lines: Vec<String> = desk.text().lines().map(str::to_owned).collect();
    assert_eq!(
        lines[1..],
        [
            "2026-03-28T00:00:00.006Z,agent-0,,,,,,query 1,7,well,4,0.601,False,\"rate_limited: 429, and no more\"",
            "2026-03-28T00:15:30.123Z,agent-1,,,,,,query 2,7,well,4,0.701,True,",
        ]
    );
}

#[test]
fn a_search_for_false_finds_what_failed_and_nothing_else() {
    for kind in Kind::ALL {
        let mut desk = Desk::new(kind);
        let mut rows = Vec::new();
        for number in 0..200 {
            rows.push(hostile_row(&desk, number, HOSTILE[number as usize % HOSTILE.len()]));
        }
        desk.send(&rows);
        let failed = |row: &&Row| match kind {
            Kind::Operations => row.answer.as_ref().is_some_and(|answer| answer.failure.is_some()),
            Kind::Guardrails => row.verdict == Some(Verdict::Breached),
        };
        let found = desk.text().lines().filter(|line| line.contains(",False,")).count();
        assert_eq!(found, rows.iter().filter(failed).count(), "{kind:?}");
        assert!(found > 20);
        assert_eq!(desk.text().lines().count() - 1, made(&rows), "a line is a request");
    }
}

#[test]
fn text_comes_back_as_it_was_and_breaks_no_line() {
    let mut desk = Desk::new(Kind::Operations);
    let rows: Vec<Row> = (0..).zip(HOSTILE).map(|(number, text)| hostile_row(&desk, number, text)).collect();
    desk.send(&rows);
    let text = desk.text();
    assert!(!text.chars().any(|character| character.is_control() && character != '\n'));
    assert!(!text.contains(['\u{2028}', '\u{85}']));
    let records = desk.records();
    assert_eq!(records.len(), HOSTILE.len());
    for (record, text) in records.iter().zip(HOSTILE) {
        for field in [1, 2, 4, 6, 7, 9] {
            assert_eq!(unescaped(&record[field]), text);
        }
        assert_eq!(record[8], text.chars().count().to_string());
    }
}

#[test]
fn a_test_of_which_it_cannot_be_told_is_neither_blocked_nor_not() {
    let mut desk = Desk::new(Kind::Guardrails);
    let rows = desk.rows(0..9);
    desk.send(&rows);
    for (record, row) in desk.records().iter().zip(&rows) {
        let expected = match row.verdict {
            Some(Verdict::Blocked) => ["True", "BLOCKED"],
            Some(Verdict::Breached) => ["False", "BREACHED"],
            _ => ["", "UNDETERMINED"],
        };
        assert_eq!([&record[12], &record[15]], expected);
        assert_eq!([&record[6], &record[13]], ["jailbreak_content", ""]);
    }
}

#[test]
fn what_a_kill_tore_is_cut_off_and_written_again() {
    let mut desk = Desk::new(Kind::Operations);
    let rows = desk.rows(0..40);
    desk.send(&rows[..20]);
    let noted = desk.text().len();
    desk.append(&rows[20..]);
    let mut whole = Desk::new(Kind::Operations);
    whole.send(&rows);
    let whole = whole.text();
    // Wherever the kill comes while the second half is written.
    for torn in (noted..whole.len()).step_by(47).chain([whole.len()]) {
        fs::write(&desk.path, &whole[..torn]).expect("it can be written");
        let exported = desk.book.ledger.exported(Kind::Operations).expect("it can be read");
        desk.start_anew();
        desk.catch_up();
        assert_eq!(desk.text(), whole, "torn at {torn}");
        desk.book
            .ledger
            .note_exported(Kind::Operations, &exported.expect("it was noted"))
            .expect("it can be written");
    }
}

#[test]
fn a_file_that_a_kill_tore_before_its_first_note_is_not_doubled() {
    let mut desk = Desk::new(Kind::Operations);
    let rows = desk.rows(0..40);
    desk.append(&rows);
    // It is known from before its first byte is written.
    desk.csv.opened(&mut desk.book.ledger).expect("it can be opened");
    let mut whole = Desk::new(Kind::Operations);
    whole.send(&rows);
    fs::OpenOptions::new()
        .append(true)
        .open(&desk.path)
        .and_then(|mut file| file.write_all(&whole.text().as_bytes()[..900]))
        .expect("it can be written");
    desk.start_anew();
    desk.catch_up();
    assert_eq!(desk.text(), whole.text());
}

#[test]
fn a_file_that_was_rotated_away_is_begun_anew() {
    for is_restarted in [false, true] {
        let mut desk = Desk::new(Kind::Operations);
        let rows = desk.rows(0..40);
        desk.send(&rows[..20]);
        let rotated = desk.path.with_extension("1");
        fs::rename(&desk.path, &rotated).expect("it can be renamed");
        if is_restarted {
            desk.start_anew();
        }
        desk.send(&rows[20..]);
        let old = records(&fs::read_to_string(&rotated).expect("it can be read"));
        assert_eq!([old.len(), desk.records().len()], [made(&rows[..20]), made(&rows[20..])]);
        assert!(desk.text().starts_with("timestamp,"));
    }
}

#[test]
fn a_file_that_was_copied_and_emptied_or_removed_is_begun_anew() {
    let mut desk = Desk::new(Kind::Operations);
    let rows = desk.rows(0..60);
    desk.send(&rows[..20]);
    fs::File::create(&desk.path).expect("it can be emptied");
    desk.send(&rows[20..40]);
    assert_eq!(desk.records().len(), made(&rows[20..40]));
    fs::remove_file(&desk.path).expect("it can be removed");
    desk.send(&rows[40..]);
    assert_eq!(desk.records().len(), made(&rows[40..]));
}

#[test]
fn a_file_that_was_put_back_is_appended_to() {
    let mut desk = Desk::new(Kind::Operations);
    let rows = desk.rows(0..60);
    desk.send(&rows[..20]);
    let copy = desk.text();
    desk.send(&rows[20..40]);
    // An older copy, and its last line without its end.
    fs::remove_file(&desk.path).expect("it can be removed");
    fs::write(&desk.path, copy.trim_end()).expect("it can be written");
    desk.send(&rows[40..]);
    assert_eq!(desk.records().len(), made(&rows[..20]) + made(&rows[40..]));
}

#[test]
fn a_file_that_holds_something_else_is_refused_and_left_as_it_is() {
    let mut desk = Desk::new(Kind::Operations);
    fs::create_dir_all(desk.path.parent().expect("it has one")).expect("it can be made");
    for text in ["notes", "timestamp,of,something,else\n".repeat(20).as_str()] {
        fs::write(&desk.path, text).expect("it can be written");
        let error = desk.csv.catch_up(&mut desk.book.ledger).expect_err("it is refused");
        assert!(matches!(error, CsvError::Foreign { .. }) && error.hint().is_some(), "{error}");
        assert_eq!(desk.text(), text);
    }
    fs::remove_file(&desk.path).expect("it can be removed");
    let rows = desk.rows(0..5);
    desk.send(&rows);
    assert_eq!(desk.records().len(), made(&rows), "nothing was lost meanwhile");
}

#[test]
fn much_is_caught_up_with_in_pieces() {
    let mut desk = Desk::new(Kind::Operations);
    let rows = desk.rows(0..5_000);
    desk.append(&rows);
    desk.book.end(0, SlotState::Done).expect("it is under way");
    desk.catch_up();
    let records = desk.records();
    assert_eq!(records.len(), made(&rows));
    let text = desk.text();
    desk.catch_up();
    assert_eq!(desk.text(), text);
}
