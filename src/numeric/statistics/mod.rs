//! Statistics of the protocol (METHOD sections 2, 5 and 6): intervals, tests and correlations.
//!
//! Every function is deterministic; those that draw take the seed and index of a stream. They are
//! tested against SciPy 1.17, whose numbers `data/goldens/statistics.py` prints.

mod correlation;
mod hierarchical;
mod interval;
mod roc;
mod significance;

pub use correlation::{pearson, ranks, spearman};
pub use hierarchical::hierarchical_mean;
pub use interval::{Interval, quantile};
pub use roc::{roc_area, weighted_roc_area};
pub use significance::{SIGN_FLIP_MAX_LEN, holm, monte_carlo_p, sequential_p, sign_flip};
