//! YAML, as far as looking at it goes.

use yaml_rust2::{Yaml, YamlLoader};

/// The one document of a text.
pub(crate) fn document(text: &str) -> Yaml {
    let mut documents = YamlLoader::load_from_str(text).expect("it is YAML");
    assert_eq!(documents.len(), 1);
    documents.remove(0)
}

/// The pairs of a mapping, in order; none where there is no mapping.
pub(crate) fn pairs(yaml: &Yaml) -> Vec<(String, Yaml)> {
    let pairs = yaml.as_hash().into_iter().flatten();
    pairs.map(|(key, value)| (text(key), value.clone())).collect()
}

/// The keys of a mapping, in order.
pub(crate) fn keys(yaml: &Yaml) -> Vec<String> {
    pairs(yaml).into_iter().map(|(key, _)| key).collect()
}

/// A text.
pub(crate) fn text(yaml: &Yaml) -> String {
    yaml.as_str().unwrap_or_else(|| panic!("no text: {yaml:?}")).to_owned()
}
