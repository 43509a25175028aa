//! Tables as text: CSV as RFC 4180 has it, with lines that end in any way.

/// A line of a table, or several where a field has line breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its first line, from 1.
    pub line: usize,
    /// Its fields.
    pub fields: Vec<String>,
}

/// Something wrong in a table.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {message}")]
pub struct TableError {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong, as a fragment, and what to do about it.
    pub message: String,
}

/// The records of a text, without empty lines. After an error there is nothing more.
pub fn records(text: &str) -> impl Iterator<Item = Result<Record, TableError>> {
    let mut reader = Reader { rest: text.trim_start_matches('\u{feff}'), line: 1 };
    std::iter::from_fn(move || reader.record())
}

struct Reader<'t> {
    rest: &'t str,
    line: usize,
}

impl Reader<'_> {
    fn record(&mut self) -> Option<Result<Record, TableError>> {
        while self.end_of_line() {}
        if self.rest.is_empty() {
            return None;
        }
        let line = self.line;
        let mut fields = Vec::new();
        loop {
            match self.field() {
                Ok(field) => fields.push(field),
                Err(error) => {
                    self.rest = "";
                    return Some(Err(error));
                }
            }
            match self.rest.strip_prefix(',') {
                Some(rest) => self.rest = rest,
                None => break,
            }
        }
        self.end_of_line();
        Some(Ok(Record { line, fields }))
    }

    /// Whether a line ended here; then the next begins.
    fn end_of_line(&mut self) -> bool {
        let after = ["\r\n", "\n", "\r"].into_iter().find_map(|end| self.rest.strip_prefix(end));
        if let Some(rest) = after {
            self.rest = rest;
            self.line += 1;
        }
        after.is_some()
    }

    fn field(&mut self) -> Result<String, TableError> {
        match self.rest.strip_prefix('"') {
            Some(rest) => {
                self.rest = rest;
                self.quoted()
            }
            None => {
                let (field, rest) =
                    self.rest.split_at(self.rest.find([',', '\n', '\r']).unwrap_or(self.rest.len()));
                self.rest = rest;
                Ok(field.to_owned())
            }
        }
    }

    /// The rest of a field that began with a quotation mark.
    fn quoted(&mut self) -> Result<String, TableError> {
        let begun = self.line;
        let mut field = String::new();
        loop {
            let Some(at) = self.rest.find('"') else {
                let message =
                    "a field's quotation mark is not closed: add one, or remove the first".to_owned();
                return Err(TableError { line: begun, message });
            };
            let part = &self.rest[..at];
            self.line += part.matches('\n').count();
            field.push_str(part);
            self.rest = &self.rest[at + 1..];
            match self.rest.strip_prefix('"') {
                Some(rest) => {
                    field.push('"');
                    self.rest = rest;
                }
                None if self.rest.is_empty() || self.rest.starts_with([',', '\n', '\r']) => return Ok(field),
                None => {
                    let message =
                        "something follows a field's closing quotation mark: write \"\" for one inside it";
                    return Err(TableError { line: self.line, message: message.to_owned() });
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Vec<(usize, Vec<String>)> {
        records(text).map(|record| record.map(|record| (record.line, record.fields)).unwrap()).collect()
    }

    #[test]
    fn quotation_marks_hold_commas_line_breaks_and_each_other() {
        let text = "a,\"b,\nc\"\r\n\n\"\"\"d\"\"\",\ne";
        let own = |fields: [&str; 2]| fields.map(str::to_owned).to_vec();
        assert_eq!(
            fields(text),
            [(1, own(["a", "b,\nc"])), (4, own(["\"d\"", ""])), (5, vec!["e".to_owned()])]
        );
        assert_eq!(fields("\u{feff}\n\n"), []);
    }

    #[test]
    fn marks_that_do_not_match_are_told_with_their_line() {
        let error = |text: &str| records(text).last().unwrap().unwrap_err().line;
        assert_eq!(error("a\n\"b\nc"), 2);
        assert_eq!(error("a\n\"b\nc\" d\n"), 3);
    }
}
