//! The numbers of this room's random streams, one function a use. Seeds are the run's but where it is said.

/// Of the purpose `Pairs`, seeded by the level: in what order its cells are tried, by the number of the fact.
pub(super) fn pairs(fact: u64) -> u64 {
    fact
}

/// Of the purpose `Scrubbing`, seeded by the maze: where mice and cheeses are put in it.
pub(super) const STATES: u64 = 0;

/// Of the purpose `Scrubbing`: which states stand in for one, by its number in the pool (below 2^36).
pub(super) fn scrubbed(state: usize) -> u64 {
    1 + state as u64
}

/// Of the purpose `Scrubbing`: the other states of one when a feature of it is held, by the number of the
/// feature and the state's in the pool (below 2^36).
pub(super) fn resampled(feature: u64, state: usize) -> u64 {
    (1 << 41) + (feature << 36) + state as u64
}

/// Of the purpose `Controls`: a random vector beside what is sought adds to a site on average, by the numbers
/// of the site (below 2^32), of what is sought (0 or 1), and of the draw (below 2^16).
pub(super) fn beside_direction(site: usize, sought: u64, draw: u64) -> u64 {
    (site as u64) << 32 | sought << 16 | draw
}

/// Of the purpose `Controls`: random vectors beside what its own cheese adds to each level at a site. Nothing
/// sought has the number 2.
pub(super) fn beside_own_vectors(site: usize, draw: u64) -> u64 {
    beside_direction(site, 2, draw)
}
