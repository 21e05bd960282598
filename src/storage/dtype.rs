//! The types of number in a `.npy` file that are read and written.

/// The type of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 16-bit float, `<f2`.
    F16,
    /// 32-bit float, `<f4`.
    F32,
    /// 64-bit float, `<f8`.
    F64,
}

impl Dtype {
    /// numpy's name for it.
    pub fn descr(self) -> &'static str {
        match self {
            Self::F16 => "<f2",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// Size of one entry.
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }
}
