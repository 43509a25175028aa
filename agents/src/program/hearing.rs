//! What a program says in a round, and what is made of it. No input or output happens here.
//!
//! Of all that a program writes, one line decides about a round, the first that is not passed over:
//!
//! | line | what becomes of it |
//! |---|---|
//! | blank | passed over |
//! | a decision on an earlier round: late, or a second answer | passed over |
//! | a decision on this round | the answer |
//! | a decision on a later round, anything else, or too much of anything | nonsense: this round has no answer |
//!
//! So what is decided follows from what was written, in its order, and not from when it arrived.

use super::lines::{Cut, Lines};
use super::wire::Decide;
use worlds::definition::nearest;
use worlds::message::is_noise;

/// Bytes of a line, without its end. The longest that makes sense, of an SRE on the largest world that
/// acknowledges and explains everything and gives its reasons, takes 2.6 MB.
pub const LINE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// Bytes that are read for one round: the answer, and as much that is passed over.
pub const ROUND_BYTES_MAX: usize = 2 * LINE_BYTES_MAX;

/// Lines that are read for one round. Somebody who comes from behind has one line to be passed over for
/// each round that was missed; whoever writes more than this is not answering.
pub const ROUND_LINES_MAX: u32 = 1_000;

/// Characters of a line that is shown to whoever wrote it.
const EXCERPT_CHARS_MAX: usize = 120;

/// Characters of why a line is none that makes sense. Names that are none are in it.
const REASON_CHARS_MAX: usize = 300;

/// Bytes that are shown before a place where something is wrong.
const EXCERPT_BEFORE: usize = 60;

/// What decides about a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The answer.
    Answer(Box<Decide>),
    /// No answer.
    Nonsense(Nonsense),
}

/// What is no answer to a round.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Nonsense {
    /// What it is instead.
    pub sort: NonsenseSort,
    /// Why it is none, for whoever wrote it.
    pub why: String,
}

/// What something is that is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NonsenseSort {
    /// Not even a JSON object.
    Foreign,
    /// Meant to be a decision.
    Malformed,
    /// A decision on a round that has not come.
    LaterRound,
    /// More than is read.
    TooMuch,
}

/// Lines that were passed over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PassedOver {
    /// Decisions on earlier rounds.
    pub earlier: u64,
    /// The round of the last of these.
    pub latest: Option<u32>,
}

/// How far a program is heard.
#[derive(Clone, Copy, Debug)]
struct Limits {
    line_bytes: usize,
    round_bytes: usize,
    round_lines: u32,
}

/// What a program has written.
#[derive(Debug)]
pub(crate) struct Hearing {
    lines: Lines,
    limits: Limits,
    /// Bytes that may still be taken out in this round.
    room: usize,
    /// Lines of this round.
    count: u32,
    /// Of all rounds.
    passed_over: PassedOver,
}

/// What one line is.
enum Judgement {
    Decides(Heard),
    /// A decision on this earlier round.
    Earlier(u32),
    Blank,
}

impl Hearing {
    pub(crate) fn new() -> Self {
        Self::within(Limits {
            line_bytes: LINE_BYTES_MAX,
            round_bytes: ROUND_BYTES_MAX,
            round_lines: ROUND_LINES_MAX,
        })
    }

    fn within(limits: Limits) -> Self {
        let lines = Lines::of_up_to(limits.line_bytes);
        Self { lines, limits, room: limits.round_bytes, count: 0, passed_over: PassedOver::default() }
    }

    /// A round begins.
    pub(crate) fn begin(&mut self) {
        self.room = self.limits.round_bytes;
        self.count = 0;
    }

    /// Takes in what was read; [`Hearing::judge`] has to be asked before more is.
    pub(crate) fn hear(&mut self, bytes: &[u8]) {
        self.lines.push(bytes);
    }

    /// Decisions that were passed over so far.
    pub(crate) fn passed_over(&self) -> PassedOver {
        self.passed_over
    }

    /// What decides about a round, if it has arrived.
    pub(crate) fn judge(&mut self, round: u32) -> Option<Heard> {
        loop {
            let Limits { line_bytes, round_bytes, round_lines } = self.limits;
            let judgement = match self.lines.take(&mut self.room) {
                Cut::Nothing => return None,
                Cut::NoRoom => return Some(too_much(format!("more than {round_bytes} bytes in one round"))),
                Cut::TooLong => return Some(too_much(format!("a line of more than {line_bytes} bytes"))),
                Cut::Line(line) => judged(line, round),
            };
            if let Some(heard) = self.note(judgement) {
                return Some(heard);
            }
            self.count += 1;
            if self.count > round_lines {
                return Some(too_much(format!("more than {round_lines} lines in one round")));
            }
        }
    }

    /// The same of what is left when nothing more will come.
    pub(crate) fn judge_rest(&mut self, round: u32) -> Option<Heard> {
        self.judge(round).or_else(|| {
            let judgement = self.lines.take_rest().map(|line| judged(line, round))?;
            self.note(judgement)
        })
    }

    fn note(&mut self, judgement: Judgement) -> Option<Heard> {
        match judgement {
            Judgement::Decides(heard) => return Some(heard),
            Judgement::Earlier(round) => {
                self.passed_over.earlier += 1;
                self.passed_over.latest = Some(round);
            }
            Judgement::Blank => {}
        }
        None
    }
}

/// What a line is in a round.
fn judged(line: &[u8], round: u32) -> Judgement {
    let line = line.trim_ascii();
    if line.is_empty() {
        return Judgement::Blank;
    }
    let nonsense = |sort, why: String| Judgement::Decides(Heard::Nonsense(Nonsense { sort, why }));
    if line[0] != b'{' {
        return nonsense(NonsenseSort::Foreign, format!("this is no JSON object: {}", excerpt(line)));
    }
    match serde_json::from_slice::<Decide>(line) {
        Ok(decide) if decide.round < round => Judgement::Earlier(decide.round),
        Ok(decide) if decide.round > round => {
            let why =
                format!("a decision on round {}, and this is round {round}: {}", decide.round, excerpt(line));
            nonsense(NonsenseSort::LaterRound, why)
        }
        Ok(decide) => Judgement::Decides(Heard::Answer(Box::new(decide))),
        Err(error) => nonsense(NonsenseSort::Malformed, misread(line, &error)),
    }
}

fn too_much(why: String) -> Heard {
    Heard::Nonsense(Nonsense { sort: NonsenseSort::TooMuch, why })
}

/// Why a line cannot be read, where, and what may have been meant.
fn misread(line: &[u8], error: &serde_json::Error) -> String {
    let told = error.to_string().replace("at line 1 column", "at column");
    let advice = meant(&told).map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
    let shown = match error.column().checked_sub(EXCERPT_BEFORE) {
        Some(start) if start > EXCERPT_BEFORE => format!("...{}", excerpt(&line[start.min(line.len())..])),
        _ => excerpt(line),
    };
    format!("{}{advice}: {shown}", excerpt_of(told.as_bytes(), REASON_CHARS_MAX))
}

/// Of an error about a name that is not known, and which tells those that are: which was meant. All of them
/// stand between backticks.
fn meant(error: &str) -> Option<&str> {
    error.starts_with("unknown ").then_some(())?;
    let mut names = error.split('`').skip(1).step_by(2);
    let word = names.next()?;
    nearest::nearest(word, names)
}

/// The beginning of a line, fit to be shown.
pub(crate) fn excerpt(line: &[u8]) -> String {
    excerpt_of(line, EXCERPT_CHARS_MAX)
}

fn excerpt_of(line: &[u8], most: usize) -> String {
    // A character takes four bytes at most.
    let text = String::from_utf8_lossy(&line[..line.len().min(4 * most)]);
    let shown = |letter: char| if is_noise(letter) { char::REPLACEMENT_CHARACTER } else { letter };
    let mut excerpt: String = text.chars().take(most).map(shown).collect();
    if text.chars().nth(most).is_some() || line.len() > 4 * most {
        excerpt += "...";
    }
    excerpt
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hearing(said: &str) -> Hearing {
        let mut hearing = Hearing::new();
        hearing.begin();
        hearing.hear(said.as_bytes());
        hearing
    }

    fn answer(round: u32) -> Option<Heard> {
        Some(Heard::Answer(Box::new(Decide { round, ..Decide::default() })))
    }

    #[track_caller]
    fn is_nonsense(heard: Option<Heard>, why: &str) {
        match heard {
            Some(Heard::Nonsense(told)) => assert!(told.why.contains(why), "{}", told.why),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn earlier_and_blank_lines_are_passed_over() {
        let mut hearing = hearing("\n{\"round\":1}\n  \r\n{\"round\":2}\n {\"round\":3} \r\n{\"round\":3}\n");
        assert_eq!(hearing.judge(3), answer(3));
        // The second answer to the third round is too late for the fourth.
        hearing.begin();
        assert_eq!(hearing.judge(4), None);
        assert_eq!(hearing.passed_over(), PassedOver { earlier: 3, latest: Some(3) });
    }

    #[test]
    fn half_an_answer_is_waited_for_and_the_last_needs_no_end() {
        let mut hearing = hearing("{\"rou");
        assert_eq!(hearing.judge(3), None);
        hearing.hear(b"nd\":3}");
        assert_eq!(hearing.judge(3), None);
        assert_eq!(hearing.judge_rest(3), answer(3));
        assert_eq!(hearing.judge_rest(4), None);
    }

    #[test]
    fn nonsense_decides_about_its_round_and_no_other() {
        let mut hearing = hearing("hello\n{\"round\":3}\n{\"round\":4}\n");
        is_nonsense(hearing.judge(3), "this is no JSON object: hello");
        hearing.begin();
        assert_eq!(hearing.judge(4), answer(4));
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_beginning() {
        is_nonsense(hearing("{\"round\":9}\n").judge(3), "a decision on round 9, and this is round 3");
        is_nonsense(hearing("{\"round\":3,\"action\":[]}\n").judge(3), "unknown field `action`");
        is_nonsense(hearing("\u{1}\u{1b}[2J\n").judge(3), "no JSON object: \u{fffd}\u{fffd}[2J");
        is_nonsense(hearing(&format!("{}\n", "x".repeat(5_000))).judge(3), "xxx...");
        is_nonsense(hearing("\u{feff}{\"round\":3}\n").judge(3), "no JSON object: \u{fffd}{");
        is_nonsense(hearing("a\u{202e}b\u{2028}c\n").judge(3), "no JSON object: a\u{fffd}b\u{fffd}c");
        // A name is quoted as it is meant, with all that it may hold.
        let named = "{\"round\":3,\"\\u001b]0;x\\u0007\":1}\n";
        is_nonsense(hearing(named).judge(3), "unknown field `\u{fffd}]0;x\u{fffd}`");
        match hearing(&format!("{{\"{}\":1}}\n", "y".repeat(100_000))).judge(3) {
            Some(Heard::Nonsense(told)) => assert!(told.why.chars().count() < 500, "{}", told.why),
            other => panic!("{other:?}"),
        }
        let mut binary = Hearing::new();
        binary.hear(b"{\"note\":\"\xff\xfe\"}\n");
        is_nonsense(binary.judge(3), "invalid unicode");
    }

    #[test]
    fn what_is_misspelt_is_told_with_its_place_and_what_was_meant() {
        let long = "x".repeat(300);
        for (line, told) in [
            (r#"{"round":3,"action":[]}"#.to_owned(), "at column 19; did you mean `actions`?: {\"round\":3,"),
            (r#"{"round":3,"type":"decided"}"#.to_owned(), "did you mean `decide`?"),
            (format!(r#"{{"round":3,"note":"{long}","actoins":[]}}"#), "`actions`?: ...xxx"),
            (format!(r#"{{"round":3,"note":"{long}","actoins":[]}}"#), "xxx\",\"actoins\":[]}"),
            (r#"{"round":3,"weather":[]}"#.to_owned(), "`note` at column 20: {"),
            (r#"{"round":3"#.to_owned(), "EOF while parsing an object at column 10: {"),
        ] {
            is_nonsense(hearing(&format!("{line}\n")).judge(3), told);
        }
    }

    #[test]
    fn what_is_left_at_the_end_is_passed_over_like_all_before() {
        let mut hearing = hearing("{\"round\":1}\n{\"round\":2}");
        assert_eq!(hearing.judge_rest(3), None);
        assert_eq!(hearing.passed_over(), PassedOver { earlier: 2, latest: Some(2) });
    }

    #[test]
    fn one_who_floods_is_heard_no_further_than_the_limits_and_may_go_on() {
        let mut flood = hearing(&"{\"round\":1}\n".repeat(ROUND_LINES_MAX as usize + 5));
        is_nonsense(flood.judge(2), "more than 1000 lines");
        flood.begin();
        flood.hear(b"{\"round\":3}\n");
        assert_eq!(flood.judge(3), answer(3));

        let mut endless = Hearing::new();
        let piece = vec![b'x'; 64 * 1024];
        let mut hear = |round| loop {
            endless.hear(&piece);
            if let Some(heard) = endless.judge(round) {
                return heard;
            }
        };
        is_nonsense(Some(hear(1)), "a line of more than");
        is_nonsense(Some(hear(1)), "more than 8388608 bytes in one round");
        endless.begin();
        endless.hear(b"x\n{\"round\":2}\n");
        assert_eq!(endless.judge(2), answer(2));
    }

    /// What is made of a text in as many rounds, in words, when it arrives in pieces of so many bytes.
    fn heard_in(text: &str, rounds: u32, step: usize) -> Vec<String> {
        let limits = Limits { line_bytes: 16, round_bytes: 40, round_lines: 3 };
        let (mut hearing, mut pieces) = (Hearing::within(limits), text.as_bytes().chunks(step));
        let told = |heard: Option<Heard>| match heard {
            Some(Heard::Answer(_)) => "answer".to_owned(),
            Some(Heard::Nonsense(nonsense)) => nonsense.why.split(':').next().unwrap_or_default().to_owned(),
            None => "nothing".to_owned(),
        };
        let one = |round| {
            hearing.begin();
            loop {
                if let Some(heard) = hearing.judge(round) {
                    return told(Some(heard));
                }
                match pieces.next() {
                    Some(piece) => hearing.hear(piece),
                    None => return told(hearing.judge_rest(round)),
                }
            }
        };
        (1..=rounds).map(one).collect()
    }

    #[test]
    fn what_is_heard_depends_on_the_order_of_bytes_and_not_on_how_they_arrive() {
        let long = "x".repeat(150);
        let late = "{\"round\":1}\n".repeat(6);
        let nearly_too_much = format!("{}{{\"round\":2}}", " \n \n             \n");
        for (text, rounds, expected) in [
            (
                format!("{long}\n{{\"round\":5}}\n{{\"round\":6}}"),
                7,
                &[
                    "a line of more than 16 bytes",
                    "more than 40 bytes in one round",
                    "more than 40 bytes in one round",
                    "more than 40 bytes in one round",
                    "answer",
                    "answer",
                    "nothing",
                ][..],
            ),
            (late, 4, &["answer", "more than 40 bytes in one round", "nothing", "nothing"]),
            ("\n\n\n\n\n\n".to_owned(), 2, &["more than 3 lines in one round", "nothing"]),
            (nearly_too_much, 2, &["a decision on round 2, and this is round 1", "nothing"]),
        ] {
            for step in 1..=text.len() {
                assert_eq!(heard_in(&text, rounds, step), expected, "{text:?} in pieces of {step}");
            }
        }
    }
}
