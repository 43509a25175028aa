//! Who is asked: the agents of a list, or one that stands for them where there is none.
//!
//! A list is a CSV file (RFC 4180) whose first line names its columns. Six are looked for, in any order:
//! `agent_id`, `name`, `azure_id`, `version`, `model`, `org_id`; others are passed over. An agent's type is
//! drawn from its name ([`agent_type()`]).

mod agent_type;
mod table;

pub use agent_type::{AGENT_TYPES, agent_type};
pub use table::{Record, TableError, records};

use crate::send::Subject;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes of a list: some hundred thousand agents.
const FILE_BYTES_MAX: u64 = 32 * 1024 * 1024;

/// The columns that are looked for.
const COLUMNS: [&str; 6] = ["agent_id", "name", "azure_id", "version", "model", "org_id"];

/// Why a list of agents is no good.
#[derive(Debug, thiserror::Error)]
pub enum SubjectsError {
    /// It could not be read.
    #[error("cannot read the list of agents {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is too long.
    #[error("the list of agents {} has {bytes} bytes, and may have {FILE_BYTES_MAX}", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// Its length.
        bytes: u64,
    },
    /// Something in it is wrong.
    #[error("{label}:{line}: {message}")]
    Faulty {
        /// What the list is called.
        label: String,
        /// The line, from 1.
        line: usize,
        /// What is wrong, as a fragment, and what to do about it.
        message: String,
    },
}

/// Those who are asked: at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subjects(Vec<Arc<Subject>>);

impl Subjects {
    /// One that stands for all, where there is no list.
    pub fn fallback() -> Self {
        let one = Subject {
            agent_id: "agent-1".to_owned(),
            name: "General agent".to_owned(),
            model: "default".to_owned(),
            agent_type: agent_type("General agent").to_owned(),
            ..Subject::default()
        };
        Self(vec![Arc::new(one)])
    }

    /// Reads a list's file.
    ///
    /// # Errors
    /// When it cannot be read, or what is the first thing wrong in it.
    pub fn read(path: &Path) -> Result<Self, SubjectsError> {
        let unreadable = |source| SubjectsError::Unreadable { path: path.to_owned(), source };
        let bytes = std::fs::metadata(path).map_err(unreadable)?.len();
        if bytes > FILE_BYTES_MAX {
            return Err(SubjectsError::TooLong { path: path.to_owned(), bytes });
        }
        let text = std::fs::read_to_string(path).map_err(unreadable)?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// Reads a list's text; `label` is what errors call it.
    ///
    /// # Errors
    /// What is the first thing wrong in it.
    pub fn parse(label: &str, text: &str) -> Result<Self, SubjectsError> {
        let faulty =
            |line: usize, message: String| SubjectsError::Faulty { label: label.to_owned(), line, message };
        let mut records = records(text);
        let header = match records.next() {
            Some(header) => header.map_err(|error| faulty(error.line, error.message))?,
            None => {
                return Err(faulty(1, format!("the list is empty: its first line is {}", COLUMNS.join(","))));
            }
        };
        let places = places(&header).map_err(|message| faulty(header.line, message))?;
        let mut subjects = Vec::new();
        let mut lines = BTreeMap::new();
        for record in records {
            let record = record.map_err(|error| faulty(error.line, error.message))?;
            let line = record.line;
            if record.fields.len() != header.fields.len() {
                let (has, named) = (record.fields.len(), header.fields.len());
                return Err(faulty(
                    line,
                    format!("{has} fields, where the first line names {named} columns"),
                ));
            }
            let subject = subject(&record, &places);
            if subject.agent_id.is_empty() {
                return Err(faulty(
                    line,
                    "an agent without `agent_id`: give it one, or remove the line".to_owned(),
                ));
            }
            if let Some(first) = lines.insert(subject.agent_id.clone(), line) {
                let id = &subject.agent_id;
                return Err(faulty(
                    line,
                    format!("the agent `{id}` stands in line {first} as well: remove one"),
                ));
            }
            subjects.push(Arc::new(subject));
        }
        if subjects.is_empty() {
            return Err(faulty(
                1,
                "the list names columns and no agent: add one, or name no list".to_owned(),
            ));
        }
        Ok(Self(subjects))
    }

    /// These, or without any the one that stands for all.
    pub fn of(subjects: impl IntoIterator<Item = Subject>) -> Self {
        let subjects: Vec<_> = subjects.into_iter().map(Arc::new).collect();
        if subjects.is_empty() { Self::fallback() } else { Self(subjects) }
    }

    /// All of them, in the order of the list.
    pub fn all(&self) -> &[Arc<Subject>] {
        &self.0
    }
}

/// Where each of the columns is.
fn places(header: &Record) -> Result<[usize; COLUMNS.len()], String> {
    let mut places = [0; COLUMNS.len()];
    for (place, column) in places.iter_mut().zip(COLUMNS) {
        let is_it = |name: &String| name.trim().eq_ignore_ascii_case(column);
        let mut found = header.fields.iter().enumerate().filter(|(_, name)| is_it(name));
        let Some((at, _)) = found.next() else {
            let names = header.fields.join(", ");
            return Err(format!("no column `{column}`: the first line names {names}"));
        };
        if found.next().is_some() {
            return Err(format!("two columns are called `{column}`: remove one"));
        }
        *place = at;
    }
    Ok(places)
}

fn subject(record: &Record, places: &[usize; COLUMNS.len()]) -> Subject {
    let [agent_id, name, azure_id, version, model, org_id] =
        places.map(|place| record.fields[place].trim().to_owned());
    let agent_type = agent_type(&name).to_owned();
    Subject { agent_id, name, azure_id, version, model, org_id, agent_type }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (usize, String) {
        match Subjects::parse("agents.csv", text) {
            Err(SubjectsError::Faulty { line, message, .. }) => (line, message),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn columns_are_found_by_their_names_and_others_are_passed_over() {
        let text = "\u{feff}Model, name ,created_at,agent_id,org_id,version,azure_id\r\n\
                    gpt-small,\"Billing, \"\"EU\"\"\",2026-01-06,a-1,org-7,3,asst_1\r\n\
                    \r\n\
                    gpt-large,Sales agent,,a-2,,,\r\n";
        let subjects = Subjects::parse("agents.csv", text).unwrap();
        let [first, second] = subjects.all() else { panic!("{subjects:?}") };
        assert_eq!((first.agent_id.as_str(), first.name.as_str()), ("a-1", "Billing, \"EU\""));
        assert_eq!((first.azure_id.as_str(), first.version.as_str()), ("asst_1", "3"));
        assert_eq!((first.model.as_str(), first.org_id.as_str()), ("gpt-small", "org-7"));
        assert_eq!((first.agent_type.as_str(), second.agent_type.as_str()), ("finance", "sales"));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        const HEADER: &str = "agent_id,name,azure_id,version,model,org_id\n";
        assert_eq!(fault("").0, 1);
        assert_eq!(fault(HEADER).0, 1);
        let (line, message) = fault("agent_id,name,azure_id,version,modle,org_id\na,b,c,d,e,f\n");
        assert!(line == 1 && message.contains("`model`") && message.contains("modle"), "{message}");
        let (_, message) = fault("agent_id,name,name,azure_id,version,model,org_id\n");
        assert!(message.contains("two columns"), "{message}");
        let (line, message) = fault(&format!("{HEADER}a,b,c,d,e,f\n\"g\nh\",i,j,k,l,m\nn,o\n"));
        assert!(line == 5 && message.contains("2 fields"), "{line}: {message}");
        assert_eq!(fault(&format!("{HEADER} ,b,c,d,e,f\n")).0, 2);
        let (line, message) = fault(&format!("{HEADER}a,b,c,d,e,f\na,g,h,i,j,k\n"));
        assert!(line == 3 && message.contains("line 2"), "{message}");
        assert_eq!(fault(&format!("{HEADER}a,b,c,d,e,f\n\"g,h,i,j,k,l\n")).0, 3);
    }

    #[test]
    fn without_a_list_one_stands_for_all() {
        assert_eq!(Subjects::fallback().all().len(), 1);
    }

    #[test]
    fn a_list_is_read_from_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("agents.csv");
        assert!(matches!(Subjects::read(&path), Err(SubjectsError::Unreadable { .. })));
        std::fs::write(&path, "agent_id,name,azure_id,version,model,org_id\na,b,c,d,e,f\n").unwrap();
        assert_eq!(Subjects::read(&path).unwrap().all().len(), 1);
        std::fs::File::options().write(true).open(&path).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
        assert!(matches!(Subjects::read(&path), Err(SubjectsError::TooLong { .. })));
    }
}
