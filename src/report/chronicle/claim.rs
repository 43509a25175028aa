//! Diagnoses, held against what was true when they were made.
//!
//! How many were right stands in the result; here are those that were not, and what was there instead.

use super::Faults;
use std::collections::BTreeMap;
use worlds::id::Name;
use worlds::journal::Record;

/// What was true of a server that an SRE named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Truth {
    /// The fault was of the kind that was named.
    Right,
    /// It had a fault, and no kind was named.
    Place,
    /// It had another fault: this is the kind of the first one.
    OtherKind(Name),
    /// Nothing was wrong with it.
    NoFault,
}

/// What is true of the server that a diagnosis names; `None` for other records.
pub(super) fn truth(record: &Record, faults: &Faults) -> Option<Truth> {
    let Record::Diagnosed { entity, cause, .. } = record else { return None };
    let mut there = faults.on(entity).peekable();
    let Some(first) = there.peek().map(|life| life.kind.clone()) else { return Some(Truth::NoFault) };
    Some(match cause {
        None => Truth::Place,
        Some(cause) if there.any(|life| life.kind == *cause) => Truth::Right,
        Some(_) => Truth::OtherKind(first),
    })
}

/// All diagnoses that were wrong.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Claims {
    /// What was claimed, and what was true, and how often.
    wrong: BTreeMap<(Option<Name>, Truth), u32>,
}

impl Claims {
    pub(super) fn take(&mut self, record: &Record, truth: Option<Truth>) {
        let (Record::Diagnosed { cause, .. }, Some(truth)) = (record, truth) else { return };
        if matches!(truth, Truth::OtherKind(_) | Truth::NoFault) {
            *self.wrong.entry((cause.clone(), truth)).or_default() += 1;
        }
    }

    /// Those that were wrong, the most frequent first.
    pub(crate) fn wrong(&self) -> Vec<(Option<&Name>, &Truth, u32)> {
        let mut wrong: Vec<_> =
            self.wrong.iter().map(|((claimed, truth), times)| (claimed.as_ref(), truth, *times)).collect();
        wrong.sort_by_key(|(_, _, times)| std::cmp::Reverse(*times));
        wrong
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_is_held_against_the_faults_in_force() {
        let mut faults = Faults::default();
        faults.take(&Record::FaultInjected {
            round: 1,
            fault: 1,
            fault_kind: "cpu_spike".into(),
            target: "web-1".into(),
            service: None,
            rounds: None,
        });
        let claim = |entity: &str, cause: Option<&str>| Record::Diagnosed {
            round: 1,
            sre: "oncall".into(),
            alerting: "web-1".into(),
            entity: entity.into(),
            cause: cause.map(Into::into),
        };
        let mut claims = Claims::default();
        for (record, true_of_it) in [
            (claim("web-1", Some("cpu_spike")), Truth::Right),
            (claim("web-1", None), Truth::Place),
            (claim("web-1", Some("disk_full")), Truth::OtherKind("cpu_spike".into())),
            (claim("web-1", Some("disk_full")), Truth::OtherKind("cpu_spike".into())),
            (claim("api-1", None), Truth::NoFault),
        ] {
            let truth = truth(&record, &faults);
            assert_eq!(truth, Some(true_of_it));
            claims.take(&record, truth);
        }
        let disk_full: Name = "disk_full".into();
        let told = [(Some(&disk_full), &Truth::OtherKind("cpu_spike".into()), 2), (None, &Truth::NoFault, 1)];
        assert_eq!(claims.wrong(), told);
    }
}
