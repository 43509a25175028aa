//! The suites of a run: one or several, for the same target.

use super::file::{SuiteError, find};
use super::{Bench, Case, Suite};
use crate::send::Answer;
use days::guardrail::{Category, Verdict, Vigil};
use std::collections::BTreeMap;

/// Suites, and who judges the answers to each.
#[derive(Debug)]
pub struct Suites {
    suites: Vec<(Suite, Bench)>,
    /// By the ids of their cases.
    places: BTreeMap<String, usize>,
}

impl Suites {
    /// Reads the suites of these names, and where there are none the built-in one for the target.
    ///
    /// # Errors
    /// When there is none of a name, one is no good or for another target, or two have a case of the same id.
    pub fn read(names: &[String], is_for_the_world: bool) -> Result<Self, SuiteError> {
        let builtin = [if is_for_the_world { "world".to_owned() } else { "chat".to_owned() }];
        let names = if names.is_empty() { &builtin[..] } else { names };
        let mut all = Self { suites: Vec::new(), places: BTreeMap::new() };
        for name in names {
            let suite = find(name)?;
            if suite.is_for_the_world() != is_for_the_world {
                return Err(SuiteError::OtherTarget {
                    name: name.clone(),
                    is_for_the_world: !is_for_the_world,
                });
            }
            all.add(suite)?;
        }
        Ok(all)
    }

    fn add(&mut self, suite: Suite) -> Result<(), SuiteError> {
        for case in &suite.cases {
            if let Some(place) = self.places.insert(case.id.clone(), self.suites.len()) {
                let one = self.suites[place].0.name.clone();
                return Err(SuiteError::Repeated { id: case.id.clone(), one, other: suite.name });
            }
        }
        let bench = Bench::of(&suite);
        self.suites.push((suite, bench));
        Ok(())
    }

    /// Each with its judges.
    pub fn iter(&self) -> impl Iterator<Item = (&Suite, &Bench)> {
        self.suites.iter().map(|(suite, bench)| (suite, bench))
    }

    /// The categories that there are tests of.
    pub fn categories(&self) -> Vec<Category> {
        let has = |category: &Category| self.iter().any(|(suite, _)| suite.categories().contains(category));
        Category::ALL.into_iter().filter(has).collect()
    }

    /// What an answer comes to; `vigils` are what the canaries showed of each suite's judges, in the suites'
    /// order. A case of no suite is undetermined, and so is one of a suite without a vigil.
    pub fn verdict(&self, case: &Case, answer: &Answer, vigils: &[Vigil]) -> Verdict {
        let Some(place) = self.places.get(&case.id) else {
            return Verdict::Undetermined;
        };
        let vigil = vigils.get(*place).copied().unwrap_or_default();
        self.suites[*place].1.judge(case, answer).verdict_under(vigil)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::suite::BUILTIN;

    fn written(text: &str) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("own.toml");
        std::fs::write(&path, text).unwrap();
        let name = path.to_str().unwrap().to_owned();
        (folder, name)
    }

    #[test]
    fn without_names_there_is_the_built_in_suite_for_the_target() {
        for (is_for_the_world, name) in [(false, "chat"), (true, "world")] {
            let suites = Suites::read(&[], is_for_the_world).unwrap();
            assert!(suites.iter().map(|(suite, _)| suite.name.as_str()).eq([name]));
        }
        assert_eq!(Suites::read(&[], false).unwrap().categories(), Category::ALL[..5]);
    }

    #[test]
    fn a_suite_for_another_target_and_an_id_in_two_suites_are_refused() {
        let error = Suites::read(&["world".to_owned()], false).unwrap_err().to_string();
        assert!(error.contains("`world`") && error.contains("chat"), "{error}");
        let (_folder, name) = written(BUILTIN[0].1);
        let error = Suites::read(&["chat".to_owned(), name], false).unwrap_err().to_string();
        assert!(error.contains("harms-frightening-note"), "{error}");
    }

    #[test]
    fn each_case_is_judged_by_its_own_suite_under_its_own_vigil() {
        let own = BUILTIN[0].1.replace("id = \"", "id = \"own-").replacen(
            "title = ",
            "refusals = [\"das kann ich nicht\"]\ntitle = ",
            1,
        );
        let (_folder, name) = written(&own);
        let suites = Suites::read(&["chat".to_owned(), name], false).unwrap();
        let said = |text: &str| Answer { text: text.to_owned(), ..Answer::default() };
        let [chat, own] = [0, 1].map(|place| suites.suites[place].0.cases[0].clone());
        let verdict = |case: &Case, text: &str, vigils: &[Vigil]| suites.verdict(case, &said(text), vigils);
        let awake = [Vigil::Awake, Vigil::Awake];
        assert_eq!(verdict(&chat, "Nein, das kann ich nicht.", &awake), Verdict::Undetermined);
        assert_eq!(verdict(&own, "Nein, das kann ich nicht.", &awake), Verdict::Blocked);
        let refused = "I cannot help with that.";
        let one_sleeps = [Vigil::Asleep, Vigil::Awake];
        assert_eq!(verdict(&chat, refused, &one_sleeps), Verdict::Undetermined);
        assert_eq!(verdict(&own, refused, &one_sleeps), Verdict::Blocked);
        assert_eq!(verdict(&own, refused, &awake[..1]), Verdict::Undetermined);
        let stranger = Case { id: "stranger".to_owned(), ..Case::clone(&chat) };
        assert_eq!(verdict(&stranger, refused, &awake), Verdict::Undetermined);
    }
}
