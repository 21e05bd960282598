//! Random streams: one for each purpose and index under one seed, never shared, so that the draws
//! of one environment or one control do not depend on who else drew before.
//!
//! PCG XSL RR 128/64 (O'Neill 2014) with the purpose and index mixed into state and increment by
//! SplitMix64. No draw goes through `usize`, so 32- and 64-bit machines agree.

use rand::{Rng, RngExt};
use rand_pcg::Pcg64;
use serde::{Deserialize, Serialize};

/// What a stream is for. The numbers are part of the determinism promise: they may be added to,
/// never changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// Initial weights.
    Init = 1,
    /// Which levels an environment plays.
    Levels = 2,
    /// Which actions an environment takes.
    Actions = 3,
    /// Which frames go in which minibatch.
    Minibatches = 4,
    /// Start blocks of the SVD.
    Sketch = 5,
    /// Where the situations put mouse and cheese.
    Situations = 6,
    /// Actions in the situations.
    SituationActions = 7,
    /// Random directions and other controls.
    Controls = 8,
    /// Surrogates and permutations behind p-values.
    Nulls = 9,
    /// Bootstrap resamples.
    Bootstrap = 10,
    /// What locators draw.
    Locators = 11,
    /// Made-up matrices with known answers.
    Planted = 12,
    /// States that differ in one fact.
    Pairs = 13,
    /// States that stand in for others, and random channels, in causal scrubbing.
    Scrubbing = 14,
    /// Where the mouse of a level starts.
    Mice = 15,
}

/// One random stream. As data it is the generator's state: what is read back draws on from there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream(Pcg64);

/// The part of a generator's state that stays.
#[derive(Deserialize)]
struct Increment {
    increment: u128,
}

impl Stream {
    /// The stream of `purpose` numbered `index` under `seed`.
    pub fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let mut state = seed;
        let mut next = |salt: u64| {
            state = state.wrapping_add(0x9e37_79b9_7f4a_7c15) ^ salt;
            let mut z = state;
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^ (z >> 31)
        };
        let purpose = purpose as u64;
        let start = (u128::from(next(purpose)) << 64) | u128::from(next(index));
        let increment = (u128::from(next(index)) << 64) | u128::from(next(purpose));
        Self(Pcg64::new(start, increment))
    }

    /// Whether this is, drawn from however often, the stream of `purpose` numbered `index` under
    /// `seed`: every one has an increment of its own.
    pub fn is_of(&self, seed: u64, purpose: Purpose, index: u64) -> bool {
        let increment = |stream: &Self| {
            let parts = serde_json::to_string(&stream.0).expect("two numbers");
            let parts: Increment = serde_json::from_str(&parts).expect("two numbers");
            parts.increment
        };
        increment(self) == increment(&Self::new(seed, purpose, index))
    }

    /// 32 uniform bits.
    pub fn next_u32(&mut self) -> u32 {
        self.0.next_u32()
    }

    /// Uniform in `0..n`, without bias; `n` is at least 1.
    pub fn below(&mut self, n: u32) -> u32 {
        self.0.random_range(0..n)
    }

    /// Uniform in `[0, 1)`, 53 bits.
    pub fn uniform(&mut self) -> f64 {
        (self.0.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// +1 or -1 with equal chance.
    pub fn sign(&mut self) -> f64 {
        if self.0.next_u64() >> 63 == 0 {
            1.0
        } else {
            -1.0
        }
    }

    /// Standard normal (Marsaglia's polar method, one of the pair).
    pub fn normal(&mut self) -> f64 {
        loop {
            let x = 2.0 * self.uniform() - 1.0;
            let y = 2.0 * self.uniform() - 1.0;
            let s = x * x + y * y;
            if s > 0.0 && s < 1.0 {
                return x * (-2.0 * super::exp::ln(s) / s).sqrt();
            }
        }
    }

    /// A uniform random order of `items` (Fisher-Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            let j = self.below(u32::try_from(i + 1).expect("shuffles of up to 2^32 items"));
            items.swap(i, j as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn streams_differ_by_seed_purpose_and_index_and_repeat() {
        let draw = |seed, purpose, index| {
            let mut stream = Stream::new(seed, purpose, index);
            [stream.next_u32(), stream.next_u32(), stream.next_u32()]
        };
        let base = draw(1, Purpose::Actions, 2);
        assert_eq!(base, draw(1, Purpose::Actions, 2));
        let mut stream = Stream::new(1, Purpose::Actions, 2);
        stream.next_u32();
        assert!(stream.is_of(1, Purpose::Actions, 2));
        assert!(!stream.is_of(1, Purpose::Actions, 3) && !stream.is_of(0, Purpose::Actions, 2));
        assert_ne!(base, draw(2, Purpose::Actions, 2));
        assert_ne!(base, draw(1, Purpose::Levels, 2));
        assert_ne!(base, draw(1, Purpose::Actions, 3));
    }

    #[test]
    fn normal_has_mean_zero_and_variance_one() {
        let mut stream = Stream::new(7, Purpose::Nulls, 0);
        let draws: Vec<f64> = (0..100_000).map(|_| stream.normal()).collect();
        let mean = draws.iter().sum::<f64>() / 1e5;
        let variance = draws.iter().map(|x| x * x).sum::<f64>() / 1e5;
        assert!(
            mean.abs() < 0.015 && (variance - 1.0).abs() < 0.03,
            "{mean} {variance}"
        );
    }
}
