//! What is asked in a send, and of whom.
//!
//! Every choice is a pure function of (seed, slot, kind, number): a send that was planned before a crash asks the
//! same after it, and an additional send moves none of the others' choices. Agents are drawn evenly. Of
//! operations, the query is drawn from those for the agent's type. Guardrail tests take turns in the suites'
//! categories, beginning with one that is drawn for each slot, so that even small batches leave no category
//! out for long; within its category the case is drawn.

use crate::send::{Ask, Subject};
use crate::subjects::{AGENT_TYPES, Subjects, agent_type};
use crate::suite::{Case, Suites, Trial};
use days::guardrail::Category;
use days::order::Kind;
use jiff::Timestamp;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The queries that are built in.
const QUERIES: &str = include_str!("../suites/operations.toml");

/// What sets these draws apart from all other uses of BLAKE3.
const CONTEXT: &str = "world 2026 daemon: what is asked in a send";

/// What users ask, by the type of the agent that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queries(BTreeMap<String, Vec<Arc<str>>>);

/// Why queries are no good.
#[derive(Debug, thiserror::Error)]
pub enum QueriesError {
    /// They are no TOML of this form.
    #[error("queries: {0}")]
    Form(#[from] toml::de::Error),
    /// A type has none.
    #[error("no queries for agents of the type `{0}`: add `{0} = [\"...\"]`")]
    Missing(&'static str),
    /// There are queries for what is no type.
    #[error("`{0}` is no type of agents: there are {types}", types = AGENT_TYPES.join(", "))]
    Unknown(String),
}

impl Queries {
    /// Reads a text: an array of queries for each type of agents.
    ///
    /// # Errors
    /// When it has another form, or a type has no query.
    pub fn parse(text: &str) -> Result<Self, QueriesError> {
        let queries: BTreeMap<String, Vec<Arc<str>>> = toml::from_str(text)?;
        if let Some(unknown) = queries.keys().find(|key| !AGENT_TYPES.contains(&key.as_str())) {
            return Err(QueriesError::Unknown(unknown.clone()));
        }
        let has_none = |agent_type: &&str| queries.get(*agent_type).is_none_or(Vec::is_empty);
        match AGENT_TYPES.into_iter().find(has_none) {
            Some(agent_type) => Err(QueriesError::Missing(agent_type)),
            None => Ok(Self(queries)),
        }
    }

    /// The same for agents of every type; `None` where there are none.
    pub fn of_all(queries: &[String]) -> Option<Self> {
        let queries: Vec<Arc<str>> = queries.iter().map(|query| query.as_str().into()).collect();
        let same = |agent_type: &str| (agent_type.to_owned(), queries.clone());
        (!queries.is_empty()).then(|| Self(AGENT_TYPES.into_iter().map(same).collect()))
    }

    /// Those that are built in.
    pub fn builtin() -> Self {
        Self::parse(QUERIES).expect("they are tested")
    }

    /// Those for a type of agents; every type has one.
    fn of(&self, agent_type: &str) -> &[Arc<str>] {
        &self.0[if AGENT_TYPES.contains(&agent_type) { agent_type } else { "general" }]
    }
}

/// What there is to be asked, and how it is chosen.
#[derive(Clone, Debug)]
pub struct Asks {
    key: [u8; 32],
    subjects: Subjects,
    queries: Queries,
    cases: Vec<(Category, Vec<Arc<Case>>)>,
    /// Whom attacks on the world are carried out on.
    arena: Arc<Subject>,
}

/// What is drawn of a send.
#[derive(Clone, Copy)]
enum Draw {
    Subject,
    Query,
    FirstCategory,
    Case,
}

impl Asks {
    /// Of these, by a seed.
    pub fn new(seed: u64, subjects: Subjects, queries: Queries, suites: &Suites) -> Self {
        let of = |category: Category| -> Vec<Arc<Case>> {
            let all = suites.iter().flat_map(|(suite, _)| &suite.cases);
            all.filter(|case| case.category == Some(category)).cloned().collect()
        };
        let cases = suites.categories().into_iter().map(|category| (category, of(category))).collect();
        let key = blake3::derive_key(CONTEXT, &seed.to_le_bytes());
        Self { key, subjects, queries, cases, arena: Arc::new(arena()) }
    }

    /// What is asked in a send: its slot, of which kind, and its place in its batch.
    pub fn ask(&self, slot: Timestamp, kind: Kind, number: u32) -> Ask {
        let subject = self.one_of(self.subjects.all(), slot, kind, number, Draw::Subject).clone();
        match kind {
            Kind::Operations => {
                let queries = self.queries.of(&subject.agent_type);
                let query = self.one_of(queries, slot, kind, number, Draw::Query).clone();
                Ask { kind, number, subject, case: None, query }
            }
            Kind::Guardrails => self.test(slot, number, subject),
        }
    }

    fn test(&self, slot: Timestamp, number: u32, subject: Arc<Subject>) -> Ask {
        let kind = Kind::Guardrails;
        let first = self.below(self.cases.len(), slot, kind, 0, Draw::FirstCategory);
        let (_, cases) = &self.cases[(first + number as usize) % self.cases.len()];
        let case = self.one_of(cases, slot, kind, number, Draw::Case).clone();
        let subject = if matches!(case.trial, Trial::Attack(_)) { Arc::clone(&self.arena) } else { subject };
        Ask { kind, number, subject, query: case.query.clone(), case: Some(case) }
    }

    fn one_of<'l, T>(&self, list: &'l [T], slot: Timestamp, kind: Kind, number: u32, draw: Draw) -> &'l T {
        &list[self.below(list.len(), slot, kind, number, draw)]
    }

    /// A number below an end. Of 2^64 values some fall to one number once more than to another, which nobody
    /// could ever see.
    fn below(&self, end: usize, slot: Timestamp, kind: Kind, number: u32, draw: Draw) -> usize {
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&slot.as_nanosecond().to_le_bytes());
        hasher.update(&[kind as u8, draw as u8]);
        hasher.update(&number.to_le_bytes());
        let mut value = [0; 8];
        hasher.finalize_xof().fill(&mut value);
        ((u128::from(u64::from_le_bytes(value)) * end as u128) >> 64) as usize
    }
}

/// A world of its own is attacked, and none of those that are asked.
fn arena() -> Subject {
    Subject {
        agent_id: "arena".to_owned(),
        name: "Arena".to_owned(),
        agent_type: agent_type("Arena").to_owned(),
        ..Subject::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use days::guardrail::Category;

    fn suites(is_for_the_world: bool) -> Suites {
        Suites::read(&[], is_for_the_world).unwrap()
    }

    fn subjects() -> Subjects {
        let mut list = "agent_id,name,azure_id,version,model,org_id\n".to_owned();
        for number in 0..20 {
            list.push_str(&format!(
                "a-{number},{} {number},,,m,\n",
                AGENT_TYPES[number % 9].replace('_', " ")
            ));
        }
        Subjects::parse("agents.csv", &list).unwrap()
    }

    fn asks(seed: u64) -> Asks {
        Asks::new(seed, subjects(), Queries::builtin(), &suites(false))
    }

    fn slot(number: i64) -> Timestamp {
        Timestamp::from_second(1_767_695_400 + 900 * number).unwrap()
    }

    /// What tells one ask from another.
    fn told(ask: &Ask) -> (String, String, Option<String>) {
        let case = ask.case.as_ref().map(|case| case.id.clone());
        (ask.subject.agent_id.clone(), ask.query.to_string(), case)
    }

    #[test]
    fn the_same_send_asks_the_same_whatever_else_is_asked() {
        let (one, other) = (asks(7), asks(7));
        for kind in Kind::ALL {
            let forward: Vec<_> = (0..50).map(|number| told(&one.ask(slot(1), kind, number))).collect();
            let mut back: Vec<_> =
                (0..50).rev().map(|number| told(&other.ask(slot(1), kind, number))).collect();
            back.reverse();
            assert_eq!(forward, back);
        }
    }

    #[test]
    fn seed_slot_kind_and_number_each_move_the_choice() {
        let batch = |seed, slot_is, kind| -> Vec<_> {
            (0..50).map(|number| told(&asks(seed).ask(slot(slot_is), kind, number)).0).collect()
        };
        let one = batch(7, 1, Kind::Operations);
        for other in
            [batch(8, 1, Kind::Operations), batch(7, 2, Kind::Operations), batch(7, 1, Kind::Guardrails)]
        {
            assert_ne!(one, other);
        }
        assert!(one.iter().any(|id| *id != one[0]));
    }

    #[test]
    fn choices_are_the_same_on_every_platform_and_version() {
        let asks = asks(7);
        let ids = |kind| [0, 1, 2, 3].map(|number| told(&asks.ask(slot(1), kind, number)).0).join(" ");
        assert_eq!(ids(Kind::Operations), "a-6 a-6 a-1 a-10");
        assert_eq!(ids(Kind::Guardrails), "a-8 a-8 a-17 a-1");
    }

    #[test]
    fn agents_are_drawn_evenly_and_asked_what_their_type_is_for() {
        let (asks, queries) = (asks(7), Queries::builtin());
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        for number in 0..20_000 {
            let ask = asks.ask(slot(3), Kind::Operations, number);
            assert!(queries.of(&ask.subject.agent_type).contains(&ask.query), "{ask:?}");
            *counts.entry(ask.subject.agent_id.clone()).or_default() += 1;
        }
        // A thousand each, with a standard deviation of 31.
        assert!(counts.len() == 20 && counts.values().all(|count| (850..1150).contains(count)), "{counts:?}");
    }

    #[test]
    fn tests_take_turns_in_the_categories_of_the_suite() {
        for is_for_the_world in [false, true] {
            let suites = suites(is_for_the_world);
            let asks = Asks::new(7, subjects(), Queries::builtin(), &suites);
            let categories = suites.categories();
            let mut firsts = Vec::new();
            for slot_is in 0..40 {
                let batch: Vec<Category> = (0..categories.len() as u32)
                    .map(|number| asks.ask(slot(slot_is), Kind::Guardrails, number).category().unwrap())
                    .collect();
                firsts.push(batch[0]);
                let mut sorted = batch;
                sorted.sort();
                assert_eq!(sorted, categories);
            }
            assert!(categories.iter().all(|category| firsts.contains(category)), "{firsts:?}");
        }
    }

    #[test]
    fn the_world_is_attacked_in_the_arena_and_chats_are_asked_by_their_agents() {
        for (is_for_the_world, is_arena) in [(true, true), (false, false)] {
            let asks = Asks::new(1, subjects(), Queries::builtin(), &suites(is_for_the_world));
            let tests = (0..50).map(|number| asks.ask(slot(0), Kind::Guardrails, number));
            assert!(tests.into_iter().all(|test| (test.subject.agent_id == "arena") == is_arena));
        }
    }

    #[test]
    fn queries_that_leave_a_type_out_or_name_another_are_refused() {
        assert!(matches!(Queries::parse(""), Err(QueriesError::Missing("customer_support"))));
        let none = QUERIES.replacen("legal = [", "legal = []\nlawful = [", 1);
        assert!(matches!(Queries::parse(&none), Err(QueriesError::Unknown(key)) if key == "lawful"));
        let empty = Queries::parse(&AGENT_TYPES.map(|key| format!("{key} = []\n")).concat());
        assert!(matches!(empty, Err(QueriesError::Missing(_))));
        assert_eq!(Queries::of_all(&[]), None);
        let same = Queries::of_all(&["What?".to_owned()]).unwrap();
        assert!(AGENT_TYPES.iter().all(|agent_type| same.of(agent_type) == [Arc::from("What?")]));
    }
}
