//! The directory of one run: who may write it, and where its files are.
//!
//! A lock on `.lock` inside it is held as long as the value lives; the system gives it up when the
//! process ends, however it ends.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::Error;
use super::atomic::sync_parent;
use super::disk::{self, File, Kind};
use super::error::{exists, is_directory, regular};

const LOCK: &str = ".lock";
/// What a run writes first.
const SETTINGS: &str = "config.toml";

/// Whether directories are locked.
static IS_LOCKED: AtomicBool = AtomicBool::new(true);

/// From here on, this process writes directories without locking them, for file systems that have no locks:
/// its user sees to it that nobody else writes them.
pub fn go_without_locks() {
    IS_LOCKED.store(false, Ordering::Relaxed);
}

/// The directory of a run.
#[derive(Debug)]
pub struct RunDir {
    path: PathBuf,
    /// None for those who only look, or [go without](go_without_locks).
    lock: Option<File>,
}

impl Drop for RunDir {
    fn drop(&mut self) {
        // Closing is not enough while a process that another thread is starting has a copy of the
        // descriptor. An error changes nothing: closing follows.
        if let Some(lock) = &self.lock {
            let _ = lock.unlock();
        }
    }
}

impl RunDir {
    /// Makes the directory, with its parents, for a new run, and locks it.
    ///
    /// # Errors
    /// [`Error::Begun`] where a run is in it, [`Error::Occupied`] where anything else is,
    /// [`Error::Locked`] where another process has
    /// begun to write it, and the system's.
    pub fn create(path: &Path) -> Result<Self, Error> {
        ensure_directory(path)?;
        if exists(&path.join(SETTINGS))? {
            return Err(Error::Begun {
                path: path.to_owned(),
            });
        }
        // Before the lock, which must not litter a directory of something else.
        asides_of(path, &[SETTINGS])?;
        let lock = lock(path)?;
        // After it too: between the two another run may have come and gone. What one left that ended before
        // its settings were in place is in nobody's way.
        remove_all(asides_of(path, &[SETTINGS])?)?;
        Ok(Self {
            path: path.to_owned(),
            lock,
        })
    }

    /// The directory of an existing run, to be written further; locks it.
    ///
    /// # Errors
    /// It is not there, or [`Error::Locked`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        require_directory(path)?;
        Ok(Self {
            path: path.to_owned(),
            lock: lock(path)?,
        })
    }

    /// The directory of a run that was killed or interrupted, to be gone on with: locked, and
    /// without the files that were being written aside. One in which nothing was begun is given
    /// too; it has no `config.toml`.
    ///
    /// # Errors
    /// It is not there, holds something that is no run ([`Error::Occupied`]), [`Error::Locked`], or has
    /// a link out of it, or a device or pipe in it: what is gone on with is written.
    pub fn resume(path: &Path) -> Result<Self, Error> {
        require_directory(path)?;
        // Before the lock, which must not litter a directory of something else; listed before it is asked whether it is
        // begun, as another process may begin it in between.
        let names = list(path)?;
        if !exists(&path.join(SETTINGS))? {
            for (name, _) in names {
                if name != LOCK && !is_aside(Path::new(&name)) {
                    return Err(Error::Occupied {
                        path: path.to_owned(),
                    });
                }
            }
        }
        let run = Self::open(path)?;
        // After it: what another process is writing comes and goes.
        refuse_ways_out(path, path)?;
        remove_asides(path)?;
        Ok(run)
    }

    /// The directory of an existing run, to be read only, while others may write it.
    ///
    /// # Errors
    /// It is not there.
    pub fn look(path: &Path) -> Result<Self, Error> {
        require_directory(path)?;
        Ok(Self {
            path: path.to_owned(),
            lock: None,
        })
    }

    /// The directory itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings in force.
    pub fn config(&self) -> PathBuf {
        self.path.join(SETTINGS)
    }

    /// The command line.
    pub fn command(&self) -> PathBuf {
        self.path.join("command.txt")
    }

    /// What made the outputs, and their checksums.
    pub fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    /// One JSON object an iteration.
    pub fn metrics(&self) -> PathBuf {
        self.path.join("metrics.jsonl")
    }

    /// Where a killed run goes on from, a directory.
    pub fn resume_points(&self) -> PathBuf {
        self.path.join("resume")
    }

    /// S1 to S5 over training; written when training is done and sealed.
    pub fn curves(&self) -> PathBuf {
        self.path.join("curves.json")
    }

    /// What the policy's activations and edges carry.
    pub fn circuits(&self) -> PathBuf {
        self.path.join("circuits.json")
    }

    /// The report.
    pub fn report(&self) -> PathBuf {
        self.path.join("report.html")
    }

    /// Parameters over time, a directory.
    pub fn checkpoints(&self) -> PathBuf {
        self.path.join("checkpoints")
    }

    /// A directory a recorded stream.
    pub fn gradients(&self) -> PathBuf {
        self.path.join("gradients")
    }

    /// Decompositions, a directory.
    pub fn svd(&self) -> PathBuf {
        self.path.join("svd")
    }
}

/// Makes a directory, with its parents, where there is none.
///
/// # Errors
/// The system's.
pub fn ensure_directory(path: &Path) -> Result<(), Error> {
    disk::make_directory(path).map_err(Error::io(path, "create"))
}

/// Waits until the names of the files in a directory are on the disk.
///
/// # Errors
/// The system's.
pub fn sync_directory(path: &Path) -> Result<(), Error> {
    // The parent of anything within.
    sync_parent(&path.join(LOCK))
}

/// Deletes a file, for good.
///
/// # Errors
/// The system's.
pub fn remove_file(path: &Path) -> Result<(), Error> {
    disk::remove(path).map_err(Error::io(path, "delete"))?;
    sync_parent(path)
}

/// Deletes a directory and all in it, if it is there.
///
/// # Errors
/// The system's.
pub fn remove_directory(path: &Path) -> Result<(), Error> {
    match disk::remove_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        outcome => outcome.map_err(Error::io(path, "delete")),
    }
}

/// Deletes what processes that were killed left aside in `path` and the directories in it: the
/// files of [`atomic`](super::atomic), `<name>.<process>.part`. For the holder of the lock; runs within that another process
/// has locked are left to it.
fn remove_asides(path: &Path) -> Result<(), Error> {
    for (name, is_directory) in list(path)? {
        let entry = path.join(name);
        if is_directory {
            let _own = match exists(&entry.join(LOCK))? {
                true => match lock(&entry) {
                    Err(Error::Locked { .. }) => continue,
                    locked => locked?,
                },
                false => None,
            };
            remove_asides(&entry)?;
        } else if is_aside(&entry) {
            disk::remove(&entry).map_err(Error::io(&entry, "delete"))?;
        }
    }
    Ok(())
}

/// Whether a name is one that [`atomic`](super::atomic) writes under. A growing file's is
/// `<name>.part`, without the number.
pub(crate) fn is_aside(path: &Path) -> bool {
    let number = path
        .file_name()
        .and_then(|name| name.to_str()?.strip_suffix(".part")?.rsplit_once('.'));
    number.is_some_and(|(_, process)| process.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The files in a directory whose names end in `suffix`, by name.
///
/// # Errors
/// The system's.
pub fn files_ending(path: &Path, suffix: &str) -> Result<Vec<PathBuf>, Error> {
    let names = list(path)?.into_iter().map(|(name, _)| name);
    let named = names.filter(|name| name.as_encoded_bytes().ends_with(suffix.as_bytes()));
    Ok(named.map(|name| path.join(name)).collect())
}

/// The directories in a directory, by name.
///
/// # Errors
/// The system's.
pub fn directories(path: &Path) -> Result<Vec<PathBuf>, Error> {
    let names = list(path)?.into_iter();
    let named = names.filter(|(_, is_directory)| *is_directory);
    Ok(named.map(|(name, _)| path.join(name)).collect())
}

/// Refuses a directory that holds anything but a lock.
///
/// # Errors
/// [`Error::Occupied`], and the system's.
pub fn refuse_occupied(path: &Path) -> Result<(), Error> {
    match list(path)?.iter().all(|(name, _)| name == LOCK) {
        true => Ok(()),
        false => Err(Error::Occupied {
            path: path.to_owned(),
        }),
    }
}

/// Refuses a directory that holds anything but a lock and what a process that was killed, or whose disk was
/// full, left aside of the files `own`, which is removed: they are about to be written again.
///
/// # Errors
/// [`Error::Occupied`]; [`Error::Locked`] where the process that writes it is there still, as far as the
/// system tells of processes; the system's.
pub fn refuse_occupied_by_others(path: &Path, own: &[&str]) -> Result<(), Error> {
    let asides = asides_of(path, own)?;
    for (_, process) in &asides {
        let is_there = exists(&Path::new("/proc").join(process.to_string()))?;
        if is_there && *process != std::process::id() {
            return Err(Error::Locked {
                path: path.to_owned(),
            });
        }
    }
    remove_all(asides)
}

fn remove_all(asides: Vec<(PathBuf, u32)>) -> Result<(), Error> {
    let mut files = asides.into_iter();
    files.try_for_each(|(file, _)| disk::remove(&file).map_err(Error::io(&file, "delete")))
}

/// What was left aside of the files `own` in a directory that holds nothing else but a lock, each with the
/// number of the process that wrote it.
fn asides_of(path: &Path, own: &[&str]) -> Result<Vec<(PathBuf, u32)>, Error> {
    let mut found = Vec::new();
    for (name, _) in list(path)? {
        let process = own.iter().find_map(|file| {
            let rest = name.to_str()?.strip_prefix(file)?.strip_prefix('.')?;
            rest.strip_suffix(".part")?.parse::<u32>().ok()
        });
        match process {
            Some(process) => found.push((path.join(name), process)),
            None if name == LOCK => {}
            None => {
                return Err(Error::Occupied {
                    path: path.to_owned(),
                });
            }
        }
    }
    Ok(found)
}

/// Whether a directory holds nothing at all: a run that was killed before it wrote its settings has left a lock.
///
/// # Errors
/// It is not there; the system's.
pub fn is_empty(path: &Path) -> Result<bool, Error> {
    require_directory(path)?;
    Ok(list(path)?.is_empty())
}

/// The names in a directory, sorted, and which are directories themselves.
fn list(path: &Path) -> Result<Vec<(OsString, bool)>, Error> {
    disk::list(path).map_err(Error::io(path, "list"))
}

/// Refuses links in `path` and the directories in it that lead out of `root`, and what is neither
/// file nor directory.
fn refuse_ways_out(root: &Path, path: &Path) -> Result<(), Error> {
    for (name, is_directory) in list(path)? {
        let entry = path.join(name);
        if is_directory {
            refuse_ways_out(root, &entry)?;
            continue;
        }
        if disk::look_here(&entry).map_err(Error::io(&entry, "look at"))? == Kind::Link {
            let real = |path: &Path| disk::canonical(path).map_err(Error::io(path, "open"));
            if !real(&entry)?.starts_with(real(root)?) {
                let expected = format!("files inside {}", root.display());
                return Err(Error::malformed(&entry, expected, "a link out of it"));
            }
        }
        regular(&entry)?;
    }
    Ok(())
}

fn require_directory(path: &Path) -> Result<(), Error> {
    match is_directory(path)? {
        true => Ok(()),
        false => Err(Error::malformed(path, "the directory of a run", "a file")),
    }
}

fn lock(path: &Path) -> Result<Option<File>, Error> {
    if !IS_LOCKED.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let file = path.join(LOCK);
    // Links are not followed: where they lead, nothing is to be made.
    if !matches!(disk::look_here(&file), Ok(Kind::File) | Err(_)) {
        return Err(Error::malformed(&file, "a regular file", "something else"));
    }
    let locked = File::lock(&file).map_err(Error::io(path, "lock"))?;
    let locked = locked.ok_or_else(|| Error::Locked {
        path: path.to_owned(),
    })?;
    Ok(Some(locked))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_second_writer_is_kept_out_until_the_first_is_gone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("with space").join("übung 1");
        let run = RunDir::create(&path).unwrap();
        assert!(matches!(RunDir::create(&path), Err(Error::Locked { .. })));
        assert!(matches!(RunDir::open(&path), Err(Error::Locked { .. })));
        RunDir::look(&path).unwrap();
        drop(run);
        // Nothing was written: a run that died at once leaves the place free.
        let run = RunDir::create(&path).unwrap();
        fs::write(run.config(), "x = 1").unwrap();
        assert!(path.join(SETTINGS).exists());
        drop(run);
        assert!(matches!(RunDir::create(&path), Err(Error::Begun { .. })));
        RunDir::open(&path).unwrap();
    }

    #[test]
    fn other_directories_are_not_littered_and_not_invented() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(
            RunDir::create(dir.path()),
            Err(Error::Occupied { .. })
        ));
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
        assert!(matches!(
            RunDir::open(&dir.path().join("none")),
            Err(Error::Io { .. })
        ));
        let file = dir.path().join("thesis.tex");
        assert!(matches!(RunDir::open(&file), Err(Error::Malformed { .. })));
    }

    #[test]
    fn a_killed_run_is_taken_up_without_what_it_was_writing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run");
        assert!(matches!(RunDir::resume(&path), Err(Error::Io { .. })));
        fs::create_dir_all(path.join("gradients/total")).unwrap();
        assert!(matches!(RunDir::resume(&path), Err(Error::Occupied { .. })));
        assert!(!path.join(LOCK).exists(), "not a run, and not littered");

        let written = [
            "config.toml",
            "checkpoints.7.part",
            "gradients/total/shard-00000.npy.part",
            "gradients/total/manifest.json.1234.part",
        ];
        for name in written {
            fs::write(path.join(name), "").unwrap();
        }
        // Another process is at a run within.
        let within = RunDir::create(&path.join("seed-3")).unwrap();
        fs::write(within.path().join("metrics.jsonl.8.part"), "").unwrap();
        let run = RunDir::resume(&path).unwrap();
        let left = written.map(|name| path.join(name).exists());
        assert_eq!(left, [true, false, true, false]);
        assert!(within.path().join("metrics.jsonl.8.part").exists());
        assert!(matches!(RunDir::resume(&path), Err(Error::Locked { .. })));
        drop(run);

        // Killed before the settings were in place.
        let path = dir.path().join("early");
        fs::create_dir(&path).unwrap();
        for again in [RunDir::resume, RunDir::create] {
            fs::write(path.join("config.toml.99.part"), "").unwrap();
            let run = again(&path).unwrap();
            refuse_occupied(run.path()).unwrap();
        }
        // Part 1 of somebody's film.
        for name in ["film.1.part", "config.toml.x.1.part", "config.toml.part"] {
            fs::write(path.join(name), "").unwrap();
            assert!(matches!(RunDir::create(&path), Err(Error::Occupied { .. })));
            fs::remove_file(path.join(name)).unwrap();
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_run_with_a_link_out_of_it_is_not_gone_on_with() {
        use std::os::unix::fs::symlink;
        let dir = tempfile::tempdir().unwrap();
        let (run, other) = (dir.path().join("run"), dir.path().join("other"));
        fs::create_dir_all(run.join("gradients")).unwrap();
        fs::write(run.join(SETTINGS), "").unwrap();
        fs::write(&other, "x").unwrap();
        symlink(run.join(SETTINGS), run.join("within")).unwrap();
        drop(RunDir::resume(&run).unwrap());
        for (name, to) in [
            ("gradients/metrics.jsonl", other.as_path()),
            ("up", dir.path()),
            ("zero", Path::new("/dev/zero")),
        ] {
            symlink(to, run.join(name)).unwrap();
            let error = RunDir::resume(&run).unwrap_err().to_string();
            assert!(error.contains("a link out of it"), "{error}");
            fs::remove_file(run.join(name)).unwrap();
        }
        fs::remove_file(run.join(LOCK)).unwrap();
        symlink(&other, run.join(LOCK)).unwrap();
        let error = RunDir::open(&run).unwrap_err().to_string();
        assert!(error.contains(".lock: expected a regular file"), "{error}");
    }

    #[test]
    fn files_are_listed_by_name() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b.json", "a.json", "a.json.part", "c.txt"] {
            fs::write(dir.path().join(name), "").unwrap();
        }
        let found = files_ending(dir.path(), ".json").unwrap();
        assert_eq!(
            found,
            [dir.path().join("a.json"), dir.path().join("b.json")]
        );
    }
}
