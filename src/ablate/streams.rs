//! The numbers of this room's random streams, one function a use.

/// Of the purpose `SituationActions`: the actions of a played level, by the number of its situation and its
/// place there (below 2^32).
pub(super) fn played(situation: usize, level: usize) -> u64 {
    ((situation as u64) << 32) + level as u64
}
