//! What the tests of damage, load and old files share: a run so small that it takes a tenth of a second.

// Not every test uses all of it.
#![allow(dead_code)]

#[path = "../common/mod.rs"]
mod common;

use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

#[allow(unused_imports)]
pub use common::{copy, directory, is_long};

/// 27 updates of 50 parameters or so.
pub const SETTINGS: [&str; 21] = [
    "ppo.update_epochs=3",
    "record.every=iteration",
    "record.streams_every=2",
    "env.world=7",
    "env.region=3",
    "env.min_maze_dim=3",
    "env.timeout=12",
    "net.channels=1",
    "net.blocks=1",
    "net.hidden=1",
    "ppo.num_envs=4",
    "ppo.num_steps=16",
    "ppo.minibatch_size=32",
    "ppo.total_updates=27",
    "record.checkpoints=3",
    "record.curve_points=2",
    "record.curve_levels=8",
    "svd.rank=2",
    "ablate.components=1",
    "ablate.selection_levels=8",
    "ablate.test_levels=8",
];

/// The program with these arguments.
pub fn gouda(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_gouda"));
    command.args(args);
    command
}

/// `train`, `reproduce` or `study` of the small run into `out`.
pub fn run(command: &str, out: &Path, more: &[&str]) -> Command {
    let mut gouda = gouda(&[command, "--quiet", "--out"]);
    gouda.arg(out);
    for set in SETTINGS {
        gouda.args(["--set", set]);
    }
    gouda.args(more);
    gouda
}

/// What the command left on stderr.
pub fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Programs that ended as they should.
static ENDED: AtomicUsize = AtomicUsize::new(0);

/// Counts a program that ended as it should, and tells how many have.
pub fn ended(more: usize) -> usize {
    ENDED.fetch_add(more, Ordering::Relaxed) + more
}

/// Runs the command, which must exit with `code` and say each of `words`.
pub fn expect(command: &mut Command, code: i32, words: &[&str]) -> Output {
    let output = command.output().unwrap();
    let text = stderr(&output);
    assert_eq!(output.status.code(), Some(code), "{command:?}: {text}");
    for word in words {
        assert!(text.contains(word), "{command:?}, {word}: {text}");
    }
    ended(1);
    output
}

/// A file system in memory of its own, for as long as the value lives.
pub struct Mount(tempfile::TempDir);

impl Mount {
    /// One of so many bytes; none, with a word, where this user may not mount.
    pub fn tmpfs(bytes: u64) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let options = format!("size={bytes}");
        mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], dir.path()).then(|| Self(dir))
    }

    /// `of`, to be read only.
    pub fn read_only(of: &Path) -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        if !mount(&["--bind", of.to_str().unwrap()], dir.path()) {
            return None;
        }
        let bound = Self(dir);
        mount(&["-o", "remount,bind,ro"], bound.path()).then_some(bound)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Makes room.
    pub fn grow(&self, bytes: u64) {
        assert!(mount(
            &["-o", &format!("remount,size={bytes}")],
            self.path()
        ));
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.path()).output();
    }
}

fn mount(args: &[&str], at: &Path) -> bool {
    match Command::new("mount").args(args).arg(at).output() {
        Ok(output) if output.status.success() => true,
        Ok(output) => {
            println!("skipped, mount says: {}", stderr(&output).trim());
            false
        }
        Err(error) => {
            println!("skipped, mount: {error}");
            false
        }
    }
}
