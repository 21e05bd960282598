//! A run beside others, interrupted, moved, read-only, in odd places; output into closed pipes and onto
//! narrow terminals; more checkpoints than a process may have open files.

mod small;

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use gouda::numeric::random::{Purpose, Stream};
use gouda::storage::{FileSum, RunDir, RunManifest, npy};
use small::{Mount, copy, directory, ended, expect, gouda, is_long, run, stderr};

/// What a manifest says of the files of its run.
type Outputs = BTreeMap<String, FileSum>;

/// A run that would take very long.
const ENDLESS: &str = "--set=ppo.total_updates=100000000";

fn outputs(run: &Path) -> Outputs {
    RunManifest::load(&run.join("manifest.json"))
        .unwrap()
        .outputs
}

/// Waits until the run has put its first point down, and so hears Ctrl-C.
fn begun(child: Child, run: &Path) -> Child {
    let patience = Instant::now();
    while !run.join("checkpoints/000000000.safetensors").exists() {
        assert!(patience.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(3));
    }
    child
}

fn signal(child: &Child) {
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
}

/// How many tests there are here.
const TESTS: usize = 7;

/// Gathers what was tried; the last of the tests prints the line of the table.
fn passed(what: &str) {
    static PASSED: Mutex<Vec<String>> = Mutex::new(Vec::new());
    let mut passed = PASSED.lock().unwrap();
    passed.push(what.into());
    if passed.len() == TESTS {
        let (ended, what) = (ended(0), passed.join("; "));
        println!("reliability: load | {ended} | {ended} ended as they should, 0 panics: {what}");
    }
}

#[test]
fn a_second_writer_is_refused_and_readers_are_not() {
    let dir = directory();
    let out = dir.path().join("run");
    let mut writer = run(
        "train",
        &out,
        &[ENDLESS, "--resume-every=0", "--set=record.every=update"],
    );
    let mut child = begun(writer.spawn().unwrap(), &out);
    let busy = ["in use by another process", out.to_str().unwrap()];
    for more in [&[ENDLESS, "--resume"][..], &["--resume"]] {
        expect(&mut run("train", &out, more), 6, &busy);
    }
    expect(&mut run("train", &out, &[]), 2, &["holds a run"]);
    // A recording that is not sealed is no matrix, and says so.
    let to = dir.path().join("svd");
    let mut svd = gouda(&["svd", "--quiet", "--out"]);
    svd.arg(&to).arg(out.join("gradients/total"));
    let refused = svd.output().unwrap();
    assert!(
        matches!(refused.status.code(), Some(3 | 4)),
        "{}",
        stderr(&refused)
    );
    let mut verify = gouda(&["verify", "--quiet"]);
    let refused = verify.arg(&out).output().unwrap();
    assert!(
        matches!(refused.status.code(), Some(3 | 4)),
        "{}",
        stderr(&refused)
    );
    // The results of before can be reported meanwhile.
    let whole = dir.path().join("whole");
    expect(&mut run("reproduce", &whole, &[]), 0, &[]);
    fs::copy(whole.join("results.json"), out.join("results.json")).unwrap();
    expect(gouda(&["report"]).arg(&out), 0, &[]);
    assert!(out.join("report.html").exists());
    assert!(
        child.try_wait().unwrap().is_none(),
        "the writer is not disturbed"
    );
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    // Sealed, and nobody writes: all of them read.
    expect(&mut svd, 0, &[]);
    expect(&mut verify, 0, &[]);
    passed("two writers, and readers beside one");
}

#[cfg(unix)]
#[test]
fn ctrl_c_once_seals_and_twice_ends_at_once_and_both_resume_to_the_same_bytes() {
    let dir = directory();
    let more = [
        "--set=ppo.total_updates=1200",
        "--set=record.every=update",
        "--resume-every=0",
    ];
    let whole = dir.path().join("whole");
    let begun_at = Instant::now();
    expect(&mut run("train", &whole, &more), 0, &[]);
    // Only chooses the delays, so that most of the signals find the run at work.
    let longest = begun_at.elapsed();
    let tries = if is_long() { 40 } else { 6 };
    let mut cut_short = 0;
    for attempt in 0..tries {
        let out = dir.path().join(format!("run {attempt}"));
        let mut child = run("train", &out, &more);
        let mut child = begun(child.stderr(Stdio::piped()).spawn().unwrap(), &out);
        std::thread::sleep(longest.mul_f64(0.5 * f64::from(attempt) / f64::from(tries)));
        signal(&child);
        if attempt % 2 == 1 {
            // The second may find it gone: then the first was enough.
            signal_if_there(&child);
        }
        let code = child.wait().unwrap().code();
        let mut text = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut text)
            .unwrap();
        assert!(matches!(code, Some(0 | 130)), "{code:?}: {text}");
        ended(1);
        if code == Some(130) {
            cut_short += 1;
            assert!(text.contains("once more to stop at once"), "{text}");
            if attempt % 2 == 0 {
                assert!(text.contains("goes on with --resume"), "{text}");
                for name in ["total", "update"] {
                    let stream = out.join("gradients").join(name);
                    gouda::gradients::Matrix::open(&stream)
                        .unwrap()
                        .verify()
                        .unwrap();
                }
            }
        }
        expect(
            &mut run("train", &out, &[&more[..], &["--resume"]].concat()),
            0,
            &[],
        );
        assert_eq!(outputs(&out), outputs(&whole), "{attempt}");
    }
    assert!(cut_short > tries / 3, "{cut_short}");
    // A decomposition leaves nothing, and its directory can be used again.
    let noise = dir.path().join("noise.npy");
    let mut stream = Stream::new(0, Purpose::Controls, 0);
    let piece: Vec<f32> = (0..1 << 20)
        .map(|_| stream.uniform() as f32 - 0.5)
        .collect();
    let values = [&piece[..]; 12].concat();
    let values = &values[..values.len() - values.len() % 1001];
    npy::write_f32(&noise, &[1001, values.len() / 1001], values).unwrap();
    let mut svd = gouda(&["svd", "--method=krylov", "--tolerance=3e-7", "--out"]);
    svd.arg(dir.path().join("svd")).arg(&noise);
    let mut child = svd
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    assert!(
        lines
            .by_ref()
            .any(|line| line.unwrap().starts_with("SVD, MB: "))
    );
    signal(&child);
    let said: Vec<String> = lines.map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{said:?}");
    assert_eq!(fs::read_dir(dir.path().join("svd")).unwrap().count(), 0);
    ended(1);
    // Verifying is stopped too.
    let mut verify = gouda(&["verify"]);
    let mut child = verify
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = [0; 1];
    // Its first line comes after the handler is in place.
    child
        .stderr
        .as_mut()
        .unwrap()
        .read_exact(&mut first)
        .unwrap();
    signal(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
    passed("Ctrl-C once and twice");
}

fn signal_if_there(child: &Child) {
    let _ = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .output();
}

/// Every subcommand that prints, into a pipe that nobody reads.
#[test]
fn a_closed_pipe_ends_no_command_badly() {
    let dir = directory();
    let trained = dir.path().join("trained");
    expect(&mut run("reproduce", &trained, &[]), 0, &[]);
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let total = path("trained/gradients/total");
    let (svd, trained) = (path("svd"), path("trained"));
    let (train, again) = (path("train"), path("again"));
    let mut commands = vec![
        run("train", Path::new(&train), &[]),
        run("train", Path::new(&again), &["--json"]),
        run("reproduce", Path::new(&trained), &["--resume"]),
        run("reproduce", Path::new(&trained), &["--resume", "--json"]),
    ];
    for args in [
        &["svd", "--quiet", "--rank=2", "--out", &svd, &total][..],
        &["report", &trained],
        &["verify", "--quiet", "--updates=3", &trained],
        &["verify", "--quiet", "--json", "--updates=3", &trained],
        &["verify", "--quiet", &total],
        &["verify", "--print"],
        &["maze"],
        &["maze", "--json"],
        &["config"],
        &["config", "--json"],
        &["bench", "sim", "--seconds=0.01"],
        &["bench", "train", "--seconds=0.001", "--nets=9x9"],
        &["--help"],
        &["svd", "--help"],
        &["--version"],
    ] {
        commands.push(gouda(args));
    }
    if is_long() {
        let sets = [
            "--set=record.streams_every=1",
            "--set=study.seeds=1",
            "--set=study.rank=2",
            "--set=ablate.selection_levels=8",
            "--set=ablate.test_levels=8",
            "--set=ablate.controls=19",
            "--set=study.relearn_updates=6",
            "--set=study.retrain_seeds=1",
            "--set=study.planted_updates=12",
            "--set=study.plants=1",
        ];
        commands.push(run("study", &dir.path().join("study"), &sets));
    }
    let tried = commands.len();
    for mut command in commands {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(0), "{command:?}: {text}");
        ended(1);
        assert!(
            !text.contains("panicked") && !text.contains("pipe"),
            "{command:?}: {text}"
        );
    }
    // What differs is told all the same by the exit code.
    let shard = Path::new(&total).join("shard-00000.npy");
    let mut bytes = fs::read(&shard).unwrap();
    bytes[200] ^= 1;
    fs::write(&shard, bytes).unwrap();
    let mut child = gouda(&["verify", "--quiet", "--updates=3", &trained]);
    let mut child = child
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    passed(&format!("{tried} commands into a closed pipe"));
}

/// The lines of a terminal of so many columns after `text` was written to it: how often a line ran over
/// the edge, and the longest piece between line breaks.
fn longest(text: &str) -> usize {
    let mut longest = 0;
    for piece in text.split(['\r', '\n']) {
        let mut chars = piece.chars();
        let mut len = 0;
        while let Some(c) = chars.next() {
            if c == '\u{1b}' {
                // A control sequence ends in a letter.
                chars.by_ref().find(|c| c.is_ascii_alphabetic());
            } else {
                len += 1;
            }
        }
        longest = longest.max(len);
    }
    longest
}

#[cfg(target_os = "linux")]
#[test]
fn progress_does_not_wrap_on_a_narrow_terminal() {
    let dir = directory();
    let pty = |columns: usize, command: &str| {
        let line = format!("stty cols {columns} rows 20; exec {command} > /dev/null");
        Command::new("script")
            .args(["-qec", &line, "/dev/null"])
            .stdin(Stdio::null())
            .output()
    };
    if !pty(80, "true").is_ok_and(|output| output.status.success()) {
        return passed("no script(1), no narrow terminals");
    }
    for columns in [10, 20, 40, 80] {
        let out = dir.path().join(columns.to_string());
        let command = run("train", &out, &["--set=ppo.total_updates=400"]);
        let mut line = command.get_program().to_str().unwrap().to_owned();
        for arg in command.get_args().filter(|arg| *arg != "--quiet") {
            line += &format!(" '{}'", arg.to_str().unwrap());
        }
        let output = pty(columns, &line).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && !text.contains("panicked"),
            "{text}"
        );
        // What is said between the stages may wrap, as text does.
        let bars: Vec<&str> = text
            .split(['\r', '\n'])
            .filter(|l| l.contains("training"))
            .collect();
        assert!(bars.len() > 1, "{columns}: {text:?}");
        for bar in bars {
            assert!(longest(bar) <= columns, "{columns}: {bar:?}");
        }
        let sigma = out.join("gradients/total");
        let svd = format!(
            "{} svd --rank=2 --out '{}' '{}'",
            env!("CARGO_BIN_EXE_gouda"),
            dir.path().join(format!("svd {columns}")).display(),
            sigma.display()
        );
        let output = pty(columns, &svd).unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success() && !text.contains("panicked"),
            "{text}"
        );
    }
    // No terminal at all, and a word for its width that means nothing.
    for columns in ["0", "-3", "a lot", "99999999999"] {
        let out = dir.path().join(format!("no terminal {columns}"));
        let mut command = run("train", &out, &[]);
        command
            .env("COLUMNS", columns)
            .env("TERM", "dumb")
            .env_remove("HOME");
        expect(&mut command, 0, &[]);
    }
    passed("terminals of 10, 20, 40, 80 columns, and none");
}

#[cfg(unix)]
#[test]
fn ten_thousand_checkpoints_with_64_open_files() {
    let dir = directory();
    let out = dir.path().join("run");
    let more = [
        "--set=ppo.total_updates=10000",
        "--set=record.checkpoints=10000",
        "--set=record.every=iteration",
        "--set=record.streams_every=0",
    ];
    let limited = |command: &Command| {
        let mut limited = Command::new("bash");
        limited.args(["-c", "ulimit -n 64; exec \"$0\" \"$@\""]);
        limited.arg(command.get_program()).args(command.get_args());
        limited
    };
    let begun = Instant::now();
    expect(&mut limited(&run("train", &out, &more)), 0, &[]);
    let train = begun.elapsed();
    let count = fs::read_dir(out.join("checkpoints")).unwrap().count();
    assert_eq!(count, 10_001);
    let begun = Instant::now();
    let verify = gouda(&["verify", "--quiet", "--updates=30", out.to_str().unwrap()]);
    expect(&mut limited(&verify), 0, &[]);
    let verify = begun.elapsed();
    // As if it had been killed before the end: every checkpoint is looked at again.
    for name in ["manifest.json", "curves.json"] {
        fs::remove_file(out.join(name)).unwrap();
    }
    let begun = Instant::now();
    expect(
        &mut limited(&run("train", &out, &[&more[..], &["--resume"]].concat())),
        0,
        &[],
    );
    let resume = begun.elapsed();
    let manifest = RunManifest::load(&out.join("manifest.json")).unwrap();
    assert!(manifest.outputs.len() > 10_000);
    // A report asks for nothing but the results.
    let other = dir.path().join("reproduced");
    expect(&mut run("reproduce", &other, &[]), 0, &[]);
    fs::copy(other.join("results.json"), out.join("results.json")).unwrap();
    expect(
        &mut limited(&gouda(&["report", out.to_str().unwrap()])),
        0,
        &[],
    );
    println!(
        "10,001 checkpoints: trained in {train:.1?}, verified in {verify:.1?}, resumed in {resume:.1?}"
    );
    passed("10,001 checkpoints with 64 open files");
}

#[cfg(unix)]
#[test]
fn a_run_may_be_moved_and_lie_anywhere() {
    let dir = directory();
    let whole = dir.path().join("whole");
    expect(&mut run("train", &whole, &[]), 0, &[]);
    let names = [
        "with space",
        "it's \"quoted\"",
        "größe-テスト-🧀",
        "-leading",
        "a\nline",
        "$HOME;x",
    ];
    let mut last = whole.clone();
    for name in names {
        // Moved between commands, from one odd place to the next.
        let moved = dir.path().join(name);
        fs::rename(&last, &moved).unwrap();
        expect(&mut run("train", &moved, &["--resume"]), 0, &[]);
        let mut verify = gouda(&["verify", "--quiet", "--updates=9"]);
        expect(verify.arg(&moved), 0, &[]);
        last = moved;
    }
    expect(&mut run("reproduce", &last, &["--resume"]), 0, &[]);
    // By a path that is relative, and through a symlink; from the start, and gone on with.
    let link = dir.path().join("link");
    std::os::unix::fs::symlink(&last, &link).unwrap();
    for path in [
        Path::new("./$HOME;x"),
        Path::new("link"),
        Path::new("link/../$HOME;x/"),
        &link,
    ] {
        let mut svd = gouda(&["svd", "--quiet", "--rank=2", "--out=svd"]);
        expect(
            svd.current_dir(&dir).arg(path.join("gradients/total")),
            0,
            &[],
        );
        fs::remove_dir_all(dir.path().join("svd")).unwrap();
        let mut verify = gouda(&["verify", "--quiet", "--updates=9"]);
        expect(verify.current_dir(&dir).arg(path), 0, &[]);
        expect(gouda(&["report"]).current_dir(&dir).arg(path), 0, &[]);
        expect(
            run("reproduce", path, &["--resume"]).current_dir(&dir),
            0,
            &[],
        );
    }
    let target = dir.path().join("target");
    fs::create_dir(&target).unwrap();
    std::os::unix::fs::symlink(&target, dir.path().join("into")).unwrap();
    for path in ["relative", "into", "made/on/the/way"] {
        let path = Path::new(path);
        expect(run("train", path, &[]).current_dir(&dir), 0, &[]);
        expect(run("train", path, &["--resume"]).current_dir(&dir), 0, &[]);
        let found = outputs(&dir.path().join(path));
        assert_eq!(found, outputs_of_training(&last));
    }
    // A name that is not UTF-8: taken where it can be, and never a panic.
    use std::os::unix::ffi::OsStrExt;
    let odd = dir.path().join(std::ffi::OsStr::from_bytes(b"not\xffutf8"));
    expect(&mut run("train", &odd, &[]), 0, &[]);
    expect(&mut run("train", &odd, &["--resume"]), 0, &[]);
    expect(&mut run("train", &odd, &["--resume", "--json"]), 0, &[]);
    let mut verify = gouda(&["verify", "--quiet", "--json", "--updates=9"]);
    expect(verify.arg(&odd), 0, &[]);
    let mut svd = gouda(&["svd", "--quiet", "--json", "--rank=2", "--out"]);
    expect(
        svd.arg(odd.join("svd")).arg(odd.join("gradients/total")),
        0,
        &[],
    );
    // A link that leads nowhere.
    std::os::unix::fs::symlink("nowhere", dir.path().join("dangling")).unwrap();
    let mut dangling = run("train", Path::new("dangling"), &[]);
    expect(dangling.current_dir(&dir), 4, &["dangling"]);
    passed("moved, odd names, relative, through links");
}

/// The outputs of `run` that training leaves.
fn outputs_of_training(run: &Path) -> Outputs {
    let mut outputs = RunManifest::load(&run.join("manifest.json"))
        .unwrap()
        .outputs;
    let later = |name: &str| {
        ["svd/", "circuits", "results", "report"]
            .iter()
            .any(|l| name.starts_with(l))
    };
    outputs.retain(|name, _| !later(name));
    outputs
}

#[cfg(target_os = "linux")]
#[test]
fn a_read_only_run_can_be_read_and_says_where_it_cannot_be_written() {
    let dir = directory();
    let [whole, other] = ["whole", "other"].map(|name| dir.path().join(name));
    expect(&mut run("reproduce", &whole, &[]), 0, &[]);
    copy(&whole, &other);
    let Some(sealed) = Mount::read_only(&whole) else {
        return passed("no mount, no read-only run");
    };
    let path = sealed.path().to_str().unwrap();
    let out = dir.path().join("out");
    let mut svd = gouda(&["svd", "--quiet", "--rank=2", "--out"]);
    expect(
        svd.arg(&out).arg(sealed.path().join("gradients/total")),
        0,
        &[],
    );
    expect(
        &mut gouda(&["verify", "--quiet", "--updates=9", path]),
        0,
        &[],
    );
    let elsewhere = dir.path().join("reports/here");
    expect(gouda(&["report", path, "--out"]).arg(&elsewhere), 0, &[]);
    let report = fs::read(whole.join("report.html")).unwrap();
    assert!(fs::read(elsewhere.join("report.html")).unwrap() == report);
    // Those that write.
    let within = sealed.path().join("svd/new");
    let words = ["Read-only file system", path];
    expect(&mut gouda(&["report", path]), 4, &words);
    expect(&mut run("train", sealed.path(), &["--resume"]), 4, &words);
    expect(
        &mut run("reproduce", sealed.path(), &["--resume"]),
        4,
        &words,
    );
    expect(
        &mut run("train", &sealed.path().join("new"), &[]),
        4,
        &words,
    );
    let mut svd = gouda(&["svd", "--quiet", "--rank=2", "--out"]);
    expect(
        svd.arg(&within).arg(sealed.path().join("gradients/total")),
        4,
        &words,
    );
    drop(sealed);
    assert_eq!(outputs(&whole), outputs(&other));
    assert!(RunDir::open(&whole).is_ok());
    passed("a run that is read-only");
}
