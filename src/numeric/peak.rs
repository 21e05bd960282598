//! The peak of the fused multiply-add units, to hold measured speeds against: sums that stay in
//! registers, enough of them to hide the latency.

use super::Real;
use super::simd::{Path, path};

/// Multiply-adds, times two, of one call of [`spin`] with `rounds` rounds.
pub fn flops<T: Real>(rounds: usize) -> f64 {
    2.0 * rounds as f64 * (SUMS * lanes::<T>()) as f64
}

/// Independent sums of 64 bytes each.
const SUMS: usize = 12;

fn lanes<T>() -> usize {
    64 / size_of::<T>()
}

/// Multiplies and adds; the value means nothing, but keeps the work from being dropped.
pub fn spin<T: Real>(rounds: usize) -> f64 {
    match path() {
        // SAFETY: the path was found on this CPU.
        #[cfg(target_arch = "x86_64")]
        Path::Avx512 => unsafe { spin_512::<T>(rounds) },
        // SAFETY: as above.
        #[cfg(target_arch = "x86_64")]
        Path::Avx2 => unsafe { spin_256::<T>(rounds) },
        _ => spin_with::<T, 8>(rounds),
    }
}

/// `SUMS` sums over vectors that the compiler finds: 64 bytes are one register of AVX-512.
#[inline(always)]
fn spin_with<T: Real, const LANES: usize>(rounds: usize) -> f64 {
    let factor = std::hint::black_box([T::from_f64(0.999); LANES]);
    let mut sums = [[T::ONE; LANES]; SUMS];
    for _ in 0..rounds * lanes::<T>() / LANES {
        for sum in &mut sums {
            for (sum, &factor) in sum.iter_mut().zip(&factor) {
                *sum = factor.mul_add(*sum, factor);
            }
        }
    }
    sums.iter().flatten().map(|sum| sum.to_f64()).sum()
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
unsafe fn spin_512<T: Real>(rounds: usize) -> f64 {
    use std::arch::x86_64::{
        _mm512_fmadd_pd, _mm512_fmadd_ps, _mm512_reduce_add_pd, _mm512_reduce_add_ps,
        _mm512_set1_pd, _mm512_set1_ps,
    };
    if size_of::<T>() == 4 {
        let factor = std::hint::black_box(_mm512_set1_ps(0.999));
        let mut sums = [factor; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_ps(factor, *sum, factor);
            }
        }
        let mut total = 0.0;
        for sum in sums {
            total += f64::from(_mm512_reduce_add_ps(sum));
        }
        total
    } else {
        let factor = std::hint::black_box(_mm512_set1_pd(0.999));
        let mut sums = [factor; SUMS];
        for _ in 0..rounds {
            for sum in &mut sums {
                *sum = _mm512_fmadd_pd(factor, *sum, factor);
            }
        }
        let mut total = 0.0;
        for sum in sums {
            total += _mm512_reduce_add_pd(sum);
        }
        total
    }
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn spin_256<T: Real>(rounds: usize) -> f64 {
    if size_of::<T>() == 4 {
        spin_with::<T, 8>(rounds)
    } else {
        spin_with::<T, 4>(rounds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sums_go_to_their_fixed_point() {
        // x = 0.999 x + 0.999 has the solution 999, in each of the path's lanes.
        let lanes = spin::<f64>(1 << 16) / (999.0 * SUMS as f64);
        let whole = lanes.round();
        assert!((lanes / whole - 1.0).abs() < 1e-6, "{lanes} lanes");
        assert!([2.0, 4.0, 8.0].contains(&whole), "{lanes} lanes");
        assert!(spin::<f32>(100) > 0.0);
        assert_eq!(flops::<f32>(10), 2.0 * 10.0 * 12.0 * 16.0);
    }
}
