//! `exp` and `ln` in `f64` from fused multiply-adds alone, so that their bits are the same on every
//! machine, which a system's libm does not promise.
//!
//! `exp(x) = 2^k e^r` with `k = round(x / ln 2)` and a Taylor polynomial of degree 13 on
//! `|r| <= ln 2 / 2` (truncation below 5e-18). `ln(x) = k ln 2 + 2 atanh((m - 1) / (m + 1))` with
//! `m` in `[sqrt 1/2, sqrt 2)` and the odd series to degree 23. Both are within 2 ulp of the true
//! value over the range the tests cover.

const LN_2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN_2_LOW: f64 = 1.908_214_929_270_587_7e-10;

/// e to the power of `x`; 0 below -708, infinity above 709.78, NaN for NaN. Without a branch, so
/// that a loop over it becomes vectors.
#[inline(always)]
pub fn exp(x: f64) -> f64 {
    // A sum of this size has its units in the last bits: it rounds, and its bits count.
    const ROUNDING: f64 = 6_755_399_441_055_744.0;
    let rounded = x.mul_add(std::f64::consts::LOG2_E, ROUNDING);
    let k = rounded - ROUNDING;
    let r = k.mul_add(-LN_2_LOW, k.mul_add(-LN_2_HIGH, x));
    let mut sum = 1.0 / 6_227_020_800.0;
    for inverse_factorial in [
        1.0 / 479_001_600.0,
        1.0 / 39_916_800.0,
        1.0 / 3_628_800.0,
        1.0 / 362_880.0,
        1.0 / 40_320.0,
        1.0 / 5_040.0,
        1.0 / 720.0,
        1.0 / 120.0,
        1.0 / 24.0,
        1.0 / 6.0,
        0.5,
        1.0,
        1.0,
    ] {
        sum = f64::mul_add(sum, r, inverse_factorial);
    }
    // 2^(k - 1), and twice the sum: k reaches 1024, one past the largest exponent of a number. The
    // shift drops what lies above the exponent; k outside its range is answered below.
    let half_scale = f64::from_bits(rounded.to_bits().wrapping_add(1022) << 52);
    let value = 2.0 * sum * half_scale;
    let value = if x < -708.0 { 0.0 } else { value };
    let value = if x > 709.78 { f64::INFINITY } else { value };
    if x.is_nan() { x } else { value }
}

/// The natural logarithm; -infinity at 0, NaN below it and for NaN.
#[inline(always)]
pub fn ln(x: f64) -> f64 {
    if x.is_nan() || x < 0.0 {
        return f64::NAN;
    }
    if x == 0.0 {
        return f64::NEG_INFINITY;
    }
    if x == f64::INFINITY {
        return x;
    }
    let (x, shift) = if x < f64::MIN_POSITIVE {
        (x * power_of_two(54), -54)
    } else {
        (x, 0)
    };
    let bits = x.to_bits();
    let mut k = ((bits >> 52) as i64) - 1023 + shift;
    let mut m = f64::from_bits((bits & 0x000f_ffff_ffff_ffff) | 0x3ff0_0000_0000_0000);
    if m > std::f64::consts::SQRT_2 {
        m *= 0.5;
        k += 1;
    }
    let s = (m - 1.0) / (m + 1.0);
    let square = s * s;
    let mut sum = 1.0 / 23.0;
    for odd in [21.0, 19.0, 17.0, 15.0, 13.0, 11.0, 9.0, 7.0, 5.0, 3.0] {
        sum = f64::mul_add(sum, square, 1.0 / odd);
    }
    let log_m = f64::mul_add(2.0 * s * square, sum, 2.0 * s);
    let k = k as f64;
    k.mul_add(LN_2_HIGH, k.mul_add(LN_2_LOW, log_m))
}

/// 2^k for -1022 <= k <= 1023.
#[inline(always)]
fn power_of_two(k: i64) -> f64 {
    f64::from_bits(((k + 1023) as u64) << 52)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() <= 8.0 * f64::EPSILON * b.abs().max(f64::MIN_POSITIVE)
    }

    proptest! {
        #[test]
        fn exp_agrees_with_libm(x in -700.0..709.0f64) {
            prop_assert!(close(exp(x), x.exp()), "{} {}", exp(x), x.exp());
        }

        #[test]
        fn ln_agrees_with_libm(x in prop::num::f64::POSITIVE | prop::num::f64::SUBNORMAL) {
            let x = x.abs();
            // Near 1 the logarithm vanishes, and the error is absolute.
            prop_assert!((ln(x) - x.ln()).abs() <= 4.0 * f64::EPSILON * x.ln().abs().max(1e-2));
        }
    }

    #[test]
    fn edges() {
        assert_eq!(exp(0.0), 1.0);
        assert_eq!(exp(-1e9), 0.0);
        assert_eq!(exp(1e9), f64::INFINITY);
        assert!(exp(f64::NAN).is_nan() && ln(f64::NAN).is_nan() && ln(-1.0).is_nan());
        assert_eq!(ln(0.0), f64::NEG_INFINITY);
        assert_eq!(ln(1.0), 0.0);
        assert_eq!(ln(f64::INFINITY), f64::INFINITY);
    }
}
