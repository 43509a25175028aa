//! Figures in Prometheus's text format, version 0.0.4.

use std::fmt::{self, Display, Formatter};

/// What there is to show at a moment.
#[derive(Clone, Debug, PartialEq)]
pub struct Snapshot {
    /// The figures, in the order in which they are shown.
    pub families: Vec<Family>,
    /// How the daemon is.
    pub health: Health,
}

/// How the daemon is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Health {
    /// It gets on.
    Well,
    /// It does not, and why.
    Unwell(String),
}

/// Figures of one name.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    /// The name, which ends with its unit; a counter's with `_total`.
    pub name: &'static str,
    /// What it is, in a sentence without its full stop.
    pub help: &'static str,
    /// What may become of it.
    pub kind: Kind,
    /// The figures, which differ by their labels.
    pub samples: Vec<Sample>,
}

/// What may become of a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It only grows, but for a new beginning at 0.
    Counter,
    /// It grows and shrinks.
    Gauge,
}

/// A figure.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// Names and values of its labels.
    pub labels: Vec<(&'static str, String)>,
    /// The figure itself.
    pub value: f64,
}

impl Family {
    /// A figure that has no labels.
    pub fn single(name: &'static str, help: &'static str, kind: Kind, value: f64) -> Self {
        Self { name, help, kind, samples: vec![Sample { labels: Vec::new(), value }] }
    }
}

impl Display for Snapshot {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // A family without figures is said nothing of.
        self.families.iter().filter(|family| !family.samples.is_empty()).try_for_each(|family| family.fmt(f))
    }
}

impl Display for Family {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { name, help, kind, samples } = self;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
        };
        writeln!(f, "# HELP {name} {}", help.replace('\\', "\\\\").replace('\n', "\\n"))?;
        writeln!(f, "# TYPE {name} {kind}")?;
        samples.iter().try_for_each(|sample| writeln!(f, "{name}{sample}"))
    }
}

impl Display for Sample {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (place, (name, value)) in self.labels.iter().enumerate() {
            let value = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
            write!(f, "{}{name}=\"{value}\"", if place == 0 { '{' } else { ',' })?;
        }
        if !self.labels.is_empty() {
            f.write_str("}")?;
        }
        match self.value {
            value if value.is_nan() => f.write_str(" NaN"),
            f64::INFINITY => f.write_str(" +Inf"),
            f64::NEG_INFINITY => f.write_str(" -Inf"),
            value => write!(f, " {value}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_told_with_what_they_are() {
        let labels = |name: &str| vec![("kind", name.to_owned()), ("state", "a\\b\"c\nd".to_owned())];
        let requests = Family {
            name: "world_requests_total",
            help: "Requests,\nof all \\ kinds",
            kind: Kind::Counter,
            samples: vec![
                Sample { labels: labels("operations"), value: 12.0 },
                Sample { labels: labels("guardrails"), value: 0.5 },
            ],
        };
        let none = Family { name: "none", help: "None", kind: Kind::Gauge, samples: Vec::new() };
        let age = |value| Family::single("world_age_seconds", "Age", Kind::Gauge, value);
        let families =
            vec![requests, none, age(f64::NAN), age(f64::INFINITY), age(f64::NEG_INFINITY), age(1e21)];
        let text = Snapshot { families, health: Health::Well }.to_string();
        let age = "# HELP world_age_seconds Age\n# TYPE world_age_seconds gauge\nworld_age_seconds";
        let expected = format!(
            "# HELP world_requests_total Requests,\\nof all \\\\ kinds\n\
             # TYPE world_requests_total counter\n\
             world_requests_total{{kind=\"operations\",state=\"a\\\\b\\\"c\\nd\"}} 12\n\
             world_requests_total{{kind=\"guardrails\",state=\"a\\\\b\\\"c\\nd\"}} 0.5\n\
             {age} NaN\n{age} +Inf\n{age} -Inf\n{age} 1000000000000000000000\n"
        );
        assert_eq!(text, expected);
    }
}
