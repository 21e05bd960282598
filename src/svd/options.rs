//! Settings of a decomposition.

use super::{Error, Method};

/// Settings of [`super::decompose`].
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Triplets wanted, k.
    pub rank: usize,
    /// How they are found.
    pub method: Method,
    /// Columns that each pass of the Krylov iteration multiplies, or as many as the plan finds
    /// cheapest. More cost time and save passes.
    pub block: Option<usize>,
    /// Residual at which a triplet is good enough, relative to the largest singular value; from
    /// 2e-7, which U in `f32` allows, to below 1.
    pub tolerance: f64,
    /// Readings of the whole matrix, those of the certificate among them; at least 2, or 1 where
    /// there is a sketch to start from. A matrix of a range beyond `f32`'s is read once or twice more.
    pub max_passes: usize,
    /// Anonymous memory, at most: what the work needs, and then all of the matrix if that fits
    /// besides and the system has twice as much.
    pub max_memory_bytes: u64,
    /// Seed of the start block, and part of that of the certificate's probes.
    pub seed: u64,
}

/// Least tolerance that single precision allows.
pub const TOLERANCE_MIN: f64 = 2e-7;

impl Default for Options {
    fn default() -> Self {
        Self {
            rank: 32,
            method: Method::Auto,
            block: None,
            tolerance: 1e-6,
            max_passes: 48,
            max_memory_bytes: 4 << 30,
            seed: 0,
        }
    }
}

impl Options {
    /// The default with another rank.
    pub fn with_rank(rank: usize) -> Self {
        Self {
            rank,
            ..Self::default()
        }
    }

    /// Checks every range; `start_len` columns are there to start from.
    ///
    /// # Errors
    /// The first setting that is out of range, with what is possible.
    pub fn check(&self, start_len: usize) -> Result<(), Error> {
        let check = |holds: bool, name, expected: &str, found: String| {
            if holds {
                Ok(())
            } else {
                Err(Error::Setting {
                    name,
                    expected: expected.into(),
                    found,
                })
            }
        };
        let (rank, block) = (self.rank, self.block.unwrap_or(1));
        check(
            (1..=1 << 16).contains(&rank),
            "rank",
            "1 to 65536",
            rank.to_string(),
        )?;
        check(
            (1..=1 << 16).contains(&block),
            "block",
            "1 to 65536",
            block.to_string(),
        )?;
        let in_range = (TOLERANCE_MIN..1.0).contains(&self.tolerance);
        let found = self.tolerance.to_string();
        check(in_range, "tolerance", "2e-7 to below 1", found)?;
        let (enough, expected) = if start_len > 0 {
            (self.max_passes >= 1, "at least 1")
        } else {
            (self.max_passes >= 2, "at least 2")
        };
        check(enough, "max_passes", expected, self.max_passes.to_string())
    }
}
