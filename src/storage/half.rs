//! Half precision (IEEE 754 binary16), widened.

/// The value of a half-precision number's bits: every one of them is an `f32`.
#[inline(always)]
pub fn widen(bits: u16) -> f32 {
    let shifted = u32::from(bits & 0x7fff) << 13;
    let magnitude = if bits & 0x7c00 == 0x7c00 {
        f32::from_bits(0x7f80_0000 | shifted)
    } else {
        // The exponents' biases differ by 112; a subnormal half is a subnormal here until then.
        f32::from_bits(shifted) * f32::from_bits((112 + 127) << 23)
    };
    f32::from_bits(magnitude.to_bits() | (u32::from(bits & 0x8000) << 16))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_half_is_what_its_definition_says() {
        for bits in 0..=u16::MAX {
            let sign = if bits >> 15 == 1 { -1.0f64 } else { 1.0 };
            let (exponent, fraction) = (i32::from((bits >> 10) & 31), f64::from(bits & 1023));
            let expected = match exponent {
                0 => sign * fraction * 2f64.powi(-24),
                31 if fraction == 0.0 => sign * f64::INFINITY,
                31 => f64::NAN,
                _ => sign * (1.0 + fraction / 1024.0) * 2f64.powi(exponent - 15),
            };
            let found = f64::from(widen(bits));
            assert!(
                found == expected || found.is_nan() && expected.is_nan(),
                "{bits:04x}"
            );
            assert!(found.is_nan() || found.is_sign_negative() == (bits >> 15 == 1));
        }
    }
}
