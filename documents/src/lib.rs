//! Files that users write: TOML or JSON with a JSON Schema, and everything that is wrong in one told at its
//! place.
//!
//! Three steps, and each reports all it can before the next is tried: the text is TOML (or JSON); it has the
//! shape and the ranges that the schema states; what it says makes sense together. Values out of range do
//! not keep the third step from running. The first two are here and the same for every sort of file; the
//! third knows what the file is about, and is given the [`Findings`] to go on with.
//!
//! Text in, values out: who reads the file is not said here.

pub mod canonical;
pub mod diagnostic;
pub mod findings;
mod json;
pub mod key_path;
pub mod nearest;
pub mod schema;
pub mod shape;
mod source;
mod value;

use diagnostic::{Diagnostic, Severity};
use findings::Findings;
use key_path::KeyPath;
use serde::de::DeserializeOwned;
use serde_json::Value;
use source::Source;
use toml::Spanned;
use toml::de::DeTable;

/// Errors of syntax that are reported: after a few, most are consequences of the first.
const SYNTAX_ERRORS_MAX: usize = 10;

/// A sort of file.
#[derive(Clone, Copy, Debug)]
pub struct Sort {
    /// What messages call one, with its article: `the world file`.
    pub noun: &'static str,
    /// What to do about an empty one; `None` where an empty one is good.
    pub start: Option<&'static str>,
    /// What to do about an unknown key, where more can be said than which known one is near.
    pub advice: fn(&str) -> Option<String>,
    /// Its JSON Schema.
    pub schema: fn() -> &'static Value,
}

/// The way in which a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    /// TOML 1.1.
    Toml,
    /// JSON as RFC 8259 has it: no comments, no trailing commas.
    Json,
}

impl Syntax {
    /// How a file of this name is written. Where the name does not say it the text does: nothing but JSON
    /// begins with a brace.
    pub fn of(name: &str, text: &str) -> Self {
        let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("json") => Syntax::Json,
            Some("toml") => Syntax::Toml,
            _ if text.trim_start_matches('\u{feff}').trim_start().starts_with('{') => Syntax::Json,
            _ => Syntax::Toml,
        }
    }

    /// What it calls keys with their values, with its article.
    fn table(self) -> &'static str {
        match self {
            Syntax::Toml => "a table",
            Syntax::Json => "an object",
        }
    }
}

/// A file that has its shape: what was found in it so far, and where its keys stand.
pub struct Draft<'t> {
    source: Source<'t>,
    table: Spanned<DeTable<'t>>,
    /// What was found.
    pub findings: Findings,
}

impl<'t> Draft<'t> {
    /// Reads a TOML text; `label` is what diagnostics call it.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text, when it cannot be made a `T`.
    pub fn read<T: DeserializeOwned>(
        sort: &Sort,
        label: &'t str,
        text: &'t str,
    ) -> Result<(Self, T), Vec<Diagnostic>> {
        let draft = Self::shaped(sort, Syntax::Toml, label, text)?;
        match T::deserialize(toml::de::Deserializer::from(draft.table.clone())) {
            Ok(value) => Ok((draft, value)),
            // The shape has said the same with a place and advice.
            Err(_) if draft.findings.has_errors() => Err(draft.diagnostics()),
            Err(error) => Err(vec![refused(&draft.source, &error)]),
        }
    }

    /// Holds a text against the shape of its sort, and finds what is wrong with it; `label` is what
    /// diagnostics call it.
    ///
    /// # Errors
    /// Everything that is wrong with its syntax, in the order of the text.
    pub fn shaped(
        sort: &Sort,
        syntax: Syntax,
        label: &'t str,
        text: &'t str,
    ) -> Result<Self, Vec<Diagnostic>> {
        // A byte order mark is no part of the text.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let source = Source::new(label, text);
        let table = match syntax {
            Syntax::Toml => toml_of(&source, text)?,
            Syntax::Json => json_of(&source, text)?,
        };
        if let Some(start) = sort.start.filter(|_| table.get_ref().is_empty()) {
            let message = format!("{} is empty", sort.noun);
            return Err(vec![source.error_at(0, message, Some(start.to_owned()))]);
        }
        let mut findings = Findings::default();
        shape::check(sort, syntax, table.get_ref(), &mut findings);
        Ok(Self { source, table, findings })
    }

    /// What the file says, without places and without defaults.
    pub fn value(&self) -> Value {
        value::of(self.table.get_ref())
    }

    /// Whether a key is written in the file.
    pub fn holds(&self, path: &KeyPath) -> bool {
        self.source.holds(&self.table, path)
    }

    /// What was found, as a whole: an error where the file is no good, else the warnings.
    ///
    /// # Errors
    /// Everything that is wrong, in the order of the text.
    pub fn verdict(self) -> Result<Vec<Diagnostic>, Vec<Diagnostic>> {
        let has_errors = self.findings.has_errors();
        let diagnostics = self.diagnostics();
        if has_errors { Err(diagnostics) } else { Ok(diagnostics) }
    }

    /// The errors with their places; the warnings where there are no errors, since they may follow
    /// from these.
    fn diagnostics(self) -> Vec<Diagnostic> {
        let Self { source, table, findings } = self;
        let worst = if findings.has_errors() { Severity::Error } else { Severity::Warning };
        let problems = findings.into_problems().into_iter().filter(|problem| problem.severity == worst);
        in_order(problems.map(|problem| source.locate(&table, problem)).collect())
    }
}

fn toml_of<'t>(source: &Source<'_>, text: &'t str) -> Result<Spanned<DeTable<'t>>, Vec<Diagnostic>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Ok(table);
    }
    let errors = errors.iter().map(|error| refused(source, error)).collect();
    let mut errors = in_order(errors);
    errors.dedup_by_key(|error| error.line);
    errors.truncate(SYNTAX_ERRORS_MAX);
    Err(errors)
}

fn json_of<'t>(source: &Source<'_>, text: &'t str) -> Result<Spanned<DeTable<'t>>, Vec<Diagnostic>> {
    json::table(text).map_err(|wrong| vec![source.error_at(wrong.offset, wrong.message, wrong.hint)])
}

fn refused(source: &Source<'_>, error: &toml::de::Error) -> Diagnostic {
    let offset = error.span().map_or(0, |span| span.start);
    source.error_at(offset, error.message().to_owned(), None)
}

fn in_order(mut diagnostics: Vec<Diagnostic>) -> Vec<Diagnostic> {
    diagnostics.sort_by_key(|diagnostic| (diagnostic.line, diagnostic.column));
    diagnostics
}

#[cfg(test)]
mod tests {
    use super::*;
    use schemars::JsonSchema;
    use std::sync::LazyLock;

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is wanted")]
    struct Menu {
        #[schemars(range(min = 1, max = 9))]
        plates: Option<u32>,
        #[schemars(extend("format" = "date"))]
        day: Option<String>,
        dish: Option<Dish>,
    }

    #[derive(JsonSchema)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only its schema is wanted")]
    struct Dish {
        name: Option<String>,
        spices: Option<Vec<String>>,
    }

    static SCHEMA: LazyLock<Value> = LazyLock::new(|| schema::of::<Menu>("A menu"));

    const MENU: Sort = Sort {
        noun: "the menu",
        start: None,
        advice: |key| (key == "dog").then(|| "it is not eaten".to_owned()),
        schema: || &SCHEMA,
    };

    fn told(syntax: Syntax, text: &str) -> Vec<String> {
        let verdict = Draft::shaped(&MENU, syntax, "m", text).and_then(Draft::verdict);
        verdict.err().unwrap_or_default().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_same_is_told_of_toml_and_of_json_at_its_place() {
        let toml = "plates = 0\ndsh = 1\n[dish]\nnam = 'soup'\nspices = ['salt', 2]\n";
        let json = "{ \"plates\": 0,\n  \"dsh\": 1,\n\"dish\": {\n  \"nam\": \"soup\",\n  \"spices\": [\"salt\", 2] } }";
        let expected = [
            "`plates` is 0, but must be at least 1 and at most 9",
            "unknown key `dsh` in the menu: did you mean `dish`?",
            "unknown key `nam` in [dish]: did you mean `name`?",
            "`spices` in [dish] must be a string, found 2",
        ];
        let in_toml = ["m:1:1", "m:2:1", "m:4:1", "m:5:19"];
        let in_json = ["m:1:3", "m:2:3", "m:4:3", "m:5:22"];
        for (syntax, text, places) in [(Syntax::Toml, toml, in_toml), (Syntax::Json, json, in_json)] {
            let expected: Vec<String> =
                places.iter().zip(expected).map(|(at, told)| format!("{at}: {told}")).collect();
            assert_eq!(told(syntax, text), expected, "{syntax:?}");
        }
    }

    #[test]
    fn what_has_a_name_of_its_own_in_a_syntax_is_called_by_it() {
        assert_eq!(told(Syntax::Toml, "dish = 1"), ["m:1:1: `dish` must be a table, found 1"]);
        assert_eq!(told(Syntax::Json, "{\"dish\": 1}"), ["m:1:2: `dish` must be an object, found 1"]);
    }

    #[test]
    fn dates_are_toml_dates_or_texts_where_a_date_is_wanted_and_nowhere_else() {
        assert_eq!(told(Syntax::Toml, "day = 2026-12-24"), [""; 0]);
        assert_eq!(told(Syntax::Json, "{\"day\": \"2026-12-24\"}"), [""; 0]);
        let name = "dish = { name = 2026-12-24 }";
        assert_eq!(told(Syntax::Toml, name), ["m:1:10: `name` in [dish] must be a string, found a date"]);
    }

    #[test]
    fn advice_of_a_sort_comes_before_near_names() {
        assert_eq!(told(Syntax::Toml, "dog = 1"), ["m:1:1: unknown key `dog` in the menu: it is not eaten"]);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_text() {
        assert_eq!(told(Syntax::Json, "\u{feff}{\"dog\": 1}")[0].split(": ").next(), Some("m:1:2"));
        assert_eq!(told(Syntax::Toml, "\u{feff}dog = 1")[0].split(": ").next(), Some("m:1:1"));
    }

    #[test]
    fn an_empty_file_is_good_where_it_has_no_beginning() {
        assert_eq!(told(Syntax::Toml, ""), [""; 0]);
        assert_eq!(told(Syntax::Json, "{}"), [""; 0]);
        let menu = Sort { start: Some("begin with the soup"), ..MENU };
        let empty = Draft::shaped(&menu, Syntax::Toml, "m", "").map(|_| ()).unwrap_err();
        assert_eq!(empty[0].to_string(), "m:1:1: the menu is empty: begin with the soup");
    }

    #[test]
    fn the_name_of_a_file_says_how_it_is_written_and_else_its_text_does() {
        for (name, text, syntax) in [
            ("a.json", "", Syntax::Json),
            ("a.JSON", "x = 1", Syntax::Json),
            ("a.toml", "{}", Syntax::Toml),
            ("a.conf", " \n{}", Syntax::Json),
            ("/dev/fd/3", "x = 1", Syntax::Toml),
        ] {
            assert_eq!(Syntax::of(name, text), syntax, "{name}");
        }
    }
}
