//! The numbers of this room's random streams, one function a use.

/// Of the purpose `Controls`: the random parameters beside a reset, by the number of the set (below 2^16) and
/// the place of the percentage among those tried.
pub(super) fn matched_reset(set: u64, percentage: usize) -> u64 {
    (1 << 32) + (set << 16) + percentage as u64
}

/// Of the purpose `SituationActions`: the actions of a played level, by the number of its situation and its
/// place there (below 2^32).
pub(super) fn played(situation: usize, level: usize) -> u64 {
    ((situation as u64) << 32) + level as u64
}
