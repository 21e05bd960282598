//! What `gouda locate` found in a matrix, as located.json.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::sound::{Contradiction, Sound, load};
use super::{Components, DecompositionSummary};
use crate::nn::Layout;
use crate::storage::Error;

/// What was found in a matrix.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LocatedMatrix {
    /// Version of the program.
    pub version: String,
    /// The command line.
    pub command: String,
    /// The matrix, as it was named.
    pub matrix: String,
    /// Rows that were looked at.
    pub time_len: usize,
    /// Parameters that were looked at.
    pub param_len: usize,
    /// What a row was multiplied by, in words; "none" for nothing.
    pub weights: String,
    /// Where the path of the parameters was taken from, if it was given.
    pub displacement: Option<String>,
    /// Whether the matrix itself was read, and not a decomposition of it alone.
    pub has_matrix: bool,
    /// Whether the directions that stand out may hide weaker ones behind the null of the spectrum.
    #[serde(default)]
    pub may_hide: bool,
    /// Whether components were turned so that they lie in tensors of their own.
    pub is_by_tensor: bool,
    /// Components that noise cannot keep apart were turned within these groups, first to last.
    pub groups: Vec<(usize, usize)>,
    /// The tensors; one of all parameters where none were named.
    pub layout: Layout,
    /// The decomposition and its components.
    pub decomposition: DecompositionSummary,
}

impl LocatedMatrix {
    /// Reads `located.json`.
    ///
    /// # Errors
    /// It cannot be read, is something else, or contradicts itself.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let found: Self = load(path, "what was located in a matrix", &[])?;
        match found.contradiction() {
            None => Ok(found),
            Some((expected, found)) => Err(Error::malformed(path, expected, found)),
        }
    }

    fn contradiction(&self) -> Option<Contradiction> {
        if self.layout.len() != self.param_len {
            let expected = format!("tensors of {} parameters", self.param_len);
            return Some((expected, self.layout.len().to_string()));
        }
        if self.decomposition.of.is_stream() {
            let name = self.decomposition.of.name().into();
            return Some((
                format!(
                    "{} or {}",
                    Components::Raw.name(),
                    Components::UnitNorm.name()
                ),
                name,
            ));
        }
        self.decomposition.contradiction(&self.layout)
    }
}
