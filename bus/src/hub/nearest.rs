//! The name that was perhaps meant.

/// The known name nearest to `word`, if few letters differ.
pub(super) fn nearest<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let slips_allowed = 1 + word.chars().count() / 3;
    let slips = known.map(|name| (distance(word, name), name));
    slips.filter(|(slips, _)| *slips <= slips_allowed).min().map(|(_, name)| name)
}

/// Letters to insert, remove or replace until one word is the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, letter) in one.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &there) in other.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != there);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn a_slip_finds_the_name_and_another_word_finds_none() {
        let names = ["web-1", "web-2", "db-primary"];
        let meant = |word| nearest(word, names.into_iter());
        assert_eq!(meant("wbe-2"), Some("web-2"));
        assert_eq!(meant("db-primry"), Some("db-primary"));
        assert_eq!(meant("queue"), None);
    }
}
