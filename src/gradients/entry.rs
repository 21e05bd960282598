//! One number of a matrix, decoded from the bytes of a file.

use std::fmt::Debug;

use crate::storage::half;
use crate::storage::npy::Dtype;

/// `f32` or `f64`: what a block is read into.
pub(super) trait Entry: Copy + Debug + Default + Send + Sync + Into<f64> + 'static {
    /// Decodes little-endian numbers, as many as `out` has; they need not be aligned.
    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]);
    /// Neither NaN nor infinite.
    fn is_finite(self) -> bool;
    /// For a message.
    fn to_f32(self) -> f32;
}

fn each<const N: usize, T>(bytes: &[u8], out: &mut [T], from: impl Fn([u8; N]) -> T) {
    let (numbers, _) = bytes.as_chunks::<N>();
    for (out, number) in out.iter_mut().zip(numbers) {
        *out = from(*number);
    }
}

/// The upper half of the bits of an `f32`.
fn bfloat16(bytes: [u8; 2]) -> f32 {
    f32::from_bits(u32::from(u16::from_le_bytes(bytes)) << 16)
}

impl Entry for f32 {
    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) {
        match dtype {
            Dtype::F16 => each(bytes, out, |b| half::widen(u16::from_le_bytes(b))),
            Dtype::BF16 => each(bytes, out, bfloat16),
            Dtype::F32 => bytemuck::cast_slice_mut(out).copy_from_slice(bytes),
            Dtype::F64 => each(bytes, out, |b| f64::from_le_bytes(b) as f32),
        }
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }

    fn to_f32(self) -> f32 {
        self
    }
}

impl Entry for f64 {
    fn decode(dtype: Dtype, bytes: &[u8], out: &mut [Self]) {
        match dtype {
            Dtype::F16 => each(bytes, out, |b| half::widen(u16::from_le_bytes(b)).into()),
            Dtype::BF16 => each(bytes, out, |b| bfloat16(b).into()),
            Dtype::F32 => each(bytes, out, |b| f32::from_le_bytes(b).into()),
            Dtype::F64 => bytemuck::cast_slice_mut(out).copy_from_slice(bytes),
        }
    }

    fn is_finite(self) -> bool {
        self.is_finite()
    }

    fn to_f32(self) -> f32 {
        self as f32
    }
}

/// Whether all are finite; without an early exit, so that it is vectorised.
pub(super) fn all_finite<T: Entry>(values: &[T]) -> bool {
    values
        .iter()
        .fold(true, |finite, value| finite & value.is_finite())
}
