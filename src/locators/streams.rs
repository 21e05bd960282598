//! The numbers of this room's random streams, one function a use: of the purpose `Locators` but where it is
//! said, seeded by the run.

/// The scores of [`Random`](super::Random) for a claim (0 or 1).
pub(super) fn random_scores(claim: u64) -> u64 {
    claim
}

/// The levels of a step (below 2^32) of the [`Oracle`](super::Oracle)'s for a claim (0 or 1).
pub(super) fn oracle_batch(claim: usize, step: u64) -> u64 {
    ((claim as u64 + 1) << 32) + step
}

/// The null of a weight matrix, by its place among those of the network.
pub(super) fn weights_null(matrix: usize) -> u64 {
    (1 << 32) + matrix as u64
}

/// A random walk beside the path of weights.
pub(super) fn random_walk(draw: u64) -> u64 {
    (2 << 32) + draw
}

/// Of the purpose `Planted`: all of a made-up run.
pub(super) const PLANTED: u64 = 0;
