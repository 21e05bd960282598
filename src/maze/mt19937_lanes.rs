//! Sixteen Mersenne Twisters side by side, one a lane.
//!
//! Seeding is a recurrence of 624 steps of which each waits for the last, six cycles or so; sixteen
//! seeds take the steps together. A word needs only the seed's words up to 397 places on, so both
//! seeding and drawing stop at the words that were asked for. The words are those of
//! [`super::mt19937`], up to the 624th.

use super::mt19937::{SHIFT, STATE_LEN, far, seeded, tempered, twisted};

/// Generators side by side.
pub const LANES: usize = 16;

/// The most words that can be drawn from one seeding.
pub const WORDS_MAX: usize = STATE_LEN;

/// One word of every generator.
#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
pub struct Words(pub [u32; LANES]);

/// The generators, and the words drawn from them so far.
#[derive(Clone, Debug)]
pub struct Mt19937Lanes {
    state: Vec<Words>,
    seeded_len: usize,
    drawn: Vec<Words>,
    drawn_len: usize,
}

impl Default for Mt19937Lanes {
    /// Generators without a seed, from which nothing can be drawn.
    fn default() -> Self {
        Self {
            state: vec![Words([0; LANES]); STATE_LEN],
            seeded_len: 0,
            drawn: vec![Words([0; LANES]); WORDS_MAX],
            drawn_len: 0,
        }
    }
}

impl Mt19937Lanes {
    /// Begins anew from these seeds.
    pub fn seed(&mut self, seeds: [u32; LANES]) {
        self.state[0] = Words(seeds);
        self.seeded_len = 1;
        self.drawn_len = 0;
    }

    /// Draws until `len` words are there.
    ///
    /// # Panics
    /// If `len` is more than `WORDS_MAX`, or without a seed.
    #[inline(always)]
    pub fn draw_to(&mut self, len: usize) {
        if len <= self.drawn_len {
            return;
        }
        self.seed_to((len + SHIFT).min(STATE_LEN));
        for i in self.drawn_len..len {
            let after = if i + 1 < STATE_LEN { i + 1 } else { 0 };
            let (one, two, three) = (self.state[i], self.state[after], self.state[far(i)]);
            let (mut word, mut drawn) = (one, one);
            for lane in 0..LANES {
                word.0[lane] = twisted(one.0[lane], two.0[lane], three.0[lane]);
                drawn.0[lane] = tempered(word.0[lane]);
            }
            self.state[i] = word;
            self.drawn[i] = drawn;
        }
        self.drawn_len = len;
    }

    #[inline(always)]
    fn seed_to(&mut self, len: usize) {
        if len <= self.seeded_len {
            return;
        }
        let mut last = self.state[self.seeded_len - 1];
        let fresh = &mut self.state[self.seeded_len..len];
        for (i, words) in fresh.iter_mut().enumerate() {
            let place = (self.seeded_len + i) as u32;
            for word in &mut last.0 {
                *word = seeded(*word, place);
            }
            *words = last;
        }
        self.seeded_len = len;
    }

    /// The words drawn so far, in order.
    #[inline(always)]
    pub fn words(&self) -> &[Words] {
        &self.drawn[..self.drawn_len]
    }
}

#[cfg(test)]
mod tests {
    use super::super::mt19937::Mt19937;
    use super::*;

    #[test]
    fn every_lane_draws_the_words_of_its_own_generator() {
        let mut lanes = Mt19937Lanes::default();
        let mut seeds = [0; LANES];
        for round in 0..3u32 {
            for (lane, seed) in seeds.iter_mut().enumerate() {
                *seed = (lane as u32 + 16 * round).wrapping_mul(0x9e37_79b9);
            }
            lanes.seed(seeds);
            for len in [1, 3, 3, 90, 226, 227, 228, 400, 623, 624] {
                lanes.draw_to(len);
                assert_eq!(lanes.words().len(), len);
            }
            for (lane, &seed) in seeds.iter().enumerate() {
                let mut alone = Mt19937::new(seed);
                for words in lanes.words() {
                    assert_eq!(words.0[lane], alone.next_u32());
                }
            }
        }
    }
}
