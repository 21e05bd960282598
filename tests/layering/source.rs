//! A source text as its code: without comments and quoted text, and without what is built for tests only.

/// The code of `text`: comments and everything in quotes are blank, every line stays where it is.
pub fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut before = ' ';
    while let Some(c) = rest.chars().next() {
        let blank = match blank_len(rest, before) {
            0 => {
                out.push(c);
                before = c;
                rest = &rest[c.len_utf8()..];
                continue;
            }
            len => len,
        };
        let (words, after) = rest.split_at(blank);
        out.extend(words.chars().map(|c| if c == '\n' { c } else { ' ' }));
        before = ' ';
        rest = after;
    }
    out
}

/// Bytes of the comment or quoted text that `rest` begins with.
fn blank_len(rest: &str, before: char) -> usize {
    let until = |end: &str, from: usize| {
        let found = rest[from..].find(end);
        found.map_or(rest.len(), |at| from + at + end.len())
    };
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return until("*/", 2);
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        return 1 + escaped(quoted, '"');
    }
    if rest.starts_with('r') && !before.is_alphanumeric() && before != '_' || rest.starts_with("br")
    {
        let quote = rest.trim_start_matches('b').trim_start_matches('r');
        let hashes = quote.len() - quote.trim_start_matches('#').len();
        if quote[hashes..].starts_with('"') {
            let from = rest.len() - quote.len() + hashes + 1;
            return until(&format!("\"{}", "#".repeat(hashes)), from);
        }
    }
    // A character, and not a lifetime or a label.
    let mut after = rest.strip_prefix('\'').unwrap_or("").chars();
    match (after.next(), after.next()) {
        (Some('\\'), _) => 1 + escaped(&rest[1..], '\''),
        (Some(_), Some('\'')) => rest.char_indices().nth(3).map_or(rest.len(), |(at, _)| at),
        _ => 0,
    }
}

/// Bytes up to and with the closing quote.
fn escaped(rest: &str, quote: char) -> usize {
    let mut characters = rest.char_indices();
    while let Some((at, c)) = characters.next() {
        if c == '\\' {
            characters.next();
        } else if c == quote {
            return at + 1;
        }
    }
    rest.len()
}

/// `code` without the items under `#[cfg(test)]`, and without their lines.
pub fn without_tests(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut out = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        out.push_str(rest[..at].trim_end_matches(' '));
        let item = &rest[at + MARK.len()..];
        rest = &item[item_len(item)..];
        rest = rest.strip_prefix('\n').unwrap_or(rest);
    }
    out + rest
}

/// Bytes up to the end of an item: its semicolon, or the brace that closes it.
fn item_len(item: &str) -> usize {
    let mut depth = 0;
    for (at, c) in item.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' => depth -= 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            ';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    item.len()
}

#[test]
fn comments_and_quotes_are_blank_and_lines_stay() {
    let text = "a // b\n\"c \\\" d\" e 'f' '\\'' &'g h /* i\nj */ k r#\"l \" m\"# n br\"o\"";
    let code = code(text);
    assert_eq!(code.lines().count(), text.lines().count());
    let words: Vec<&str> = code.split_whitespace().collect();
    assert_eq!(words, ["a", "e", "&'g", "h", "k", "n"]);
}

#[test]
fn items_for_tests_go_with_their_lines() {
    let text = "a\n#[cfg(test)]\nmod helper;\nb\n    #[cfg(test)]\n    pub fn f(x: [u8; 7]) {\n{}\n}\n\
                c\n#[cfg(test)]\n#[allow(unused)]\nmod tests {\n    use d;\n}\n";
    assert_eq!(without_tests(text), "a\nb\nc\n");
}
