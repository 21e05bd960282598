//! Runs the program on what is malformed, and says what it did.

use crate::common::copy;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// One malformed input.
pub struct Case {
    /// What is wrong.
    pub what: String,
    /// The command line; `{dir}` is a directory of its own, `{run}` a copy of a finished run in it.
    pub args: Vec<String>,
    /// Makes what is malformed, in that directory.
    pub prepare: Box<dyn Fn(&Path) + Sync>,
    /// The exit code.
    pub code: i32,
    /// What the message says.
    pub words: Vec<String>,
}

/// A case; the command line is split at blanks.
pub fn case(
    what: &str,
    args: &str,
    code: i32,
    words: &[&str],
    prepare: impl Fn(&Path) + Sync + 'static,
) -> Case {
    Case {
        what: what.into(),
        args: args.split_whitespace().map(Into::into).collect(),
        prepare: Box::new(prepare),
        code,
        words: words.iter().map(ToString::to_string).collect(),
    }
}

/// What the program did with one.
pub struct Outcome {
    wrong: Option<String>,
}

impl Outcome {
    /// What it should not have done.
    pub fn wrong(&self) -> Option<&str> {
        self.wrong.as_deref()
    }
}

/// Settings of a run that takes a tenth of a second.
pub const TINY: &str = "\
[env]
world = 9
min_maze_dim = 3
timeout = 20
[net]
channels = 4
blocks = 1
hidden = 8
[ppo]
num_envs = 8
num_steps = 16
minibatch_size = 64
total_updates = 61
update_epochs = 3
[record]
every = \"iteration\"
streams_every = 2
checkpoints = 4
curve_points = 2
curve_levels = 16
[svd]
rank = 4
[ablate]
components = 2
controls = 19
selection_levels = 16
test_levels = 16
";

/// A finished run at `path`.
pub fn trained(path: &Path) -> PathBuf {
    let config = path.with_extension("toml");
    std::fs::write(&config, TINY).unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(["train", "--quiet", "--resume-every", "0", "--config"])
        .arg(&config)
        .arg("--out")
        .arg(path)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}");
    path.to_owned()
}

/// All cases, two at a time.
pub fn run_all(cases: &[Case], base: &Path, dir: &Path) -> Vec<Outcome> {
    let next = AtomicUsize::new(0);
    let worker = || {
        let mut outcomes = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(case) = cases.get(index) else {
                return outcomes;
            };
            let own = dir.join(index.to_string());
            std::fs::create_dir(&own).unwrap();
            if case.args.iter().any(|arg| arg.contains("{run}")) {
                copy(base, &own.join("run"));
            }
            outcomes.push(run(case, &own));
            std::fs::remove_dir_all(&own).unwrap();
        }
    };
    std::thread::scope(|scope| {
        let workers = [scope.spawn(worker), scope.spawn(worker)];
        let outcomes = workers.map(|worker| worker.join().unwrap());
        outcomes.into_iter().flatten().collect()
    })
}

/// The longest that any of them may take: none has anything to compute.
const TIME: Duration = Duration::from_secs(30);

fn run(case: &Case, dir: &Path) -> Outcome {
    (case.prepare)(dir);
    let run = dir.join("run");
    let place = |arg: &String| {
        let arg = arg.replace("{run}", run.to_str().unwrap());
        arg.replace("{dir}", dir.to_str().unwrap())
    };
    let program = env!("CARGO_BIN_EXE_gouda");
    let mut command = if cfg!(unix) {
        // A limit of addresses, where the shell knows one: what is only announced is not taken.
        let script = "ulimit -v 3000000 2>/dev/null; exec \"$@\"";
        let mut shell = Command::new("sh");
        shell.args(["-c", script, "sh", program]);
        shell
    } else {
        Command::new(program)
    };
    let out = std::fs::File::create(dir.join("stderr.txt")).unwrap();
    // Few threads: each takes addresses of its own.
    let mut child = command
        .args(case.args.iter().map(place))
        .current_dir(dir)
        .envs([("RAYON_NUM_THREADS", "2"), ("MALLOC_ARENA_MAX", "2")])
        .env_remove("RUST_BACKTRACE")
        .stdin(Stdio::null())
        .stdout(std::fs::File::create(dir.join("stdout.txt")).unwrap())
        .stderr(out)
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if begun.elapsed() > TIME => {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let bytes = std::fs::read(dir.join("stderr.txt")).unwrap();
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let wrong = fault(case, code, &text);
    if std::env::var_os("GOUDA_SHOW").is_some() {
        let took = begun.elapsed().as_secs_f64();
        println!("== {} [{code:?}] {took:.2} s\n{text}", case.what);
    }
    Outcome {
        wrong: wrong.map(|wrong| format!("{}: {wrong}\n{text}", case.what)),
    }
}

fn fault(case: &Case, code: Option<i32>, text: &str) -> Option<String> {
    if code != Some(case.code) {
        return Some(format!("exit code {code:?}, expected {}", case.code));
    }
    if text.contains("panicked") {
        return Some("panicked".into());
    }
    // The program's own errors, or those of the command line's parser.
    let told = text.lines().filter(|line| {
        let begins = ["gouda: ", "error: "];
        begins.iter().any(|begin| line.starts_with(begin))
    });
    let told = told.count();
    if told != 1 {
        return Some(format!("{told} errors told, expected one"));
    }
    if text.len() > 6000 {
        return Some(format!("a message of {} bytes", text.len()));
    }
    let bad = |c: char| c.is_control() && c != '\n' && c != '\t';
    if text.chars().any(bad) {
        return Some("control characters in the message".into());
    }
    let mut words = case.words.iter();
    let missing = words.find(|word| !text.contains(word.as_str()))?;
    Some(format!("expected \"{missing}\" in the message"))
}

/// Changes the text of a file, which must have `from` in it.
pub fn replace(path: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(path).unwrap();
    let changed = text.replacen(from, to, 1);
    assert_ne!(text, changed, "{}: no {from}", path.display());
    std::fs::write(path, summed_again(changed)).unwrap();
}

/// Makes the checksum right again that a JSON file may end in.
fn summed_again(mut text: String) -> String {
    let keys = [",\"crc32\":\"", ",\n  \"crc32\": \""];
    let found = keys.iter().find_map(|key| Some((text.rfind(key)?, key)));
    let Some((at, key)) = found else {
        return text;
    };
    let sum = gouda::storage::checksum::of_bytes(&text.as_bytes()[..at]);
    let digits = at + key.len();
    text.replace_range(digits..digits + 8, &format!("{sum:08x}"));
    text
}

/// Changes the state of a point to resume from, and makes its checksum right again.
pub fn replace_state(path: &Path, from: &str, to: &str) {
    let bytes = std::fs::read(path).unwrap();
    let (header, data) = split(&bytes);
    let mut header: serde_json::Value = serde_json::from_slice(header).unwrap();
    let state = header["__metadata__"]["state"].as_str().unwrap().to_owned();
    let changed = state.replacen(from, to, 1);
    assert_ne!(state, changed, "{}: no {from} in {state}", path.display());
    header["__metadata__"]["state"] = changed.into();
    save(path, header, data);
}

/// Changes one number of the tensors' data, and makes the checksum right again where there is one.
pub fn replace_value(path: &Path, index: usize, value: f32) {
    let bytes = std::fs::read(path).unwrap();
    let (header, data) = split(&bytes);
    let mut data = data.to_vec();
    data[4 * index..4 * index + 4].copy_from_slice(&value.to_le_bytes());
    save(path, serde_json::from_slice(header).unwrap(), &data);
}

/// Writes a safetensors file; a checksum in it becomes that of its other strings, in the order of
/// their keys, and of its data.
fn save(path: &Path, mut header: serde_json::Value, data: &[u8]) {
    let metadata = header["__metadata__"].as_object_mut().unwrap();
    if metadata.contains_key("crc32") {
        let mut sum = crc32fast::Hasher::new();
        let others = metadata.iter().filter(|(key, _)| *key != "crc32");
        others.for_each(|(_, text)| sum.update(text.as_str().unwrap().as_bytes()));
        sum.update(data);
        metadata.insert("crc32".into(), format!("{:08x}", sum.finalize()).into());
    }
    std::fs::write(path, safetensors(&header.to_string(), data)).unwrap();
}

fn split(bytes: &[u8]) -> (&[u8], &[u8]) {
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    bytes[8..].split_at(len)
}

/// A safetensors file of this header and these data.
pub fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let mut header = header.to_owned();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    let len = (header.len() as u64).to_le_bytes();
    [&len[..], header.as_bytes(), data].concat()
}

/// A `.npy` file of a header that says this, and these data.
pub fn npy(descr: &str, fortran: bool, shape: &str, data: &[u8]) -> Vec<u8> {
    let order = if fortran { "True" } else { "False" };
    let text = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}
