//! Numbers that may not be defined: NaN in memory, `null` in JSON.

use serde::{Deserialize, Deserializer};

/// A number, NaN for `null`: for `deserialize_with`.
///
/// # Errors
/// Neither a number nor `null`.
pub fn number<'de, D: Deserializer<'de>>(from: D) -> Result<f64, D::Error> {
    Ok(Option::deserialize(from)?.unwrap_or(f64::NAN))
}

/// Three numbers, each NaN for `null`: for `deserialize_with`.
///
/// # Errors
/// Not three of what are numbers or `null`.
pub fn three<'de, D: Deserializer<'de>>(from: D) -> Result<[f64; 3], D::Error> {
    let all: [Option<f64>; 3] = Deserialize::deserialize(from)?;
    Ok(all.map(|one| one.unwrap_or(f64::NAN)))
}
