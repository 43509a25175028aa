//! A configuration of the daemon of any text, read as TOML and as JSON.
//!
//! Claims: it is answered, with reasons that name a place in it when it is refused; and one that is accepted
//! says the same when it is written down as JSON and read once more, and has a week that can be told.

use crate::diagnostics;
use days::config::{Config, parse};
use days::week::Week;
use jiff::civil::date;

/// Columns of a terminal.
const WIDTH: usize = 80;

/// A file of these bytes.
pub fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    for name in ["fuzz.toml", "fuzz.json"] {
        match parse(name, text) {
            Err(reasons) => diagnostics::lie_within(text, &reasons),
            Ok(checked) => {
                if !checked.warnings.is_empty() {
                    diagnostics::lie_within(text, &checked.warnings);
                }
                accepted(&checked.config);
            }
        }
    }
}

fn accepted(config: &Config) {
    let json = serde_json::to_string(&config.settings).expect("a checked configuration has finite figures");
    let again = parse("again.json", &json).unwrap_or_else(|reasons| panic!("{json}\n{reasons:?}"));
    assert_eq!(again.config, *config);
    let week = Week::with(&config.schedule, date(2026, 2, 27)).lines(WIDTH);
    assert!(week.iter().all(|line| line.chars().count() <= WIDTH), "{week:#?}");
}
