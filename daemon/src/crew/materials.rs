//! What cycles are made of: whom to ask what, and the suites. Read anew, and looked through, in every cycle: a
//! file that was broken since the last one is told at once, with what mends it, and one that was mended is used.

use crate::asks::{Asks, Queries};
use crate::book::Setup;
use crate::subjects::Subjects;
use crate::suite::Suites;
use crate::target::Complaint;
use days::config::settings::{Agents, Operations, TargetKind};
use std::fs;
use std::path::Path;

/// Bytes of a file of queries.
const QUERIES_BYTES_MAX: u64 = 4 << 20;

/// What cycles are made of.
#[derive(Debug)]
pub struct Materials {
    /// What is asked in each send.
    pub asks: Asks,
    /// Who judges the answers.
    pub suites: Suites,
    /// Who is asked.
    pub subjects: Subjects,
}

impl Materials {
    /// Reads them. `own` are those whom the target has of its own; without any they are read from their file.
    ///
    /// # Errors
    /// What is wrong, and what mends it.
    pub fn read(setup: &Setup, own: Option<Subjects>) -> Result<Self, Complaint> {
        let settings = &setup.config.settings;
        let subjects = own.map_or_else(|| subjects(&settings.agents), Ok)?;
        let is_for_the_world = settings.target.kind == TargetKind::World;
        let suites = Suites::read(&settings.guardrails.suites, is_for_the_world).map_err(|error| {
            Complaint::new(error.to_string(), "Mend the suite, or name another one in `guardrails.suites`.")
        })?;
        let queries = queries(&settings.operations)?;
        Ok(Self { asks: Asks::new(settings.seed, subjects.clone(), queries, &suites), suites, subjects })
    }
}

/// Those of the file; one that stands for all where nobody has named a file and there is none.
fn subjects(agents: &Agents) -> Result<Subjects, Complaint> {
    let path = Path::new(&agents.csv_path);
    if *agents == Agents::default() && !path.exists() {
        return Ok(Subjects::fallback());
    }
    Subjects::read(path).map_err(|error| {
        let cure = "Mend the list, or name another one as `agents.csv_path`.";
        Complaint::new(format!("the list of agents: {error}"), cure)
    })
}

fn queries(operations: &Operations) -> Result<Queries, Complaint> {
    let mut queries = operations.queries.clone();
    if let Some(path) = &operations.queries_file {
        let wrong = |why: String| {
            let cure = format!("Let this user read {path}: one query a line, 4 MiB at most.");
            Complaint::new(format!("the queries in {path}: {why}"), cure)
        };
        let length = fs::metadata(path).map_err(|error| wrong(error.to_string()))?.len();
        if length > QUERIES_BYTES_MAX {
            return Err(wrong(format!("{length} bytes are too many")));
        }
        let text = fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        queries.extend(text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned));
        if queries.is_empty() {
            return Err(wrong("there are none".to_owned()));
        }
    }
    Ok(Queries::of_all(&queries).unwrap_or_else(Queries::builtin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use days::config;

    fn read(text: &str) -> Result<Materials, Complaint> {
        let config = config::parse("test.toml", text).expect("it makes sense").config;
        Materials::read(&Setup::of(config).expect("the machine has a zone"), None)
    }

    #[test]
    fn without_files_there_is_something_to_ask() {
        read("").expect("the world's");
        read("target.kind = 'http'\ntarget.http.url = 'http://127.0.0.1:1/'").expect("the built-in ones");
    }

    #[test]
    fn a_file_that_is_named_and_not_there_is_told_with_its_cure() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let missing = directory.path().join("none.txt").display().to_string();
        for (text, told) in [
            (format!("operations.queries_file = '{missing}'"), "the queries in"),
            (format!("agents.csv_path = '{missing}'"), "the list of agents"),
            (format!("guardrails.suites = ['{missing}']"), "none.txt"),
        ] {
            let complaint = read(&text).expect_err("it is not there");
            assert!(complaint.what.contains(told) && complaint.cure.ends_with('.'), "{complaint:?}");
        }
    }

    #[test]
    fn queries_of_a_file_are_asked_with_the_others() {
        let directory = tempfile::tempdir().expect("a directory can be made");
        let path = directory.path().join("queries.txt");
        fs::write(&path, "from the file\n\n").expect("it can be written");
        let text =
            format!("operations.queries = ['of the table']\noperations.queries_file = '{}'", path.display());
        let asks = read(&text).expect("it is there").asks;
        let slot = "2026-03-28T00:00:00Z".parse().expect("an instant");
        let mut asked: Vec<_> = (0..40)
            .map(|number| asks.ask(slot, days::order::Kind::Operations, number).query.to_string())
            .collect();
        asked.sort();
        asked.dedup();
        assert_eq!(asked, ["from the file", "of the table"]);
        fs::write(&path, "\n \n").expect("it can be written");
        let empty = read(&format!("operations.queries_file = '{}'", path.display()));
        assert!(empty.expect_err("there are none").what.ends_with("there are none"));
    }
}
