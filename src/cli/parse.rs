//! Arguments that are more than a number.

use std::ops::Range;

/// `A..B`: from A to below B.
pub fn range(text: &str) -> Result<Range<usize>, String> {
    let expected = || format!("expected A..B with A below B, found {text}");
    let (start, end) = text.split_once("..").ok_or_else(expected)?;
    let number = |text: &str| text.trim().parse::<usize>().map_err(|_| expected());
    let range = number(start)?..number(end)?;
    if range.is_empty() {
        return Err(expected());
    }
    Ok(range)
}

/// `500MB`, `1GiB`, or bytes.
pub fn bytes(text: &str) -> Result<u64, String> {
    let expected = || format!("expected bytes such as 500MB or 1GiB, found {text}");
    let split = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let factor = match unit.trim().to_ascii_lowercase().as_str() {
        "" | "b" => 1.0,
        "kb" => 1e3,
        "mb" => 1e6,
        "gb" => 1e9,
        "tb" => 1e12,
        "kib" => 1024.0,
        "mib" => 1024.0 * 1024.0,
        "gib" => 1024.0 * 1024.0 * 1024.0,
        "tib" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return Err(expected()),
    };
    let number: f64 = number.parse().map_err(|_| expected())?;
    let bytes = number * factor;
    if (1.0..9e18).contains(&bytes) {
        Ok(bytes as u64)
    } else {
        Err(expected())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_and_sizes() {
        assert_eq!(range("3..10"), Ok(3..10));
        for text in [
            "3",
            "3..3",
            "4..3",
            "a..b",
            "-1..2",
            "..",
            "1..99999999999999999999",
        ] {
            assert!(range(text).unwrap_err().contains(text), "{text}");
        }
        assert_eq!(bytes("1GiB"), Ok(1 << 30));
        assert_eq!(bytes("500MB"), Ok(500_000_000));
        assert_eq!(bytes("1.5kib"), Ok(1536));
        assert_eq!(bytes("4096"), Ok(4096));
        for text in ["", "GiB", "0", "1XB", "-1MB", "1e30GB", "NaN"] {
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
