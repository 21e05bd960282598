//! The types of number that are read.

/// The type of one entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 16-bit float, `<f2`.
    F16,
    /// 16-bit float with the exponent of a 32-bit one; in safetensors alone.
    BF16,
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
            Self::BF16 => "bfloat16",
            Self::F32 => "<f4",
            Self::F64 => "<f8",
        }
    }

    /// Size of one entry.
    pub fn bytes(self) -> usize {
        match self {
            Self::F16 | Self::BF16 => 2,
            Self::F32 => 4,
            Self::F64 => 8,
        }
    }

    /// The type that numpy takes `descr` for, where it is a little-endian float of a width that is read.
    pub(super) fn of_descr(descr: &str) -> Option<Self> {
        match descr.strip_prefix(['<', '|', '=']).unwrap_or(descr) {
            "f2" | "e" => Some(Self::F16),
            "f4" | "f" => Some(Self::F32),
            "f8" | "d" => Some(Self::F64),
            // Names take no sign of the order of bytes.
            _ => match descr {
                "float16" | "half" => Some(Self::F16),
                "float32" | "single" => Some(Self::F32),
                "float64" | "double" | "float" => Some(Self::F64),
                _ => None,
            },
        }
    }
}

/// What kind of entry numpy's `descr` is, for those that are not read.
pub(super) fn in_words(descr: &str) -> &'static str {
    let code = descr.strip_prefix(['<', '>', '|', '=']).unwrap_or(descr);
    let is_name = |names: &[&str]| names.iter().any(|name| code.starts_with(name));
    if descr.contains(',') || code.starts_with(|c: char| c == '(' || c.is_ascii_digit()) {
        "several numbers an entry"
    } else if is_name(&["datetime", "timedelta", "M", "m"]) {
        "times"
    } else if is_name(&["complex", "c", "F", "D", "G"]) {
        "complex numbers"
    } else if is_name(&["bool", "b1", "?"]) {
        "truth values"
    } else if is_name(&["longdouble", "float128", "f12", "f16", "g"]) {
        "floats of more than 64 bits"
    } else if descr.starts_with('>') && is_name(&["f", "d", "e"]) {
        "big-endian floats"
    } else if is_name(&["object", "O"]) {
        "Python objects"
    } else if is_name(&["str", "bytes", "S", "U", "a"]) {
        "text"
    } else if is_name(&["void", "V"]) {
        "raw bytes"
    } else if is_name(&["i", "u", "long", "short", "byte"]) || code.len() == 1 {
        "whole numbers"
    } else {
        "another type"
    }
}
