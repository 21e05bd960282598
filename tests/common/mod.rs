//! A run that takes milliseconds, and what of it is promised to the byte.

// Not every test uses all of it.
#![allow(dead_code)]

use std::collections::BTreeMap;
use std::path::Path;

/// Iterations of six updates, a small network, curves and checkpoints within iterations too.
pub const TINY: [&str; 21] = [
    "ppo.update_epochs=3",
    "record.every=iteration",
    "record.streams_every=2",
    "env.world=9",
    "env.min_maze_dim=3",
    "env.timeout=20",
    "net.channels=4",
    "net.blocks=1",
    "net.hidden=8",
    "ppo.num_envs=8",
    "ppo.num_steps=16",
    "ppo.minibatch_size=64",
    "ppo.total_updates=27",
    "record.checkpoints=5",
    "record.curve_points=4",
    "record.curve_levels=8",
    "svd.rank=4",
    "ablate.components=2",
    "ablate.controls=19",
    "ablate.selection_levels=8",
    "ablate.test_levels=8",
];

/// In memory where the system has a place for that: what a killed process wrote outlives it there
/// as on a disk, and thousands of syncs cost nothing.
pub fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir()
        && let Ok(dir) = tempfile::tempdir_in(memory)
    {
        return dir;
    }
    tempfile::tempdir().unwrap()
}

/// Every file of a run that is promised to the byte, by its path in it.
pub fn promised(run: &Path) -> BTreeMap<String, Vec<u8>> {
    fn gather(root: &Path, dir: &Path, found: &mut BTreeMap<String, Vec<u8>>) {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path
                .strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned();
            // The lock, points to resume from, and what tells of the command line and the clock.
            let apart = [
                ".lock",
                "resume",
                "command.txt",
                "manifest.json",
                "results.json",
                "circuits.json",
                "report.html",
            ];
            if apart.contains(&name.as_str()) {
            } else if path.is_dir() {
                gather(root, &path, found);
            } else {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    gather(run, run, &mut found);
    found
}

/// Fails with the name of the first file that is not the same.
pub fn assert_same(
    found: &BTreeMap<String, Vec<u8>>,
    expected: &BTreeMap<String, Vec<u8>>,
    what: &str,
) {
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(expected), "{what}");
    for (name, bytes) in expected {
        assert!(found[name] == *bytes, "{what}: {name} differs");
    }
}

/// Copies a directory with all in it.
pub fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let to = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &to);
        } else {
            std::fs::copy(&path, to).unwrap();
        }
    }
}

/// Whether the long versions are asked for.
pub fn is_long() -> bool {
    std::env::var_os("GOUDA_LONG").is_some_and(|value| value != "0")
}

/// Takes what the clock said out of results: every "seconds", however deep.
pub fn without_seconds(results: &mut serde_json::Value) {
    match results {
        serde_json::Value::Object(map) => {
            map.remove("seconds");
            map.values_mut().for_each(without_seconds);
        }
        serde_json::Value::Array(values) => values.iter_mut().for_each(without_seconds),
        _ => {}
    }
}
