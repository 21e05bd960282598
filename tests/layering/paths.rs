//! The names that a source takes from elsewhere: `use` trees, one name at a time, and paths.

/// A name in a source.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Named {
    /// The path as it is written, without its globs.
    pub path: Vec<String>,
    /// The inline modules around it.
    pub within: Vec<String>,
    /// Where it comes from.
    pub kind: Kind,
}

/// Where a name comes from.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Kind {
    /// It stands in the code.
    #[default]
    Path,
    /// `use`, and the name it has from there on; none for `*` and `_`.
    Use(Option<String>),
    /// The same, for others too.
    Export(Option<String>),
}

/// Words, `::`, and every other character by itself.
pub fn tokens(code: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = code.trim_start();
    while let Some(c) = rest.chars().next() {
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let len = match c {
            ':' if rest.starts_with("::") => 2,
            c if is_word(c) => rest.find(|c| !is_word(c)).unwrap_or(rest.len()),
            c => c.len_utf8(),
        };
        found.push(&rest[..len]);
        rest = rest[len..].trim_start();
    }
    found
}

fn is_name(token: &str) -> bool {
    token.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Every name of `code`.
pub fn named(code: &str) -> Vec<Named> {
    let tokens = tokens(code);
    let mut found = Vec::new();
    let (mut depth, mut within): (usize, Vec<(String, usize)>) = (0, Vec::new());
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map_or("", |at| tokens[at]);
        let after = |n: usize| tokens.get(at + n).copied().unwrap_or("");
        let names =
            |within: &[(String, usize)]| within.iter().map(|(name, _)| name.clone()).collect();
        match tokens[at] {
            "{" => depth += 1,
            "}" => {
                depth -= 1;
                within.retain(|(_, open)| *open <= depth);
            }
            "mod" if after(2) == "{" => {
                within.push((after(1).to_owned(), depth + 1));
                at += 1;
            }
            // A module that a macro names.
            "mod" if after(1) == "$" && after(3) == "{" => {
                within.push((after(2).to_owned(), depth + 1));
                at += 2;
            }
            "use" if after(1) != "<" => {
                let is_export = matches!(before, "pub" | ")");
                let from = found.len();
                at = tree(&tokens, at + 1, &[], is_export, &mut found);
                for used in &mut found[from..] {
                    used.within = names(&within);
                }
            }
            name if is_name(name) && !matches!(before, "::" | ".") => {
                let mut path = vec![name.to_owned()];
                while tokens.get(at + 1) == Some(&"::")
                    && tokens.get(at + 2).is_some_and(|t| is_name(t))
                {
                    path.push(tokens[at + 2].to_owned());
                    at += 2;
                }
                // A field or a parameter: its name is its own.
                let is_field = path.len() == 1 && tokens.get(at + 1) == Some(&":");
                if !is_field {
                    let within = names(&within);
                    found.push(Named {
                        path,
                        within,
                        kind: Kind::Path,
                    });
                }
            }
            _ => {}
        }
        at += 1;
    }
    found
}

/// Reads one branch of a `use` tree from `at` on, below `stem`; gives where it ends.
fn tree(
    tokens: &[&str],
    mut at: usize,
    stem: &[String],
    is_export: bool,
    found: &mut Vec<Named>,
) -> usize {
    let mut path = stem.to_vec();
    let mut is_glob = false;
    let mut alias = None;
    while let Some(&token) = tokens.get(at) {
        match token {
            "{" => loop {
                at = tree(tokens, at + 1, &path, is_export, found);
                if tokens.get(at) != Some(&",") {
                    return at + 1;
                }
            },
            ";" | "," | "}" => break,
            "*" => is_glob = true,
            "as" => {
                alias = tokens.get(at + 1).map(|&name| name.to_owned());
                at += 1;
            }
            "self" if !stem.is_empty() && path.len() == stem.len() => {}
            name if is_name(name) => path.push(name.to_owned()),
            _ => {}
        }
        at += 1;
    }
    // After a trailing comma there is nothing.
    let is_empty =
        path.len() == stem.len() && !is_glob && tokens.get(at.wrapping_sub(1)) != Some(&"self");
    if !is_empty {
        let name = alias.or_else(|| path.last().cloned());
        let bound = name.filter(|name| !is_glob && name != "_");
        found.push(Named {
            kind: if is_export {
                Kind::Export(bound)
            } else {
                Kind::Use(bound)
            },
            within: Vec::new(),
            path,
        });
    }
    at
}

#[test]
fn trees_come_apart_into_names() {
    let code = "pub(crate) use a::{self, b::{c, d as e,}, f::*}; use g; mod h { use super::i; } \
                mod $r { use super::s; } j::k(l.m, n: o::<P>::q);";
    let text: Vec<String> = named(code)
        .into_iter()
        .filter(|named| named.path != ["pub"] && named.path != ["crate"])
        .map(|named| {
            let kind = match named.kind {
                Kind::Path => String::new(),
                Kind::Use(name) => format!(" use {}", name.unwrap_or_default()),
                Kind::Export(name) => format!(" export {}", name.unwrap_or_default()),
            };
            named.within.join("::") + "|" + &named.path.join("::") + &kind
        })
        .collect();
    let expected = [
        "|a export a",
        "|a::b::c export c",
        "|a::b::d export e",
        "|a::f export ",
        "|g use g",
        "h|super::i use i",
        "r|super::s use s",
        "|j::k",
        "|l",
        "|o",
        "|P",
    ];
    assert_eq!(text, expected);
}
