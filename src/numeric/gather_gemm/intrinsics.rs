//! What tiles do with vector registers, under the same names with the same signatures for every
//! instruction set. The maximum with zero is what `if x > 0 { x } else { 0 }` gives: +0 for NaN and for -0.

#[cfg(target_arch = "x86_64")]
pub mod avx2 {
    pub use std::arch::x86_64::{
        __m256 as Vector, _mm256_add_ps as add, _mm256_fmadd_ps as fmadd, _mm256_loadu_ps as load,
        _mm256_set1_ps as splat, _mm256_setzero_ps as zero, _mm256_storeu_ps as store,
    };

    pub const LANES: usize = 8;

    /// `max(x, 0)`: the instruction gives its second operand where the first is no number or both
    /// are zeros.
    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn rectify(x: Vector) -> Vector {
        std::arch::x86_64::_mm256_max_ps(x, zero())
    }
}

#[cfg(target_arch = "x86_64")]
pub mod avx512 {
    pub use std::arch::x86_64::{
        __m512 as Vector, _mm512_add_ps as add, _mm512_fmadd_ps as fmadd, _mm512_loadu_ps as load,
        _mm512_set1_ps as splat, _mm512_setzero_ps as zero, _mm512_storeu_ps as store,
    };

    pub const LANES: usize = 16;

    /// `max(x, 0)`, as with AVX2.
    #[inline]
    #[target_feature(enable = "avx512f")]
    pub fn rectify(x: Vector) -> Vector {
        std::arch::x86_64::_mm512_max_ps(x, zero())
    }
}

#[cfg(target_arch = "aarch64")]
pub mod neon {
    pub use std::arch::aarch64::{
        float32x4_t as Vector, vaddq_f32 as add, vdupq_n_f32 as splat, vld1q_f32 as load,
        vst1q_f32 as store,
    };
    use std::arch::aarch64::{
        vandq_u32, vcgtzq_f32, vfmaq_f32, vreinterpretq_f32_u32, vreinterpretq_u32_f32,
    };

    pub const LANES: usize = 4;

    /// Zeros.
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn zero() -> Vector {
        splat(0.0)
    }

    /// `a * b + c`, rounded once; the intrinsic has the summand first.
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn fmadd(a: Vector, b: Vector, c: Vector) -> Vector {
        vfmaq_f32(c, a, b)
    }

    /// `max(x, 0)`: the instruction of that name would pass NaN on, so the bits of what is above zero
    /// are kept and all others cleared.
    #[inline]
    #[target_feature(enable = "neon")]
    pub fn rectify(x: Vector) -> Vector {
        vreinterpretq_f32_u32(vandq_u32(vreinterpretq_u32_f32(x), vcgtzq_f32(x)))
    }
}
