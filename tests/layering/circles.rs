//! Which file of a room uses which other, and the circles in that.

use std::collections::BTreeSet;

use super::paths::{Kind, Named, named, tokens};
use super::source;

/// A file of a room.
pub struct File {
    /// Its module below the room; empty for the room's `mod.rs`.
    pub module: Vec<String>,
    tokens: Vec<String>,
    named: Vec<Named>,
}

/// The files of a room, without those and without what in them is built for tests only.
pub struct Room {
    name: String,
    pub files: Vec<File>,
}

impl Room {
    /// From paths below the room, and texts.
    pub fn new(name: &str, texts: &[(String, String)]) -> Self {
        let mut files: Vec<File> = texts
            .iter()
            .map(|(path, text)| {
                let code = source::without_tests(&source::code(text));
                let stem = path.trim_end_matches(".rs");
                let stem = stem
                    .strip_suffix("mod")
                    .map_or(stem, |dir| dir.trim_end_matches('/'));
                File {
                    module: stem
                        .split('/')
                        .filter(|s| !s.is_empty())
                        .map(str::to_owned)
                        .collect(),
                    tokens: tokens(&code).into_iter().map(str::to_owned).collect(),
                    named: named(&code),
                }
            })
            .collect();
        files.sort_by_key(|file| file.module.len());
        let mut room = Self {
            name: name.to_owned(),
            files: Vec::new(),
        };
        for file in files {
            let Some((last, parent)) = file.module.split_last() else {
                room.files.push(file);
                continue;
            };
            let parent = room.file(parent);
            if parent.is_some_and(|at| room.files[at].declares("mod", last)) {
                room.files.push(file);
            }
        }
        room
    }

    fn file(&self, module: &[String]) -> Option<usize> {
        self.files.iter().position(|file| file.module == module)
    }

    fn child(&self, file: usize, name: &str) -> Option<usize> {
        let mut module = self.files[file].module.clone();
        module.push(name.to_owned());
        self.file(&module)
    }

    /// The file that a path of `file` leads to, or none outside of the room; whether to the file
    /// itself, and not to a name in it.
    fn resolve(&self, file: usize, named: &Named, deep: usize) -> Option<(usize, bool)> {
        let (first, rest) = named.path.split_first()?;
        let module = &self.files[file].module;
        match first.as_str() {
            "crate" => {
                let (room, rest) = rest.split_first()?;
                (*room == self.name)
                    .then(|| self.file(&[]))
                    .flatten()
                    .and_then(|root| self.down(root, rest, deep))
            }
            "self" => self.down(file, rest, deep),
            "super" => {
                let ups = 1 + rest.iter().take_while(|name| *name == "super").count();
                let rest = &rest[ups - 1..];
                let ups = ups.saturating_sub(named.within.len());
                if let Some(left) = module.len().checked_sub(ups) {
                    return self.down(self.file(&module[..left])?, rest, deep);
                }
                // Out of the room, and perhaps into it again.
                let mut path = vec!["crate".to_owned()];
                path.extend_from_slice(rest);
                self.resolve(
                    file,
                    &Named {
                        path,
                        ..named.clone()
                    },
                    deep,
                )
            }
            name => {
                let child = (!rest.is_empty()).then(|| self.child(file, name)).flatten();
                match child {
                    Some(child) => self.down(child, rest, deep),
                    None => self.bound(file, name, rest, deep),
                }
            }
        }
    }

    /// Down from `file` by `path`.
    fn down(&self, file: usize, path: &[String], deep: usize) -> Option<(usize, bool)> {
        let Some((name, rest)) = path.split_first() else {
            return Some((file, true));
        };
        if let Some(child) = self.child(file, name) {
            return self.down(child, rest, deep);
        }
        self.bound(file, name, rest, deep).or(Some((file, false)))
    }

    /// What `name` is in `file`, if it has it by a `use`; and on from there.
    fn bound(
        &self,
        file: usize,
        name: &str,
        rest: &[String],
        deep: usize,
    ) -> Option<(usize, bool)> {
        if deep > 20 {
            return None;
        }
        self.files[file].named.iter().find_map(|used| {
            let (Kind::Use(bound) | Kind::Export(bound)) = &used.kind else {
                return None;
            };
            let mut target = used.clone();
            target.within.clear();
            match bound {
                Some(bound) if bound == name && used.within.is_empty() => {
                    target.path.extend_from_slice(rest);
                    self.resolve(file, &target, deep + 1)
                }
                None if used.within.is_empty() => {
                    let (all_of, _) = self.resolve(file, &target, deep + 1)?;
                    let has = all_of != file && self.files[all_of].defines(name);
                    has.then_some((all_of, false))
                }
                _ => None,
            }
        })
    }

    /// Pairs of files of which the first uses the second.
    pub fn edges(&self) -> BTreeSet<(usize, usize)> {
        let mut edges = BTreeSet::new();
        for (file, source) in self.files.iter().enumerate() {
            for used in &source.named {
                // What a file hands on it does not use by that, nor a module that it gives a short name.
                let counts = |is_module: bool| match &used.kind {
                    Kind::Path => !is_module,
                    Kind::Use(bound) => bound.is_none() || !is_module,
                    Kind::Export(_) => false,
                };
                match self.resolve(file, used, 0) {
                    Some((to, is_module)) if to != file && counts(is_module) => {
                        edges.insert((file, to));
                    }
                    _ => {}
                }
            }
        }
        edges
    }

    /// The files that use each other in a circle, circle by circle.
    pub fn circles(&self) -> Vec<Vec<String>> {
        let edges = self.edges();
        let reached = |from: usize| {
            let mut seen = BTreeSet::new();
            let mut next = vec![from];
            while let Some(at) = next.pop() {
                for &(_, to) in edges.range((at, 0)..(at + 1, 0)) {
                    if seen.insert(to) {
                        next.push(to);
                    }
                }
            }
            seen
        };
        let reached: Vec<BTreeSet<usize>> = (0..self.files.len()).map(reached).collect();
        let mut circles = BTreeSet::new();
        for from in 0..self.files.len() {
            let circle: Vec<usize> = reached[from]
                .iter()
                .copied()
                .filter(|&to| reached[to].contains(&from))
                .collect();
            circles.insert(circle);
        }
        let name = |&file: &usize| match self.files[file].module.join("/") {
            name if name.is_empty() => "mod".to_owned(),
            name => name,
        };
        let circles = circles.iter().filter(|circle| !circle.is_empty());
        circles
            .map(|circle| circle.iter().map(name).collect())
            .collect()
    }
}

impl File {
    fn declares(&self, keyword: &str, name: &str) -> bool {
        self.tokens
            .windows(2)
            .any(|pair| pair[0] == keyword && pair[1] == name)
    }

    fn defines(&self, name: &str) -> bool {
        [
            "fn", "struct", "enum", "trait", "type", "const", "static", "union",
        ]
        .iter()
        .any(|keyword| self.declares(keyword, name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn circles(texts: &[(&str, &str)]) -> Vec<Vec<String>> {
        let owned = |&(path, text): &(&str, &str)| (path.to_owned(), text.to_owned());
        let texts: Vec<_> = texts.iter().map(owned).collect();
        Room::new("room", &texts).circles()
    }

    const A: &str = "pub struct A; fn f(_: &super::B) {}";

    #[test]
    fn a_circle_is_seen_through_re_exports_and_however_the_path_is_written() {
        let root = "mod a; mod b; pub use a::A; pub use self::b::B;";
        for b in [
            "use super::A; pub struct B(A);",
            "use super::a::A; pub struct B(A);",
            "use crate::room::A; pub struct B(A);",
            "use crate::{other::C, room::{a::{A}}}; pub struct B(A);",
            "use super::a; pub struct B(a::A);",
            "use super::a::*; pub struct B(A);",
            "pub struct B(super::A);",
            "pub struct B; mod inner { use super::super::A; }",
            "use crate::room; pub struct B(room::A);",
        ] {
            assert_eq!(
                circles(&[("mod.rs", root), ("a.rs", A), ("b.rs", b)]),
                [["a", "b"]],
                "{b}"
            );
        }
    }

    #[test]
    fn a_child_that_takes_from_the_file_that_uses_it_is_a_circle() {
        let a = "use super::Error; pub fn a() -> Error { Error }";
        let own = "mod a; pub struct Error; fn b() { a::a(); }";
        assert_eq!(circles(&[("mod.rs", own), ("a.rs", a)]), [["mod", "a"]]);
        let through = "mod a; pub use a::a; pub struct Error; fn b() { a(); }";
        assert_eq!(circles(&[("mod.rs", through), ("a.rs", a)]), [["mod", "a"]]);
        let deeper = [("mod.rs", "mod c;"), ("c/mod.rs", own), ("c/a.rs", a)];
        assert_eq!(circles(&deeper), [["c", "c/a"]]);
        let beside = [("mod.rs", "mod c;"), ("c.rs", own), ("c/a.rs", a)];
        assert_eq!(circles(&beside), [["c", "c/a"]]);
    }

    #[test]
    fn three_files_make_a_circle_too() {
        let files = [
            ("mod.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use super::b::B;"),
            ("b.rs", "use super::c::C; pub struct B;"),
            ("c.rs", "fn c() { super::a::a() }"),
            ("d.rs", "use super::{a::A, b::B, c::C};"),
        ];
        assert_eq!(circles(&files), [["a", "b", "c"]]);
    }

    #[test]
    fn re_exports_tests_and_comments_make_none() {
        let none: [Vec<String>; 0] = [];
        let b = "// use super::A;\npub struct B; const TEXT: &str = \"super::A\";\n\
                 #[cfg(test)]\nmod tests { use super::super::A; }";
        let root = "mod a; mod b; pub use a::A; pub use b::B;";
        assert_eq!(circles(&[("mod.rs", root), ("a.rs", A), ("b.rs", b)]), none);
        // The root hands on what its child makes from something else of the root's.
        let root = "mod a; pub use a::A; pub struct B;";
        assert_eq!(circles(&[("mod.rs", root), ("a.rs", A)]), none);
        // A file that is only there for tests.
        let files = [
            ("mod.rs", "mod a; #[cfg(test)] mod b; pub use b::B;"),
            ("a.rs", A),
            ("b.rs", "use super::a::A; pub struct B;"),
        ];
        assert_eq!(circles(&files), none);
    }
}
