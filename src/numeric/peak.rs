//! Multiply-adds that do nothing but keep the units busy: the measure that kernels are held
//! against. Whoever calls it holds the clock.

use super::simd::{Path, path};

/// Independent sums: four cycles of latency times two units, and some to spare.
const CHAINS: usize = 12;

/// Runs `rounds` of fused multiply-adds in `f32` on the path in force and returns how many there
/// were.
pub fn multiply_adds(rounds: usize) -> usize {
    // SAFETY: the path was found on this CPU.
    let (lanes, sum) = unsafe {
        match path() {
            #[cfg(target_arch = "x86_64")]
            Path::Avx512 => (16, avx512(rounds)),
            #[cfg(target_arch = "x86_64")]
            Path::Avx2 => (8, avx2(rounds)),
            _ => (1, portable(rounds)),
        }
    };
    // What nobody looks at would not be computed.
    std::hint::black_box(sum);
    rounds * CHAINS * lanes
}

fn portable(rounds: usize) -> [f32; CHAINS] {
    let factor = std::hint::black_box(0.999f32);
    let mut sums = [1.0f32; CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = sum.mul_add(factor, 0.5);
        }
    }
    sums
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2(rounds: usize) -> [f32; CHAINS] {
    use std::arch::x86_64::{_mm256_cvtss_f32, _mm256_fmadd_ps, _mm256_set1_ps};
    let factor = _mm256_set1_ps(std::hint::black_box(0.999));
    let half = _mm256_set1_ps(0.5);
    let mut sums = [_mm256_set1_ps(1.0); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm256_fmadd_ps(*sum, factor, half);
        }
    }
    sums.map(|sum| _mm256_cvtss_f32(sum))
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn avx512(rounds: usize) -> [f32; CHAINS] {
    use std::arch::x86_64::{_mm512_cvtss_f32, _mm512_fmadd_ps, _mm512_set1_ps};
    let factor = _mm512_set1_ps(std::hint::black_box(0.999));
    let half = _mm512_set1_ps(0.5);
    let mut sums = [_mm512_set1_ps(1.0); CHAINS];
    for _ in 0..rounds {
        for sum in &mut sums {
            *sum = _mm512_fmadd_ps(*sum, factor, half);
        }
    }
    sums.map(|sum| _mm512_cvtss_f32(sum))
}
