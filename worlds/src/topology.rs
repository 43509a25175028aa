//! The world as the model uses it: names resolved, calls in order, who stands in for whom.

use crate::definition::Definition;
use crate::id::Name;

/// A world that is ready to run.
#[derive(Debug)]
pub struct World {
    /// Its name: the built-in's, or the file's stem.
    pub name: Name,
    /// BLAKE3 of the definition, as canonical JSON, in hexadecimal: comments and order do not count.
    pub hash: String,
    /// What the file says.
    pub definition: Definition,
}

impl World {
    /// Resolves a definition that has passed [`crate::definition::check`].
    pub fn new(_name: &str, _definition: Definition) -> Self {
        todo!()
    }
}
