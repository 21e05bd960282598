//! Integer code compiled for the instruction set in force, and the one bit operation in it that
//! needs an instruction by name: finding the n-th set bit of a word.
//!
//! Integers have one result on every path, so nothing here can change a bit. A [`Job`] is compiled
//! once a path with everything that is inlined into it, loops over lanes vectorised for that path;
//! a [`Select`] is at once the operation and the proof that the CPU has it.

use super::simd::{Path, path};

/// Finds set bits.
pub trait Select: Copy {
    /// The position of set bit number `n`, counted from 0 at the low end; 64 if there are fewer.
    fn nth_one(self, word: u64, n: u32) -> u32;
}

/// Halving by counts, in plain operations.
#[derive(Clone, Copy, Debug)]
pub struct Halving;

impl Select for Halving {
    #[inline(always)]
    fn nth_one(self, word: u64, n: u32) -> u32 {
        if n >= word.count_ones() {
            return 64;
        }
        let (mut word, mut left, mut position) = (word, n, 0);
        for width in [32, 16, 8, 4, 2, 1] {
            let low = word & ((1 << width) - 1);
            let count = low.count_ones();
            let is_above = left >= count;
            left -= if is_above { count } else { 0 };
            position += if is_above { width } else { 0 };
            word = if is_above { word >> width } else { low };
        }
        position
    }
}

/// One deposit, by BMI2. Made only where the CPU has it.
#[cfg(target_arch = "x86_64")]
#[derive(Clone, Copy, Debug)]
pub struct Deposit(());

#[cfg(target_arch = "x86_64")]
impl Select for Deposit {
    #[inline(always)]
    fn nth_one(self, word: u64, n: u32) -> u32 {
        // SAFETY: a `Deposit` exists only in `on_avx2` and `on_avx512`, which are entered after
        // BMI2 was found on this CPU.
        let bit = unsafe { std::arch::x86_64::_pdep_u64(1u64.checked_shl(n).unwrap_or(0), word) };
        bit.trailing_zeros()
    }
}

/// Work to be compiled once a path. `run` should be `#[inline(always)]`, as what it calls.
pub trait Job {
    /// What comes of it.
    type Output;
    /// Does the work.
    fn run<S: Select>(self, select: S) -> Self::Output;
}

/// Runs the job compiled for the path in force.
#[inline]
pub fn run<J: Job>(job: J) -> J::Output {
    run_on(path(), job)
}

/// Runs the job compiled for `on`, or for the portable path where the CPU lacks what that takes.
#[inline]
pub fn run_on<J: Job>(on: Path, job: J) -> J::Output {
    match on {
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 if has_avx512() => {
            // SAFETY: every feature was just found on this CPU.
            unsafe { on_avx512(job) }
        }
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 | Path::Avx512 if has_avx2() => {
            // SAFETY: every feature was just found on this CPU.
            unsafe { on_avx2(job) }
        }
        _ => job.run(Halving),
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    is_x86_feature_detected!("avx2")
        && is_x86_feature_detected!("bmi1")
        && is_x86_feature_detected!("bmi2")
        && is_x86_feature_detected!("popcnt")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    has_avx2()
        && is_x86_feature_detected!("avx512f")
        && is_x86_feature_detected!("avx512bw")
        && is_x86_feature_detected!("avx512dq")
        && is_x86_feature_detected!("avx512vl")
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt")]
unsafe fn on_avx2<J: Job>(job: J) -> J::Output {
    job.run(Deposit(()))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,bmi1,bmi2,popcnt,avx512f,avx512bw,avx512dq,avx512vl")]
unsafe fn on_avx512<J: Job>(job: J) -> J::Output {
    job.run(Deposit(()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Nth(u64, u32);

    impl Job for Nth {
        type Output = u32;
        #[inline(always)]
        fn run<S: Select>(self, select: S) -> u32 {
            select.nth_one(self.0, self.1)
        }
    }

    proptest! {
        #[test]
        fn every_path_finds_the_bit_that_counting_finds(word: u64, mask: u64, n in 0u32..70) {
            for word in [word, word & mask, 0, u64::MAX] {
                let counted = (0..64).filter(|i| word >> i & 1 == 1).nth(n as usize).unwrap_or(64);
                for &path in Path::ALL {
                    prop_assert_eq!(run_on(path, Nth(word, n)), counted, "{:?}", path);
                }
            }
        }
    }
}
