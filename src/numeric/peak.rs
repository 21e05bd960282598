//! The peak of the fused multiply-add units, to hold measured speeds against: sums that stay in
//! registers, enough of them to hide the latency.

#[cfg(target_arch = "aarch64")]
use std::arch::aarch64 as arch;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64 as arch;

use super::Real;
use super::simd;

/// Multiply-adds, times two, of one call of [`spin`] with `rounds` rounds.
pub fn flops<T: Real>(rounds: usize) -> f64 {
    2.0 * rounds as f64 * (SUMS * lanes::<T>()) as f64
}

/// Sums of 64 bytes each that a round adds a product to.
const SUMS: usize = 12;

const fn lanes<T>() -> usize {
    64 / size_of::<T>()
}

/// Adds up products of 0.999 with itself, as many as [`flops`] counts. The value keeps the work from
/// being dropped.
pub fn spin<T: Real>(rounds: usize) -> f64 {
    let is_single = size_of::<T>() == 4;
    // SAFETY: the path was found on this CPU.
    unsafe {
        match simd::path() {
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx512 if is_single => avx512_f32(rounds),
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx512 => avx512_f64(rounds),
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx2 if is_single => avx2_f32(rounds),
            #[cfg(target_arch = "x86_64")]
            simd::Path::Avx2 => avx2_f64(rounds),
            #[cfg(target_arch = "aarch64")]
            simd::Path::Neon if is_single => neon_f32(rounds),
            #[cfg(target_arch = "aarch64")]
            simd::Path::Neon => neon_f64(rounds),
            _ => portable::<T>(rounds),
        }
    }
}

fn portable<T: Real>(rounds: usize) -> f64 {
    let factor = std::hint::black_box(T::from_f64(0.999));
    let mut sums = [[T::ZERO; 4]; SUMS];
    for _ in 0..rounds * lanes::<T>() / 4 {
        for sum in &mut sums {
            for sum in sum {
                *sum = factor.mul_add(factor, *sum);
            }
        }
    }
    let mut total = 0.0;
    for sum in sums {
        for sum in sum {
            total += sum.to_f64();
        }
    }
    total
}

/// The same for one type of vectors, of which so many are sums. In plain loops the compiler may keep
/// them in memory, which costs a quarter of the speed and more.
macro_rules! spin {
    (
        $name:ident on $arch:literal with $feature:literal:
        $vectors:literal of [$scalar:ty; $lanes:literal],
        $splat:ident, |$factor:ident, $sum:ident| $fmadd:expr
    ) => {
        #[cfg(target_arch = $arch)]
        #[target_feature(enable = $feature)]
        fn $name(rounds: usize) -> f64 {
            const TURNS: usize = SUMS * lanes::<$scalar>() / ($vectors * $lanes);
            let $factor = std::hint::black_box(arch::$splat(0.999));
            let mut sums = [arch::$splat(0.0); $vectors];
            for _ in 0..TURNS * rounds {
                for sum in &mut sums {
                    let $sum = *sum;
                    *sum = $fmadd;
                }
            }
            let mut total = 0.0;
            for sum in sums {
                // SAFETY: a vector is its lanes.
                let sum: [$scalar; $lanes] = unsafe { std::mem::transmute(sum) };
                for sum in sum {
                    total += sum.to_f64();
                }
            }
            total
        }
    };
}

spin!(avx512_f32 on "x86_64" with "avx512f": 12 of [f32; 16],
    _mm512_set1_ps, |factor, sum| arch::_mm512_fmadd_ps(factor, factor, sum));
spin!(avx512_f64 on "x86_64" with "avx512f": 12 of [f64; 8],
    _mm512_set1_pd, |factor, sum| arch::_mm512_fmadd_pd(factor, factor, sum));
spin!(avx2_f32 on "x86_64" with "avx2,fma": 12 of [f32; 8],
    _mm256_set1_ps, |factor, sum| arch::_mm256_fmadd_ps(factor, factor, sum));
spin!(avx2_f64 on "x86_64" with "avx2,fma": 12 of [f64; 4],
    _mm256_set1_pd, |factor, sum| arch::_mm256_fmadd_pd(factor, factor, sum));
// Two units with a latency of four cycles want eight sums, four of them sixteen.
spin!(neon_f32 on "aarch64" with "neon": 24 of [f32; 4],
    vdupq_n_f32, |factor, sum| arch::vfmaq_f32(sum, factor, factor));
spin!(neon_f64 on "aarch64" with "neon": 24 of [f64; 2],
    vdupq_n_f64, |factor, sum| arch::vfmaq_f64(sum, factor, factor));

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_product_is_counted() {
        let value = |products: f64| 0.999 * 0.999 * products;
        let found = spin::<f64>(1 << 16);
        let expected = value(0.5 * flops::<f64>(1 << 16));
        assert!((found / expected - 1.0).abs() < 1e-9, "{found} {expected}");
        let found = spin::<f32>(100);
        let expected = value(0.5 * flops::<f32>(100));
        assert!((found / expected - 1.0).abs() < 1e-4, "{found} {expected}");
        assert_eq!(flops::<f32>(10), 2.0 * 10.0 * 12.0 * 16.0);
    }
}
