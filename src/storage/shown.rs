//! Text from anyone, made fit to be shown: a name in a file may hold escape sequences that move the
//! cursor or recolour the terminal, or be ten megabytes long.

use std::borrow::Cow;

/// Characters of one name or value that are shown.
const SHOWN_LEN: usize = 1000;
/// Of them, at the end.
const END_LEN: usize = 200;

/// Whether a terminal may do something else with `c` than show it: control characters, and those
/// that turn the direction of writing. Line breaks and tabs are plain.
pub fn is_plain(c: char) -> bool {
    let turns = matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    (c == '\n' || c == '\t' || !c.is_control()) && !turns
}

/// The text with everything that is not [plain](is_plain) written as an escape.
pub fn plain(text: &str) -> Cow<'_, str> {
    if text.chars().all(is_plain) {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_plain(c) {
            out.push(c);
        } else {
            out.extend(c.escape_default());
        }
    }
    out.into()
}

/// The text as one value in a message: without control characters, on one line, and with its middle
/// left out where it is long.
pub fn shown(text: &str) -> String {
    cut(&plain(text).replace('\n', "\\n"), SHOWN_LEN, END_LEN)
}

/// The text with its middle left out, if it is longer than `len` characters; `end` of them are from
/// its end.
pub fn cut(text: &str, len: usize, end: usize) -> String {
    let found = text.chars().count();
    if found <= len {
        return text.to_owned();
    }
    let head: String = text.chars().take(len - end).collect();
    let tail: String = text.chars().skip(found - end).collect();
    format!(
        "{head} [... {} characters left out ...] {tail}",
        found - len
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_shown_and_the_middle_is_left_out() {
        assert_eq!(plain("läuse\n\tund"), "läuse\n\tund");
        let text = "a\u{1b}[31mb\rc\u{9b}d\u{202e}e\u{7f}";
        let expected = "a\\u{1b}[31mb\\rc\\u{9b}d\\u{202e}e\\u{7f}";
        assert_eq!(plain(text), expected);
        assert_eq!(shown("two\nlines"), "two\\nlines");
        let long = "ü".repeat(10_000_000);
        let text = shown(&long);
        assert!(text.chars().count() < 1100);
        assert!(
            text.contains("[... 9999000 characters left out ...]"),
            "{text}"
        );
        assert_eq!(shown(&long[..2000]), long[..2000]);
    }
}
