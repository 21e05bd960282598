//! Every use of random streams after training, and by levels, by name: which purpose, and which numbers under it. A use has a
//! range of numbers to itself, so that no two of them ever draw the same; a test holds all ranges apart.
//!
//! What training draws is named by [`Purpose`] alone: levels, actions and minibatches number environments and
//! iterations from 0.

use super::random::{Purpose, Stream};

/// A use of random streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    purpose: Purpose,
    first: u64,
    len: u64,
}

impl Draws {
    const fn new(purpose: Purpose, first: u64, len: u64) -> Self {
        Self {
            purpose,
            first,
            len,
        }
    }

    /// The number, under its purpose, of the use's stream `index`.
    ///
    /// # Panics
    /// The use has fewer streams: its range would run into another's.
    pub fn number(&self, index: u64) -> u64 {
        assert!(index < self.len, "stream {index} of {}", self.len);
        self.first + index
    }

    /// The use's stream `index` under `seed`.
    ///
    /// # Panics
    /// As [`number`](Self::number).
    pub fn stream(&self, seed: u64, index: u64) -> Stream {
        Stream::new(seed, self.purpose, self.number(index))
    }
}

/// One number of several, each below 2^bits: the first in the highest bits.
///
/// # Panics
/// One of them is not below its bound.
pub fn packed(parts: &[(u64, u32)]) -> u64 {
    parts.iter().fold(0, |packed, &(value, bits)| {
        assert!(value >> bits == 0, "{value} in {bits} bits");
        packed << bits | value
    })
}

/// Random vectors beside what is sought adds to a site: site (16 bits), what is sought (8), draw (16).
pub const BESIDE_DIRECTIONS: Draws = Draws::new(Purpose::Controls, 1 << 60, 1 << 40);
/// Random vectors beside what its own cheese adds to each level at a site: site (16 bits), draw (16).
pub const BESIDE_OWN_VECTORS: Draws = Draws::new(Purpose::Controls, 1 << 59, 1 << 32);
/// Random parameters beside a method's resets: method (8 bits), claim (8), place of the percentage (8), draw (8).
pub const BESIDE_RESETS: Draws = Draws::new(Purpose::Controls, 1 << 32, 1 << 32);
/// The tries of the baselines: which (8 bits), try (24).
pub const BASELINES: Draws = Draws::new(Purpose::Controls, 1 << 40, 1 << 32);
/// Random directions that are projected out of training.
pub const PROJECTED_OUT: Draws = Draws::new(Purpose::Controls, (1 << 40) + (1 << 36), 1 << 16);
/// Random vectors beside the steering that is tried: how many edits were tried before.
pub const BESIDE_STEERING: Draws = Draws::new(Purpose::Controls, 1 << 42, 1 << 32);
/// Random directions beside a set that is projected off: how many edits were tried before.
pub const BESIDE_SETS: Draws = Draws::new(Purpose::Controls, 1 << 44, 1 << 32);
/// Random vectors beside directions taken off the whole policy.
pub const BESIDE_TAKEN_OFF: Draws = Draws::new(Purpose::Controls, 1 << 43, 1 << 16);
/// Controls of a chosen step: choice (16 bits), draw (24).
pub const STEP_CONTROLS: Draws = Draws::new(Purpose::Controls, 1 << 50, 1 << 40);
/// Directions of a control of a chosen projection: choice (16 bits), draw (24), direction (8).
pub const PROJECTION_CONTROLS: Draws = Draws::new(Purpose::Controls, 1 << 51, 1 << 48);
/// Controls of a chosen reset: choice (16 bits), draw (24).
pub const RESET_CONTROLS: Draws = Draws::new(Purpose::Controls, 1 << 52, 1 << 40);

/// Random directions behind the nulls of a decomposition.
pub const DIRECTION_NULLS: Draws = Draws::new(Purpose::Nulls, 0, 1);
/// The other nulls of the components of a decomposition: component (38 bits), null (1).
pub const COMPONENT_NULLS: Draws = Draws::new(Purpose::Nulls, 1, 1 << 39);
/// Matrices with random signs behind a spectrum's null.
pub const SIGN_FLIPS: Draws = Draws::new(Purpose::Nulls, 1 << 40, 1 << 40);
/// Random sets beside the early and the late set.
pub const RANDOM_SETS: Draws = Draws::new(Purpose::Nulls, (1 << 41) + 1, 1);
/// The seed of a matrix with random signs.
pub const SIGN_SEEDS: Draws = Draws::new(Purpose::Nulls, u64::MAX - 1, 1);

/// Probes of an SVD's certificate.
pub const SVD_PROBES: Draws = Draws::new(Purpose::Sketch, 1 << 40, 1);

/// Mazes, taken with replacement: one stream a draw.
pub const MAZES: Draws = Draws::new(Purpose::Bootstrap, 0, 1 << 32);
/// The points of a rate's curve: rate (8 bits), draw (24).
pub const CURVE_POINTS: Draws = Draws::new(Purpose::Bootstrap, 1 << 32, 1 << 32);
/// Where the bootstraps over seeds begin: one stream a number of a study's summary.
const OVER_SEEDS: u64 = 1 << 48;
/// Over seeds. The premise, a number after the other.
pub const PREMISE_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS, 1 << 8);
/// Over seeds. Areas: method among the first seed's (12 bits), kind (3), claim (1).
pub const METHODS_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 20), 1 << 16);
/// Over seeds. Families of edits: number (16 bits), kind (3), claim (1).
pub const FAMILIES_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 30), 1 << 20);
/// Over seeds. The temporal claim: decomposition (12 bits), kind (4).
pub const TIME_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 40), 1 << 16);
/// Over seeds. Training again: set (12 bits), kind (4).
pub const RETRAINING_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 44), 1 << 16);
/// Over seeds. Pairs of gradient SVDs and SVDs of weights.
pub const WEIGHTS_PAIRS_OVER: Draws =
    Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 45), 1 << 16);
/// Over seeds. Pairs of gradient SVDs and rivals.
pub const RIVAL_PAIRS_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 46), 1 << 16);
/// Over seeds. Agreement of two methods: pair (16 bits), kind (4).
pub const AGREEMENT_OVER: Draws = Draws::new(Purpose::Bootstrap, OVER_SEEDS + (1 << 47), 1 << 20);
/// Over seeds. Hypotheses.
pub const HYPOTHESES_OVER: Draws = Draws::new(
    Purpose::Bootstrap,
    OVER_SEEDS + (1 << 47) + (1 << 30),
    1 << 16,
);
/// Over seeds. Directions taken off: site (16 bits), kind (4).
pub const DIRECTIONS_OVER: Draws = Draws::new(
    Purpose::Bootstrap,
    OVER_SEEDS + (1 << 47) + (1 << 31),
    1 << 20,
);

/// Random scores: claim.
pub const RANDOM_SCORES: Draws = Draws::new(Purpose::Locators, 0, 2);
/// The levels of a step of the oracle's: claim (1 bit), step (32).
pub const ORACLE_LEVELS: Draws = Draws::new(Purpose::Locators, 1 << 40, 1 << 33);
/// The null of a weight matrix: its place in the network.
pub const WEIGHTS_NULLS: Draws = Draws::new(Purpose::Locators, 1 << 32, 1 << 16);
/// Random walks beside the path of weights.
pub const RANDOM_WALKS: Draws = Draws::new(Purpose::Locators, 2 << 32, 1 << 32);
/// All of a made-up run.
pub const MADE_UP: Draws = Draws::new(Purpose::Planted, 0, 1);
/// A level and its mice that a tower is taught on: the teacher (1 bit), update (33), number of the level (8).
pub const IMITATION: Draws = Draws::new(Purpose::Planted, 1, 1 << 42);

/// In what order the cells of a level are tried for a pair, seeded by the level: the fact.
pub const PAIRS: Draws = Draws::new(Purpose::Pairs, 0, 1 << 8);
/// Where mice and cheeses are put in a maze, seeded by the maze.
pub const STATES: Draws = Draws::new(Purpose::Scrubbing, 0, 1);
/// Which states stand in for one: its number in the pool.
pub const SCRUBBED: Draws = Draws::new(Purpose::Scrubbing, 1, 1 << 36);
/// Other states of one, a feature of it held: feature (4 bits), number in the pool (36).
pub const RESAMPLED: Draws = Draws::new(Purpose::Scrubbing, 1 << 41, 1 << 40);
/// Random units beside those of a hypothesis.
pub const RANDOM_UNITS: Draws = Draws::new(Purpose::Scrubbing, 1 << 40, 1 << 16);

/// Blocks of rows behind the interval of a component's temporal index.
pub const INDEX_BOOTSTRAP: Draws = Draws::new(Purpose::Nulls, 1 << 42, 1 << 38);

/// All of them.
pub const ALL: [Draws; 43] = [
    INDEX_BOOTSTRAP,
    SVD_PROBES,
    BESIDE_DIRECTIONS,
    BESIDE_OWN_VECTORS,
    BESIDE_RESETS,
    BASELINES,
    PROJECTED_OUT,
    BESIDE_STEERING,
    BESIDE_SETS,
    BESIDE_TAKEN_OFF,
    STEP_CONTROLS,
    PROJECTION_CONTROLS,
    RESET_CONTROLS,
    DIRECTION_NULLS,
    COMPONENT_NULLS,
    SIGN_FLIPS,
    RANDOM_SETS,
    SIGN_SEEDS,
    MAZES,
    CURVE_POINTS,
    PREMISE_OVER,
    METHODS_OVER,
    FAMILIES_OVER,
    TIME_OVER,
    RETRAINING_OVER,
    WEIGHTS_PAIRS_OVER,
    RIVAL_PAIRS_OVER,
    AGREEMENT_OVER,
    HYPOTHESES_OVER,
    DIRECTIONS_OVER,
    RANDOM_SCORES,
    ORACLE_LEVELS,
    WEIGHTS_NULLS,
    RANDOM_WALKS,
    MADE_UP,
    IMITATION,
    PAIRS,
    STATES,
    SCRUBBED,
    RESAMPLED,
    RANDOM_UNITS,
    SITUATIONS,
    MOUSE_STARTS,
];

/// What a situation adds to a level, seeded by the level: the situation.
pub const SITUATIONS: Draws = Draws::new(Purpose::Situations, 0, 1 << 8);

/// Where the mouse of a level starts, seeded by the level.
pub const MOUSE_STARTS: Draws = Draws::new(Purpose::Mice, 0, 1);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_uses_have_a_stream_in_common() {
        for (place, a) in ALL.iter().enumerate() {
            for b in &ALL[place + 1..] {
                let apart = a.first + (a.len - 1) < b.first || b.first + (b.len - 1) < a.first;
                assert!(a.purpose != b.purpose || apart, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn every_constant_of_this_file_is_in_the_list() {
        let source = include_str!("draws.rs");
        let constants = source.matches(": Draws =").count();
        // This line has it once more.
        assert_eq!(constants - 1, ALL.len());
    }

    #[test]
    fn nothing_after_training_is_drawn_past_this_list() {
        let after = [
            "Controls",
            "Nulls",
            "Bootstrap",
            "Locators",
            "Planted",
            "Pairs",
            "Scrubbing",
            "Situations",
            "Mice",
        ];
        let src = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut files = vec![src];
        let mut sources = Vec::new();
        while let Some(path) = files.pop() {
            match path.is_dir() {
                true => files.extend(std::fs::read_dir(path).unwrap().map(|e| e.unwrap().path())),
                false => sources.push(path),
            }
        }
        for path in sources {
            let is_test = path.ends_with("tests.rs") || path.ends_with("finite_difference.rs");
            if is_test
                || path.ends_with("numeric/draws.rs")
                // Under a seed of its own (SIGN_SEEDS), beyond all streams of the list.
                || path.ends_with("gradients/view.rs")
                || path.to_string_lossy().contains("/cli/")
            {
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            for purpose in after {
                let word = format!("Purpose::{purpose},");
                assert!(!code.contains(&word), "{}: {word}", path.display());
            }
        }
    }

    #[test]
    fn parts_are_packed_apart() {
        assert_eq!(packed(&[(1, 8), (2, 8), (3, 4)]), 0x1023);
        assert!(std::panic::catch_unwind(|| packed(&[(256, 8)])).is_err());
    }
}
