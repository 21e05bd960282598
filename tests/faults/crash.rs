//! A disk that remembers what was done to a directory, in order, and builds what a crash at any
//! point may leave of it.
//!
//! Only what was synced is sure: the contents of a file by a sync of the file, its name by a sync
//! of the directory that it is in. Of the rest, any 512 bytes may have reached the disk or not, and
//! any change of a name.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use gouda::numeric::random::Stream;
use gouda::storage::disk::{Disk, Request};

/// What a crash leaves.
#[derive(Clone, Copy, Debug)]
pub enum Image {
    /// All that was done: what a killed process leaves.
    Everything,
    /// Only what was synced.
    Synced,
    /// What was synced, and of the rest some pieces of 512 bytes and some names.
    Torn,
}

const SECTOR: u64 = 512;

#[derive(Clone, Debug)]
enum Done {
    /// Opened to be written from scratch, or (`empty` false) if it was not there.
    Create {
        path: PathBuf,
        empty: bool,
    },
    Put {
        path: PathBuf,
        at: u64,
        bytes: Vec<u8>,
    },
    Resize {
        path: PathBuf,
        len: u64,
    },
    Sync(PathBuf),
    SyncNames(PathBuf),
    Rename {
        from: PathBuf,
        to: PathBuf,
    },
    Remove(PathBuf),
    MakeDirectory(PathBuf),
}

/// Writes down what is done under `root`.
#[derive(Debug)]
pub struct Recording {
    root: PathBuf,
    done: Mutex<Vec<Done>>,
}

impl Recording {
    pub fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            done: Mutex::new(Vec::new()),
        }
    }

    /// Operations that changed something or made it sure.
    pub fn len(&self) -> usize {
        self.done.lock().unwrap().len()
    }

    /// Builds at `to` what a crash after the first `len` operations leaves.
    pub fn build(&self, len: usize, image: Image, random: &mut Stream, to: &Path) {
        let mut model = Model::default();
        model.now.insert(PathBuf::new(), Node::Directory);
        model.sure.insert(PathBuf::new(), Node::Directory);
        for done in &self.done.lock().unwrap()[..len] {
            model.apply(done);
        }
        model.build(image, random, to);
    }
}

impl Disk for Recording {
    fn ask(&self, request: &Request<'_>) -> io::Result<usize> {
        // A path outside is not of this run.
        let inside = |path: &Path| path.strip_prefix(&self.root).ok().map(Path::to_owned);
        let done = match *request {
            Request::Create(path) => inside(path).map(|path| Done::Create { path, empty: true }),
            Request::Lock(path) => inside(path).map(|path| Done::Create { path, empty: false }),
            Request::Put { path, at, bytes } => inside(path).map(|path| Done::Put {
                path,
                at,
                bytes: bytes.to_owned(),
            }),
            Request::Resize { path, len } => inside(path).map(|path| Done::Resize { path, len }),
            Request::Sync(path) => inside(path).map(Done::Sync),
            Request::SyncNames(path) => inside(path).map(Done::SyncNames),
            Request::Rename { from, to } => inside(from)
                .zip(inside(to))
                .map(|(from, to)| Done::Rename { from, to }),
            Request::Remove(path) | Request::RemoveAll(path) => inside(path).map(Done::Remove),
            Request::MakeDirectory(path) => inside(path).map(Done::MakeDirectory),
            _ => None,
        };
        self.done.lock().unwrap().extend(done);
        Ok(usize::MAX)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Node {
    Directory,
    File(usize),
}

/// The contents of a file: those that are sure, and what was done since.
#[derive(Clone, Debug, Default)]
struct Contents {
    sure: Vec<u8>,
    since: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Put(u64, Vec<u8>),
    Resize(u64),
}

impl Change {
    fn apply(&self, contents: &mut Vec<u8>, mut lands: impl FnMut() -> bool) {
        match self {
            Self::Resize(len) => {
                if lands() {
                    contents.resize(*len as usize, 0);
                }
            }
            Self::Put(at, bytes) => {
                let mut from = 0;
                while from < bytes.len() {
                    let at = at + from as u64;
                    // To the next border of a sector.
                    let len = ((SECTOR - at % SECTOR) as usize).min(bytes.len() - from);
                    if lands() {
                        let (at, end) = (at as usize, at as usize + len);
                        if contents.len() < end {
                            contents.resize(end, 0);
                        }
                        contents[at..end].copy_from_slice(&bytes[from..from + len]);
                    }
                    from += len;
                }
            }
        }
    }
}

/// A change of the names in one directory.
#[derive(Clone, Debug)]
enum Naming {
    Link(PathBuf, Node),
    Unlink(PathBuf),
    Rename(PathBuf, PathBuf, Node),
}

#[derive(Debug, Default)]
struct Model {
    files: Vec<Contents>,
    now: BTreeMap<PathBuf, Node>,
    sure: BTreeMap<PathBuf, Node>,
    /// What was done since the sync of the directory that is named first.
    since: Vec<(PathBuf, Naming)>,
}

fn parent(path: &Path) -> PathBuf {
    path.parent().expect("below the root").to_owned()
}

fn unlink(names: &mut BTreeMap<PathBuf, Node>, path: &Path) {
    names.retain(|name, _| !name.starts_with(path));
}

fn name(names: &mut BTreeMap<PathBuf, Node>, naming: &Naming) {
    match naming {
        // In a directory that is not there, nothing is.
        Naming::Link(path, node) => {
            if names.contains_key(&parent(path)) {
                names.insert(path.clone(), *node);
            }
        }
        Naming::Unlink(path) => unlink(names, path),
        Naming::Rename(from, to, node) => {
            // Some other change, that did not reach the disk, gave it the name it had.
            if names.remove(from).is_some() {
                names.insert(to.clone(), *node);
            }
        }
    }
}

impl Model {
    fn file(&mut self, path: &Path) -> &mut Contents {
        match self.now.get(path) {
            Some(&Node::File(file)) => &mut self.files[file],
            other => panic!("{} is {other:?}", path.display()),
        }
    }

    fn naming(&mut self, naming: Naming) {
        name(&mut self.now, &naming);
        let (Naming::Link(path, _) | Naming::Unlink(path) | Naming::Rename(path, ..)) = &naming;
        self.since.push((parent(path), naming));
    }

    fn apply(&mut self, done: &Done) {
        match done {
            Done::Create { path, empty } => {
                if self.now.contains_key(path) {
                    if *empty {
                        self.file(path).since.push(Change::Resize(0));
                    }
                } else {
                    self.files.push(Contents::default());
                    let node = Node::File(self.files.len() - 1);
                    self.naming(Naming::Link(path.clone(), node));
                }
            }
            Done::Put { path, at, bytes } => {
                let change = Change::Put(*at, bytes.clone());
                self.file(path).since.push(change);
            }
            Done::Resize { path, len } => self.file(path).since.push(Change::Resize(*len)),
            Done::Sync(path) => {
                let Contents { sure, since } = self.file(path);
                for change in since.drain(..) {
                    change.apply(sure, || true);
                }
            }
            Done::SyncNames(directory) => {
                let (now, sure) = (&self.now, &mut self.sure);
                let is_in = |path: &Path| path.parent() == Some(directory);
                let gone: Vec<PathBuf> = sure
                    .iter()
                    .filter(|&(path, node)| is_in(path) && now.get(path) != Some(node))
                    .map(|(path, _)| path.clone())
                    .collect();
                gone.iter().for_each(|path| unlink(sure, path));
                let named = now.iter().filter(|(path, _)| is_in(path));
                sure.extend(named.map(|(path, node)| (path.clone(), *node)));
                self.since.retain(|(of, _)| of != directory);
            }
            Done::Rename { from, to } => {
                assert_eq!(parent(from), parent(to), "a rename across directories");
                if let Some(&node) = self.now.get(from) {
                    self.naming(Naming::Rename(from.clone(), to.clone(), node));
                }
            }
            Done::Remove(path) => {
                if self.now.contains_key(path) {
                    self.naming(Naming::Unlink(path.clone()));
                }
            }
            Done::MakeDirectory(path) => {
                let mut missing: Vec<&Path> = path
                    .ancestors()
                    .take_while(|path| !self.now.contains_key(*path))
                    .collect();
                missing.reverse();
                for path in missing {
                    self.naming(Naming::Link(path.to_owned(), Node::Directory));
                }
            }
        }
    }

    fn build(&self, image: Image, random: &mut Stream, to: &Path) {
        let mut lands = || match image {
            Image::Everything => true,
            Image::Synced => false,
            Image::Torn => random.uniform() < 0.5,
        };
        let mut names = self.sure.clone();
        if matches!(image, Image::Everything) {
            names.clone_from(&self.now);
        } else {
            let landed = self.since.iter().filter(|_| lands());
            landed.for_each(|(_, naming)| name(&mut names, naming));
        }
        for (path, node) in &names {
            // What is in a directory that is lost cannot be reached.
            if path.ancestors().any(|above| !names.contains_key(above)) {
                continue;
            }
            let path = to.join(path);
            match node {
                Node::Directory => std::fs::create_dir_all(path).unwrap(),
                Node::File(file) => {
                    let Contents { sure, since } = &self.files[*file];
                    let mut contents = sure.clone();
                    let changes = since.iter();
                    changes.for_each(|change| change.apply(&mut contents, &mut lands));
                    std::fs::write(path, contents).unwrap();
                }
            }
        }
    }
}
