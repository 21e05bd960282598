//! The manifest of a run: what made its outputs and what they are. It is written last, so that
//! where there is one, everything it names was written before.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::error::{read_bytes, read_text, regular};
use super::{Error, FileSum, atomic, disk, summed};

/// What `version` says.
const VERSION: u32 = 2;
/// Before, a manifest had neither a version nor a checksum of its own.
const UNSUMMED: u32 = 1;

fn unsummed() -> u32 {
    UNSUMMED
}

#[derive(Deserialize)]
struct Begins {
    #[serde(default = "unsummed")]
    version: u32,
    #[serde(default)]
    crc32: Option<serde::de::IgnoredAny>,
}

/// What made the outputs of a run, and their checksums. The file ends in its own, as [`summed`] says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RunManifest {
    /// Of this file's format.
    #[serde(default = "unsummed")]
    pub version: u32,
    /// Version of this program.
    pub gouda_version: String,
    /// Commit of the checkout it was built in; changes not yet committed are not told.
    pub commit: Option<String>,
    /// Compiler it was built with.
    pub rustc: Option<String>,
    /// Processor, where the system says so.
    pub cpu: Option<String>,
    /// Threads that were used.
    pub threads: usize,
    /// Seed of all random streams.
    pub seed: u64,
    /// The command line, an argument an entry.
    pub command: Vec<String>,
    /// Files that were read, by the path they were named by.
    pub inputs: BTreeMap<String, FileSum>,
    /// Files that were written, by their path within the run, `/` between its parts.
    pub outputs: BTreeMap<String, FileSum>,
}

impl RunManifest {
    /// The manifest of this program on this machine, without files.
    pub fn new(seed: u64, threads: usize, command: Vec<String>) -> Self {
        Self {
            version: VERSION,
            gouda_version: env!("CARGO_PKG_VERSION").into(),
            commit: option_env!("GOUDA_COMMIT").map(Into::into),
            rustc: option_env!("GOUDA_RUSTC").map(Into::into),
            cpu: read_text(Path::new("/proc/cpuinfo"))
                .ok()
                .as_deref()
                .and_then(cpu_model),
            threads,
            seed,
            command,
            inputs: BTreeMap::new(),
            outputs: BTreeMap::new(),
        }
    }

    /// Takes the checksum of an input.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_input(&mut self, path: &Path) -> Result<(), Error> {
        self.inputs
            .insert(path.to_string_lossy().into_owned(), FileSum::of(path)?);
        Ok(())
    }

    /// Takes the checksum of the output `relative` in the run directory `root`.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn add_output(&mut self, root: &Path, relative: &str) -> Result<(), Error> {
        self.outputs
            .insert(relative.to_owned(), FileSum::of(&root.join(relative))?);
        // Whatever it was read from, it is written anew.
        self.version = VERSION;
        Ok(())
    }

    /// Writes the manifest to `path`.
    ///
    /// # Errors
    /// The system's.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        summed::write_pretty(path, self)
    }

    /// Reads the manifest at `path`.
    ///
    /// # Errors
    /// It cannot be read, is damaged, or is not one of a version known.
    pub fn load(path: &Path) -> Result<Self, Error> {
        let contents = read_bytes(path)?;
        let unreadable = |error: serde_json::Error| {
            Error::malformed(path, "the manifest of a run", error.to_string())
        };
        // On its own first: another version may have other fields.
        let Begins { version, crc32 } = serde_json::from_slice(&contents).map_err(unreadable)?;
        if !(UNSUMMED..=VERSION).contains(&version) {
            let expected = format!("a run's manifest of version {VERSION} or before");
            return Err(Error::malformed(
                path,
                expected,
                format!("version {version}"),
            ));
        }
        let manifest = serde_json::from_slice(&contents).map_err(unreadable)?;
        // Either alone asks for it: one flipped bit cannot take both away.
        if version > UNSUMMED || crc32.is_some() {
            summed::check(path, &contents)?;
        }
        Ok(manifest)
    }

    /// Recomputes the checksum of every output in the run directory `root`.
    ///
    /// # Errors
    /// The first file that lies outside of `root`, cannot be read or has changed.
    pub fn verify(&self, root: &Path) -> Result<(), Error> {
        for (relative, expected) in &self.outputs {
            let path = inside(root, relative)?;
            let bytes = regular(&path)?;
            if bytes != expected.bytes {
                // Without reading it: the length alone tells.
                let expected = format!("{} bytes", expected.bytes);
                return Err(Error::malformed(&path, expected, format!("{bytes} bytes")));
            }
            let found = FileSum::of(&path)?;
            if found != *expected {
                let show = |sum: &FileSum| format!("{} bytes, CRC {:08x}", sum.bytes, sum.crc32);
                return Err(Error::malformed(&path, show(expected), show(&found)));
            }
        }
        Ok(())
    }
}

/// The file that a manifest in the directory `root` calls `relative`: nothing outside of it, be it by
/// `..`, by a path from the root of the system, or through a link.
///
/// # Errors
/// Such a path; a file that is not there.
pub fn inside(root: &Path, relative: &str) -> Result<PathBuf, Error> {
    let path = root.join(relative);
    let outside = || {
        let expected = format!("files inside {}", root.display());
        Error::malformed(root, expected, format!("one named \"{relative}\""))
    };
    let mut parts = Path::new(relative).components();
    if relative.is_empty() || !parts.all(|part| matches!(part, Component::Normal(_))) {
        return Err(outside());
    }
    let real = |path: &Path| disk::canonical(path).map_err(Error::io(path, "open"));
    if !real(&path)?.starts_with(real(root)?) {
        return Err(outside());
    }
    Ok(path)
}

/// Writes `value` to `path` as JSON with line breaks.
///
/// # Errors
/// The system's.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Error> {
    atomic::write_with(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Reads a JSON file; `what` says for the message what it should hold.
///
/// # Errors
/// It cannot be read, or holds something else.
pub fn read_json<T: serde::de::DeserializeOwned>(path: &Path, what: &str) -> Result<T, Error> {
    serde_json::from_slice(&read_bytes(path)?)
        .map_err(|error| Error::malformed(path, what, error.to_string()))
}

/// The model in the text of Linux's `/proc/cpuinfo`.
fn cpu_model(cpuinfo: &str) -> Option<String> {
    let line = cpuinfo
        .lines()
        .find(|line| line.starts_with("model name"))?;
    line.split_once(':')
        .map(|(_, model)| model.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_changed_output_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("svd")).unwrap();
        fs::write(dir.path().join("svd/U.npy"), "abc").unwrap();
        fs::write(dir.path().join("in.npy"), "").unwrap();
        let mut manifest = RunManifest::new(u64::MAX, 2, vec!["gouda".into(), "sv d".into()]);
        manifest.add_output(dir.path(), "svd/U.npy").unwrap();
        manifest.add_input(&dir.path().join("in.npy")).unwrap();
        let path = dir.path().join("manifest.json");
        manifest.save(&path).unwrap();
        let loaded = RunManifest::load(&path).unwrap();
        assert_eq!(loaded, manifest);
        loaded.verify(dir.path()).unwrap();

        fs::write(dir.path().join("svd/U.npy"), "abd").unwrap();
        let error = loaded.verify(dir.path()).unwrap_err().to_string();
        assert!(
            error.contains("U.npy: expected 3 bytes, CRC 352441c2, found"),
            "{error}"
        );
        fs::write(dir.path().join("svd/U.npy"), "ab").unwrap();
        let error = loaded.verify(dir.path()).unwrap_err().to_string();
        assert!(error.contains("expected 3 bytes, found 2 bytes"), "{error}");
        fs::write(&path, "{").unwrap();
        let error = RunManifest::load(&path).unwrap_err().to_string();
        assert!(
            error.contains("expected the manifest of a run, found EOF"),
            "{error}"
        );
    }

    #[test]
    fn nothing_outside_of_the_run_is_looked_at() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("run");
        fs::create_dir_all(root.join("svd")).unwrap();
        fs::write(dir.path().join("secret"), "x").unwrap();
        fs::write(root.join("svd/U.npy"), "x").unwrap();
        assert!(inside(&root, "svd/U.npy").is_ok());
        let absolute = dir.path().join("secret");
        let mut names = vec!["../secret", "svd/../../secret", "", "/dev/zero", "."];
        names.push(absolute.to_str().unwrap());
        #[cfg(unix)]
        {
            std::os::unix::fs::symlink(&absolute, root.join("link")).unwrap();
            std::os::unix::fs::symlink(dir.path(), root.join("up")).unwrap();
            names.extend(["link", "up/secret"]);
        }
        for name in names {
            let error = inside(&root, name).expect_err(name).to_string();
            assert!(error.contains("expected files inside"), "{error}");
        }
    }

    #[test]
    fn the_model_is_found_in_cpuinfo() {
        let text = "processor\t: 0\nmodel\t\t: 97\nmodel name\t: AMD EPYC 9R14\nstepping\t: 1\n";
        assert_eq!(cpu_model(text).as_deref(), Some("AMD EPYC 9R14"));
        assert_eq!(cpu_model("CPU implementer : 0x41"), None);
    }
}
