//! Things of several kinds, told a kind at a time: servers of their types, incidents of theirs.

use std::collections::BTreeMap;

/// All, gathered by kind; kinds and what is of them in the order in which they first appear.
pub(super) fn by_kind<'a, T>(
    all: impl IntoIterator<Item = &'a T>,
    kind: impl Fn(&'a T) -> &'a str,
) -> Vec<(&'a str, Vec<&'a T>)> {
    let mut kinds: Vec<(&str, Vec<&T>)> = Vec::new();
    let mut positions = BTreeMap::new();
    for thing in all {
        let kind = kind(thing);
        let position = *positions.entry(kind).or_insert(kinds.len());
        if position == kinds.len() {
            kinds.push((kind, Vec::new()));
        }
        kinds[position].1.push(thing);
    }
    kinds
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_come_in_the_order_in_which_they_first_appear() {
        let all = ["web-1", "api-1", "web-2", "cache-1", "api-2"];
        let told = by_kind(&all, |name| name.split_once('-').expect("a name and a number").0);
        assert_eq!(
            told,
            [
                ("web", vec![&"web-1", &"web-2"]),
                ("api", vec![&"api-1", &"api-2"]),
                ("cache", vec![&"cache-1"])
            ]
        );
        assert_eq!(by_kind(&[""; 0], |name| name), []);
    }
}
