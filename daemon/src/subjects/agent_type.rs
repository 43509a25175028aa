//! What an agent is for, by the words of its name.

/// The nine types.
pub const AGENT_TYPES: [&str; 9] = [
    "customer_support",
    "sales",
    "marketing",
    "finance",
    "human_resources",
    "engineering",
    "legal",
    "analytics",
    "general",
];

/// Words that tell a type; a final `s` of a name's word does not matter.
const WORDS: [(&str, &[&str]); 8] = [
    (
        "customer_support",
        &["customer", "support", "service", "help", "helpdesk", "care", "complaint", "ticket"],
    ),
    ("sales", &["sale", "crm", "lead", "deal", "quote", "commerce", "shop", "shopping"]),
    ("marketing", &["marketing", "campaign", "brand", "content", "seo", "social", "newsletter", "advert"]),
    (
        "finance",
        &["finance", "financial", "billing", "invoice", "accounting", "tax", "budget", "expense", "bank"],
    ),
    (
        "human_resources",
        &["hr", "human", "people", "recruiting", "recruitment", "hiring", "talent", "payroll"],
    ),
    (
        "engineering",
        &["engineering", "engineer", "it", "dev", "op", "developer", "code", "coding", "sre", "security"],
    ),
    ("legal", &["legal", "law", "compliance", "contract", "policy", "privacy", "risk", "audit"]),
    ("analytics", &["analytic", "analyst", "analysis", "data", "report", "reporting", "insight", "research"]),
];

/// The type of an agent of this name: that of the first of its words that tells one, `general` where none
/// does. `CustomerCareBot`, `customer_care-2` and `Customer care` have the same words.
pub fn agent_type(name: &str) -> &'static str {
    words(name).iter().find_map(|word| told_by(word)).unwrap_or("general")
}

fn told_by(word: &str) -> Option<&'static str> {
    let singular = word.strip_suffix('s').unwrap_or(word);
    let tells = |words: &[&str]| words.contains(&word) || words.contains(&singular);
    WORDS.iter().find(|(_, words)| tells(words)).map(|(agent_type, _)| *agent_type)
}

/// Runs of letters, cut where a small letter is followed by a capital, in lower case.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_small = false;
    for letter in name.chars() {
        if !letter.is_alphabetic() || (was_small && letter.is_uppercase()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (letter.is_alphabetic(), words.last_mut()) {
            word.extend(letter.to_lowercase());
        }
        was_small = letter.is_lowercase();
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_is_told_by_the_first_word_that_tells_one() {
        for (name, agent_type_is) in [
            ("CustomerCareBot", "customer_support"),
            ("customer_care-2", "customer_support"),
            ("Sales agent 7", "sales"),
            ("campaigns", "marketing"),
            ("EU tax helper", "finance"),
            ("HR-Onboarding", "human_resources"),
            ("DevOps assistant", "engineering"),
            ("it_desk", "engineering"),
            ("Contracts for sales", "legal"),
            ("AnalyticsAgent", "analytics"),
            ("Itinerary", "general"),
            ("", "general"),
        ] {
            assert_eq!(agent_type(name), agent_type_is, "{name}");
        }
    }

    #[test]
    fn every_type_but_the_general_one_has_words_and_no_word_tells_two() {
        assert!(WORDS.iter().map(|(agent_type, _)| agent_type).eq(&AGENT_TYPES[..8]));
        for (agent_type_is, words) in WORDS {
            for word in words {
                assert_eq!(agent_type(word), agent_type_is, "{word}");
            }
        }
    }
}
