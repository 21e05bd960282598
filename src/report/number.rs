//! Numbers as words: what is not finite becomes a dash, so that no NaN reaches the page.

/// Stands for a number that there is not.
pub const NONE: &str = "–";

/// The text with a capital letter first.
pub fn capital(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => String::new(),
    }
}

/// `value` with `digits` decimals, a true minus sign and no negative zero.
pub fn fixed(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    let text = format!("{value:.digits$}");
    let is_zero = text.bytes().all(|byte| matches!(byte, b'-' | b'0' | b'.'));
    if is_zero {
        text.trim_start_matches('-').to_owned()
    } else {
        text.replace('-', "−")
    }
}

/// [`fixed`] with a plus sign where positive.
pub fn signed(value: f64, digits: usize) -> String {
    let text = fixed(value, digits);
    let is_positive = value.is_finite() && text.bytes().any(|byte| matches!(byte, b'1'..=b'9'));
    if is_positive && value > 0.0 {
        format!("+{text}")
    } else {
        text
    }
}

/// A share in percent, without the sign; a decimal only below ten.
pub fn percent_bare(share: f64) -> String {
    let percent = 100.0 * share;
    let digits = usize::from(percent.abs() < 9.95 && percent.abs() >= 0.05);
    fixed(percent, digits)
}

/// A share in percent.
pub fn percent(share: f64) -> String {
    with_percent_sign(percent_bare(share))
}

fn with_percent_sign(text: String) -> String {
    if text == NONE { text } else { text + "\u{a0}%" }
}

/// "44 to 50 %".
pub fn percent_interval(interval: (f64, f64)) -> String {
    with_percent_sign(percent_interval_bare(interval))
}

/// "44 to 50".
pub fn percent_interval_bare((low, high): (f64, f64)) -> String {
    let (low, high) = (percent_bare(low), percent_bare(high));
    if low == NONE || high == NONE {
        return NONE.to_owned();
    }
    format!("{low} to {high}")
}

/// A count with commas, "44,661".
pub fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A large number with three digits and a prefix, "1.64 M".
pub fn prefixed(value: f64) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    // The next prefix where rounding to three digits would give four.
    let (scale, prefix) = match value.abs() {
        a if a >= 999.5e6 => (1e9, "G"),
        a if a >= 999.5e3 => (1e6, "M"),
        a if a >= 999.5 => (1e3, "k"),
        _ => (1.0, ""),
    };
    let scaled = value / scale;
    let digits = match scaled.abs() {
        a if a >= 99.95 => 0,
        a if a >= 9.995 => 1,
        _ => 2,
    };
    let text = trimmed(fixed(scaled, digits));
    if prefix.is_empty() {
        text
    } else {
        format!("{text}\u{a0}{prefix}")
    }
}

/// A quantity of any size with `digits` significant digits, in powers of ten where very large or
/// small.
pub fn significant(value: f64, digits: usize) -> String {
    if !value.is_finite() {
        return NONE.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    let exponent = decimal_exponent(value, digits);
    if (-3..6).contains(&exponent) {
        let decimals = (digits as i32 - 1 - exponent).max(0) as usize;
        return fixed(value, decimals);
    }
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    let (mantissa, _) = text.split_once('e').unwrap_or((&text, ""));
    let mantissa = mantissa.replace('-', "−");
    format!("{mantissa}\u{a0}×\u{a0}10{}", superscript(exponent))
}

/// A power of ten for a logarithmic axis: "0.01", "10⁻⁷".
pub fn power_of_ten(value: f64) -> String {
    if !value.is_finite() || value <= 0.0 {
        return NONE.to_owned();
    }
    let exponent = decimal_exponent(value, 3);
    if (-3..5).contains(&exponent) {
        return trimmed(fixed(value, (2 - exponent).max(0) as usize));
    }
    let text = format!("{value:.0e}");
    let mantissa = text.split('e').next().unwrap_or("");
    let power = format!("10{}", superscript(exponent));
    if mantissa == "1" {
        power
    } else {
        format!("{mantissa}·{power}")
    }
}

/// The exponent that `value` has once rounded to `digits` digits.
fn decimal_exponent(value: f64, digits: usize) -> i32 {
    let text = format!("{value:.*e}", digits.saturating_sub(1));
    text.split_once('e')
        .and_then(|(_, exponent)| exponent.parse().ok())
        .unwrap_or(0)
}

fn superscript(exponent: i32) -> String {
    let raise = |character| match character {
        '-' => '⁻',
        '1' => '¹',
        '2' => '²',
        '3' => '³',
        digit => char::from_u32('⁰' as u32 + digit as u32 - '0' as u32).unwrap_or(digit),
    };
    exponent.to_string().chars().map(raise).collect()
}

/// "p = 0.012", unbreakable.
pub fn p_value(p: f64) -> String {
    match probability(p) {
        bound if bound.starts_with('<') => format!("p\u{a0}{bound}"),
        value => format!("p\u{a0}=\u{a0}{value}"),
    }
}

/// "0.012", or "< 0.001".
pub fn probability(p: f64) -> String {
    match p {
        p if p < 0.001 => "<\u{a0}0.001".to_owned(),
        p if p < 0.1 => fixed(p, 3),
        p => fixed(p, 2),
    }
}

/// A time in seconds, "2 h 05 min".
pub fn duration(seconds: f64) -> String {
    if !seconds.is_finite() || seconds < 0.0 {
        return NONE.to_owned();
    }
    let minutes = (seconds / 60.0).round() as u64;
    match seconds {
        s if s < 99.5 => format!("{} s", fixed(s, 0)),
        _ if minutes < 60 => format!("{minutes} min"),
        _ => format!("{} h {:02} min", minutes / 60, minutes % 60),
    }
}

/// "one edit", "3 edits".
pub fn plural(len: usize, one: &str) -> String {
    match len {
        0 => format!("no {one}s"),
        1 => format!("one {one}"),
        _ => format!("{} {one}s", count(len as u64)),
    }
}

/// Without the zeros that end a decimal fraction.
pub fn trimmed(text: String) -> String {
    if !text.contains('.') {
        return text;
    }
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_as_people_write_them() {
        assert_eq!(fixed(-0.004, 2), "0.00");
        assert_eq!(signed(0.004, 2), "0.00");
        assert_eq!(signed(-0.126, 2), "−0.13");
        assert_eq!(signed(0.126, 2), "+0.13");
        assert_eq!(percent(0.7649), "76\u{a0}%");
        assert_eq!(percent(-0.0312), "−3.1\u{a0}%");
        assert_eq!(percent(1e-5), "0\u{a0}%");
        assert_eq!(percent_interval((0.7, 0.81)), "70 to 81\u{a0}%");
        assert_eq!(
            [count(0), count(999), count(4_003_840)],
            ["0", "999", "4,003,840"]
        );
        assert_eq!(prefixed(999_900.0), "1\u{a0}M");
        assert_eq!(prefixed(1_638_400.0), "1.64\u{a0}M");
        assert_eq!(prefixed(64.0), "64");
        assert_eq!(significant(19.637, 3), "19.6");
        assert_eq!(significant(-1.2345e-7, 3), "−1.23\u{a0}×\u{a0}10⁻⁷");
        assert_eq!(significant(999.96, 4), "1000");
        assert_eq!([power_of_ten(1e-8), power_of_ten(0.01)], ["10⁻⁸", "0.01"]);
        assert_eq!(
            [p_value(0.0019), p_value(0.25), p_value(1e-9)],
            [
                "p\u{a0}=\u{a0}0.002",
                "p\u{a0}=\u{a0}0.25",
                "p\u{a0}<\u{a0}0.001"
            ]
        );
        assert_eq!([duration(7_500.0), duration(12.4)], ["2 h 05 min", "12 s"]);
    }

    #[test]
    fn what_is_not_finite_is_a_dash() {
        for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let texts = [
                fixed(bad, 2),
                signed(bad, 2),
                percent(bad),
                percent_interval((0.0, bad)),
                prefixed(bad),
                significant(bad, 3),
                power_of_ten(bad),
                duration(bad.abs()),
                probability(bad.abs()),
            ];
            assert!(texts.iter().all(|text| text == NONE), "{texts:?}");
        }
    }
}
