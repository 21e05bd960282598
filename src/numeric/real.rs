//! The scalar types the network runs in: `f32` for training, `f64` for finite-difference tests of
//! the very same code.

use std::fmt::Debug;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub};

use super::exp::{exp, ln};

/// A floating-point scalar with a fused multiply-add and with [`exp`](Real::exp) and
/// [`ln`](Real::ln) whose bits do not depend on the machine's libm.
pub trait Real:
    Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + bytemuck::Pod
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    /// Zero.
    const ZERO: Self;
    /// One.
    const ONE: Self;
    /// The nearest value to `x`.
    fn from_f64(x: f64) -> Self;
    /// The value, widened.
    fn to_f64(self) -> f64;
    /// `self * a + b`, rounded once.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// Square root, rounded correctly (IEEE 754).
    fn sqrt(self) -> Self;
    /// e to the power of `self`.
    #[inline(always)]
    fn exp(self) -> Self {
        Self::from_f64(exp(self.to_f64()))
    }
    /// The natural logarithm.
    #[inline(always)]
    fn ln(self) -> Self {
        Self::from_f64(ln(self.to_f64()))
    }
    /// The larger of two numbers, `self` when they tie.
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if other > self { other } else { self }
    }
}

macro_rules! real {
    ($t:ty) => {
        impl Real for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            #[inline(always)]
            fn from_f64(x: f64) -> Self {
                x as $t
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline(always)]
            fn mul_add(self, a: Self, b: Self) -> Self {
                <$t>::mul_add(self, a, b)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$t>::sqrt(self)
            }
        }
    };
}
real!(f32);
real!(f64);
