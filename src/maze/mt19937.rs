//! The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), the generator behind every level
//! of procgen, where it is `std::mt19937`.
//!
//! The state is advanced one word a draw instead of 624 at once: the words are the same, and a
//! caller who wants only the first few draws does not pay for the rest.

/// Words of state.
pub(super) const STATE_LEN: usize = 624;
/// A word is mixed with the one so many places on.
pub(super) const SHIFT: usize = 397;

/// Word `place` of a seed's state, 1 or later, from the word before it.
#[inline(always)]
pub(super) fn seeded(last: u32, place: u32) -> u32 {
    (last ^ (last >> 30))
        .wrapping_mul(1_812_433_253)
        .wrapping_add(place)
}

/// The place of the word that word `place` is mixed with.
#[inline(always)]
pub(super) fn far(place: usize) -> usize {
    if place + SHIFT < STATE_LEN {
        place + SHIFT
    } else {
        place + SHIFT - STATE_LEN
    }
}

/// The next generation of a word, from it, the word after it and the far one.
#[inline(always)]
pub(super) fn twisted(word: u32, after: u32, far: u32) -> u32 {
    let mixed = (word & 0x8000_0000) | (after & 0x7fff_ffff);
    let twist = if mixed & 1 == 1 { 0x9908_b0df } else { 0 };
    far ^ (mixed >> 1) ^ twist
}

/// What is drawn where this word stands in the state.
#[inline(always)]
pub(super) fn tempered(word: u32) -> u32 {
    let mut y = word;
    y ^= y >> 11;
    y ^= (y << 7) & 0x9d2c_5680;
    y ^= (y << 15) & 0xefc6_0000;
    y ^ (y >> 18)
}

/// One generator: 624 words and the place of the next draw.
#[derive(Clone, Debug)]
pub struct Mt19937 {
    state: [u32; STATE_LEN],
    next: usize,
}

impl Mt19937 {
    /// Seeded as the C++ standard prescribes for one 32-bit value.
    pub fn new(seed: u32) -> Self {
        let mut state = [seed; STATE_LEN];
        for i in 1..STATE_LEN {
            state[i] = seeded(state[i - 1], i as u32);
        }
        Self { state, next: 0 }
    }

    /// 32 uniform bits.
    pub fn next_u32(&mut self) -> u32 {
        let i = self.next;
        let after = if i + 1 < STATE_LEN { i + 1 } else { 0 };
        let word = twisted(self.state[i], self.state[after], self.state[far(i)]);
        self.state[i] = word;
        self.next = after;
        tempered(word)
    }

    /// procgen's draw in `0..n`: the remainder, with its slight bias and without rejection.
    pub fn randn(&mut self, n: u32) -> u32 {
        self.next_u32() % n
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ten_thousandth_draw_is_the_one_the_cpp_standard_names() {
        let mut random = Mt19937::new(5489);
        for _ in 1..10_000 {
            random.next_u32();
        }
        assert_eq!(random.next_u32(), 4_123_659_995);
    }
}
