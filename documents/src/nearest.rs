//! Which known name was meant by one that is not known.

/// Longer words are not looked up: nobody mistypes them, and distances cost the product of lengths.
const WORD_CHARS_MAX: usize = 64;

/// The known name that is nearest to `word`, if one is near: one slip for each three letters. Of
/// equally near ones the first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let length = word.chars().count();
    if length > WORD_CHARS_MAX {
        return None;
    }
    let word = word.to_lowercase();
    known
        .into_iter()
        .filter(|name| name.chars().count().abs_diff(length) <= slips(name, length))
        .map(|name| (strsim::osa_distance(&word, &name.to_lowercase()), name))
        .filter(|(distance, name)| *distance <= slips(name, length))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

fn slips(name: &str, length: usize) -> usize {
    (name.chars().count().max(length) / 3).max(1)
}

/// The advice that goes with an unknown name: the nearest one, or all when they are few.
pub fn advice<'a>(word: &str, known: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    /// As many names as fit a few lines: those of the largest table.
    const LISTED_MAX: usize = 16;
    if let Some(name) = nearest(word, known.clone()) {
        return Some(format!("did you mean `{name}`?"));
    }
    let names: Vec<&str> = known.into_iter().take(LISTED_MAX + 1).collect();
    let listed = (1..=LISTED_MAX).contains(&names.len());
    listed.then(|| format!("there is {}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_find_the_name_and_other_words_do_not() {
        let known = ["web-1", "web-2", "db-primary"];
        for (word, meant) in [
            ("db-primry", Some("db-primary")),
            ("DB-Primary", Some("db-primary")),
            ("dbp-rimary", Some("db-primary")),
            ("wen-2", Some("web-2")),
            ("web", None),
            ("mainframe", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, known), meant, "{word}");
        }
    }

    #[test]
    fn few_names_are_listed_when_none_is_near() {
        assert_eq!(advice("mainframe", ["web-1", "db"]).as_deref(), Some("there is web-1, db"));
        assert_eq!(advice("mainframe", [""; 17]), None);
        assert_eq!(advice("mainframe", []), None);
    }
}
