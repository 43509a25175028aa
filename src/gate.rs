//! Gates: conditions on the result under which a run fails, `--fail-on 'FIELD OP NUMBER'`.
//!
//! FIELD is a dotted path of `result.json`; a position in a list, counted from 0, is written
//! `servers.0.uptime_pct` or `servers[0].uptime_pct`. OP is one of `<`, `<=`, `>`, `>=`, `==` and
//! `!=`. The run fails when the condition is true. Where the result holds `null`, or a list is
//! shorter, the gate cannot be decided, and says so rather than pass.
//!
//! Which fields there are, and which of them are numbers, is read from the document's JSON Schema,
//! so that a misspelt gate is refused before anything runs.

use crate::console::figure;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt;
use std::sync::LazyLock;
use worlds::definition::nearest;

/// A condition under which a run fails.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Gate {
    /// As it was typed, without blanks around it.
    expr: String,
    path: Path,
    operator: Operator,
    number: f64,
}

/// How a gate was decided.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub(crate) struct GateResult {
    /// The condition under which the run fails, as it was typed.
    pub expr: String,
    /// The field's value in this run.
    pub value: Option<f64>,
    /// Whether the gate held, that is, whether the condition is false; `null` when there is no value.
    pub held: Option<bool>,
}

impl GateResult {
    /// What is to be said about a gate that did not hold.
    pub(crate) fn complaint(&self) -> Option<String> {
        match (self.held, self.value) {
            (Some(true), _) => None,
            (_, Some(value)) => Some(format!("gate `{}` failed: it is {}", self.expr, figure::plain(value))),
            (_, None) => Some(format!("gate `{}` cannot be decided: this run has no such value", self.expr)),
        }
    }
}

/// Why an expression is no gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GateError {
    /// The expression as it was typed.
    pub expr: String,
    /// Where in it, in characters from 0.
    pub column: usize,
    /// What is wrong there, as a fragment.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl std::error::Error for GateError {}

/// The message, and below it the expression with a mark under the place.
impl fmt::Display for GateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expr, column, message, .. } = self;
        write!(f, "{message}\n    {expr}\n    {:column$}^", "")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}

impl Operator {
    /// Those that begin like others come first.
    const ALL: [(&'static str, Self); 6] = [
        ("<=", Self::LessOrEqual),
        ("<", Self::Less),
        (">=", Self::GreaterOrEqual),
        (">", Self::Greater),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
    ];

    #[expect(clippy::float_cmp, reason = "the user asked for exactly this comparison")]
    fn holds(self, left: f64, right: f64) -> bool {
        match self {
            Self::Less => left < right,
            Self::LessOrEqual => left <= right,
            Self::Greater => left > right,
            Self::GreaterOrEqual => left >= right,
            Self::Equal => left == right,
            Self::NotEqual => left != right,
        }
    }
}

impl Gate {
    /// Reads an expression and makes sure that its field exists and is a number.
    pub(crate) fn parse(expr: &str) -> Result<Self, GateError> {
        let mut scanner = Scanner { expr, rest: expr };
        let start = scanner.skip_blanks();
        let path = scanner.path()?;
        check_field(&path).map_err(|(message, hint)| scanner.error_at(start, message, hint))?;
        scanner.skip_blanks();
        let operator = scanner.operator()?;
        scanner.skip_blanks();
        let number = scanner.number()?;
        Ok(Self { expr: expr.trim().to_owned(), path, operator, number })
    }

    /// Holds a result against it.
    pub(crate) fn decide(&self, result: &Value) -> GateResult {
        let value = self.value_in(result);
        let held = value.map(|value| !self.is_true_of(value));
        GateResult { expr: self.expr.clone(), value, held }
    }

    /// As it was typed.
    pub(crate) fn expr(&self) -> &str {
        &self.expr
    }

    /// The field, as a dotted path.
    pub(crate) fn field(&self) -> String {
        self.path.to_string()
    }

    /// The field's value in a result.
    pub(crate) fn value_in(&self, result: &Value) -> Option<f64> {
        self.path.find(result).and_then(Value::as_f64)
    }

    /// Whether the condition under which a run fails is true of a value.
    pub(crate) fn is_true_of(&self, value: f64) -> bool {
        self.operator.holds(value, self.number)
    }

    /// The number that values are compared with.
    pub(crate) fn limit(&self) -> f64 {
        self.number
    }

    /// Whether it compares with one value, rather than draw a line.
    pub(crate) fn asks_for_one_value(&self) -> bool {
        matches!(self.operator, Operator::Equal | Operator::NotEqual)
    }
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Path(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Key(String),
    Position(usize),
}

impl Path {
    fn find<'v>(&self, document: &'v Value) -> Option<&'v Value> {
        self.0.iter().try_fold(document, |value, segment| match segment {
            Segment::Key(key) => value.get(key),
            Segment::Position(position) => value.get(position),
        })
    }

    /// Whether a known field is meant: any position stands for the positions of its list.
    fn is(&self, field: &Field) -> bool {
        let same = |(mine, its): (&Segment, &String)| match mine {
            Segment::Key(key) => key == its,
            Segment::Position(_) => its == Field::ANY,
        };
        self.0.len() == field.path.len() && self.0.iter().zip(&field.path).all(same)
    }

    fn positions(&self) -> impl Iterator<Item = usize> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Key(_) => None,
            Segment::Position(position) => Some(*position),
        })
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, segment) in self.0.iter().enumerate() {
            let dot = if index == 0 { "" } else { "." };
            match segment {
                Segment::Key(key) => write!(f, "{dot}{key}")?,
                Segment::Position(position) => write!(f, "{dot}{position}")?,
            }
        }
        Ok(())
    }
}

/// Reads an expression from left to right.
struct Scanner<'e> {
    expr: &'e str,
    rest: &'e str,
}

impl<'e> Scanner<'e> {
    fn column(&self) -> usize {
        self.expr[..self.expr.len() - self.rest.len()].chars().count()
    }

    fn error_at(&self, column: usize, message: String, hint: Option<String>) -> GateError {
        GateError { expr: self.expr.to_owned(), column, message, hint }
    }

    fn expected(&self, what: &str, hint: &str) -> GateError {
        let found = match self.rest.split_whitespace().next() {
            None => "the expression ends".to_owned(),
            Some(word) => format!("found `{word}`"),
        };
        self.error_at(self.column(), format!("expected {what}, but {found}"), Some(hint.to_owned()))
    }

    /// Gives the column behind them.
    fn skip_blanks(&mut self) -> usize {
        self.rest = self.rest.trim_start();
        self.column()
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'e str {
        let end = self.rest.find(|letter| !belongs(letter)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn path(&mut self) -> Result<Path, GateError> {
        let mut segments = vec![self.segment()?];
        loop {
            if self.take(".") {
                segments.push(self.segment()?);
            } else if self.take("[") {
                segments.push(self.position()?);
            } else {
                return Ok(Path(segments));
            }
        }
    }

    fn segment(&mut self) -> Result<Segment, GateError> {
        let example = "write FIELD OP NUMBER, as in 'availability_pct < 99.9'";
        let before = self.rest;
        let word = self.take_while(|letter| letter.is_alphanumeric() || letter == '_');
        if word.is_empty() {
            return Err(self.expected("a field of result.json", example));
        }
        if word.starts_with(|letter: char| letter.is_ascii_digit()) {
            return word.parse().map(Segment::Position).map_err(|_| {
                self.rest = before;
                self.expected("a field or a position", example)
            });
        }
        Ok(Segment::Key(word.to_owned()))
    }

    fn position(&mut self) -> Result<Segment, GateError> {
        let before = self.rest;
        let digits = self.take_while(|letter| letter.is_ascii_digit());
        match digits.parse() {
            Ok(position) if self.take("]") => Ok(Segment::Position(position)),
            _ => {
                self.rest = before;
                Err(self.expected("a position and `]`", "positions count from 0: servers[0].uptime_pct"))
            }
        }
    }

    fn operator(&mut self) -> Result<Operator, GateError> {
        let found = Operator::ALL.into_iter().find(|(text, _)| self.take(text));
        let advice = "the operators are < <= > >= == !=";
        found.map(|(_, operator)| operator).ok_or_else(|| self.expected("an operator", advice))
    }

    fn number(&mut self) -> Result<f64, GateError> {
        let before = self.rest;
        let word = self.take_while(|letter| !letter.is_whitespace());
        let Some(number) = word.parse().ok().filter(|number: &f64| number.is_finite()) else {
            self.rest = before;
            return Err(self.expected("a number", "write it plainly, as in 99.9"));
        };
        self.skip_blanks();
        if !self.rest.is_empty() {
            return Err(self.expected("the end", "give each condition a --fail-on of its own"));
        }
        Ok(number)
    }
}

/// A field of the document, as its schema has it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Field {
    /// Keys from the outside in; [`Field::ANY`] for the positions of a list.
    path: Vec<String>,
    numeric: bool,
}

impl Field {
    const ANY: &'static str = "N";

    /// How to write it, with the positions of what was typed.
    fn written_like(&self, typed: &Path) -> String {
        let mut positions = typed.positions();
        let segment = |key: &String| match key.as_str() {
            Self::ANY => positions.next().unwrap_or(0).to_string(),
            key => key.to_owned(),
        };
        self.path.iter().map(segment).collect::<Vec<_>>().join(".")
    }
}

static FIELDS: LazyLock<Vec<Field>> = LazyLock::new(|| {
    let schema = crate::result::json_schema().to_value();
    let mut fields = Vec::new();
    collect(&schema, &schema, &mut Vec::new(), &mut fields);
    fields
});

/// Adds the fields of a part of the schema, `path` being where that part stands.
fn collect(root: &Value, part: &Value, path: &mut Vec<String>, fields: &mut Vec<Field>) {
    if let Some(target) = part.get("$ref").and_then(Value::as_str) {
        let target = root.pointer(target.trim_start_matches('#')).unwrap_or(&Value::Null);
        return collect(root, target, path, fields);
    }
    for branch in part.get("anyOf").and_then(Value::as_array).into_iter().flatten() {
        if branch.get("type").and_then(Value::as_str) != Some("null") {
            collect(root, branch, path, fields);
        }
    }
    if let Some(properties) = part.get("properties").and_then(Value::as_object) {
        for (key, property) in properties {
            within(key, root, property, path, fields);
        }
    } else if let Some(items) = part.get("items") {
        within(Field::ANY, root, items, path, fields);
    } else if part.get("anyOf").is_none() {
        fields.push(Field { path: path.clone(), numeric: is_numeric(part) });
    }
}

fn within(key: &str, root: &Value, part: &Value, path: &mut Vec<String>, fields: &mut Vec<Field>) {
    path.push(key.to_owned());
    collect(root, part, path, fields);
    path.pop();
}

fn is_numeric(part: &Value) -> bool {
    let numeric = |name: &Value| matches!(name.as_str(), Some("number" | "integer"));
    match part.get("type") {
        Some(Value::Array(names)) => names.iter().any(numeric),
        Some(name) => numeric(name),
        None => false,
    }
}

/// What is wrong with a field, and what to do about it.
fn check_field(path: &Path) -> Result<(), (String, Option<String>)> {
    let numeric = || FIELDS.iter().filter(|field| field.numeric).map(|field| field.written_like(path));
    match FIELDS.iter().find(|field| path.is(field)) {
        Some(field) if field.numeric => return Ok(()),
        Some(_) => {
            let hint = "gates compare numbers, as in 'availability_pct < 99.9'".to_owned();
            return Err((format!("`{path}` is not a number"), Some(hint)));
        }
        None => {}
    }
    let below: Vec<_> = numeric().filter(|field| field.starts_with(&format!("{path}."))).collect();
    if !below.is_empty() {
        return Err((format!("`{path}` is not a number"), Some(format!("in it are: {}", below.join(", ")))));
    }
    if FIELDS.iter().any(|field| field.written_like(path).starts_with(&format!("{path}."))) {
        let hint = "gates compare numbers, as in 'availability_pct < 99.9'".to_owned();
        return Err((format!("`{path}` is not a number"), Some(hint)));
    }
    Err((format!("result.json has no field `{path}`"), Some(meant(path, &numeric().collect::<Vec<_>>()))))
}

/// The field that was meant: one that ends like it, else the nearest.
fn meant(typed: &Path, known: &[String]) -> String {
    let ending = known.iter().map(String::as_str).find(|field| field.ends_with(&format!(".{typed}")));
    match ending.or_else(|| nearest::nearest(&typed.to_string(), known.iter().map(String::as_str))) {
        Some(field) => format!("did you mean `{field}`?"),
        None => "`world schema result` lists the fields".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn decide(expr: &str, document: &Value) -> GateResult {
        Gate::parse(expr).expect("a gate").decide(document)
    }

    fn refused(expr: &str) -> GateError {
        Gate::parse(expr).expect_err("no gate")
    }

    #[test]
    fn a_gate_holds_when_its_condition_is_false() {
        let document = json!({ "availability_pct": 99.5 });
        for (expr, held) in [
            ("availability_pct<99.9", false),
            ("availability_pct < 99.5", true),
            ("availability_pct <= 99.5", false),
            ("availability_pct > 99.5", true),
            ("availability_pct>=99.5", false),
            ("availability_pct == 99.5", false),
            (" availability_pct != 99.5 ", true),
        ] {
            assert_eq!(decide(expr, &document).held, Some(held), "{expr}");
        }
    }

    #[test]
    fn lists_are_reached_by_position_in_both_spellings() {
        let document = json!({ "servers": [{ "uptime_pct": 1.0 }, { "uptime_pct": 2.0 }] });
        assert_eq!(decide("servers[1].uptime_pct > 5", &document).value, Some(2.0));
        assert_eq!(decide("servers.0.uptime_pct > 5", &document).value, Some(1.0));
    }

    #[test]
    fn a_list_of_words_is_known_and_is_no_number() {
        for expr in ["lost_agents < 1", "reasons > 0"] {
            assert!(refused(expr).message.contains("is not a number"), "{expr}");
        }
    }

    #[test]
    fn a_null_or_a_missing_position_cannot_be_decided() {
        let document = json!({ "score": null, "incidents": [] });
        for expr in ["score < 50", "incidents.3.resolved_round > 9"] {
            assert_eq!(decide(expr, &document).held, None, "{expr}");
        }
    }

    #[test]
    fn numbers_that_may_be_null_or_are_nested_are_known() {
        for expr in ["mttr.mean_rounds>3", "sla.budget_left_pct<0", "alerts.false>0", "sres.0.score<1e1"] {
            assert!(Gate::parse(expr).is_ok(), "{expr}");
        }
    }

    #[test]
    fn an_unknown_field_names_the_nearest() {
        for (expr, meant) in [
            ("availabilty_pct<99.9", "`availability_pct`"),
            ("mttr.mean_round>3", "`mttr.mean_rounds`"),
            ("servers[2].uptime_pc<50", "`servers.2.uptime_pct`"),
            ("budget_left_pct<0", "`sla.budget_left_pct`"),
        ] {
            let error = refused(expr);
            assert!(error.message.starts_with("result.json has no field"), "{error}");
            assert!(error.hint.as_deref().unwrap_or_default().contains(meant), "{error:?}");
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for expr in ["verdict == 1", "sla.met == 0", "incidents.0.resolution == 1", "lost_agents.0 > 0"] {
            assert!(refused(expr).message.ends_with("is not a number"), "{expr}");
        }
    }

    #[test]
    fn a_part_of_the_document_is_told_what_numbers_are_in_it() {
        let error = refused("requests<5");
        assert_eq!(error.message, "`requests` is not a number");
        assert_eq!(error.hint.as_deref(), Some("in it are: requests.good, requests.total"));
    }

    #[test]
    fn a_broken_expression_is_told_with_its_place() {
        for (expr, column, message) in [
            ("", 0, "expected a field of result.json, but the expression ends"),
            ("< 3", 0, "expected a field of result.json, but found `<`"),
            ("score", 5, "expected an operator, but the expression ends"),
            ("score = 3", 6, "expected an operator, but found `=`"),
            ("score <", 7, "expected a number, but the expression ends"),
            ("score < many", 8, "expected a number, but found `many`"),
            ("score < 3 4", 10, "expected the end, but found `4`"),
            ("score < nan", 8, "expected a number, but found `nan`"),
            ("servers[x].uptime_pct < 3", 8, "expected a position and `]`, but found `x].uptime_pct`"),
        ] {
            let error = refused(expr);
            assert_eq!((error.column, error.message.as_str()), (column, message), "{expr}");
        }
    }

    #[test]
    fn the_place_is_marked_below_the_expression() {
        let shown = refused("score = 3").to_string();
        assert_eq!(shown, "expected an operator, but found `=`\n    score = 3\n          ^");
    }
}
