//! Damaged files: cut anywhere, a bit flipped anywhere, cut while they are read, and a disk that is
//! full. Whatever it is, it is told with the name of the file.

mod small;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use gouda::experiment::checkpoint::{checkpoints, load_checkpoint};
use gouda::experiment::config::{Config, Preset};
use gouda::experiment::resolve::resolve;
use gouda::experiment::resume::Point;
use gouda::gradients::{
    DEFAULT_SHARD_BYTES, GradientMatrix, Manifest, Matrix, Reading, Recorder, RowMeta, Sketch,
};
use gouda::nn::{Layout, Network};
use gouda::numeric::random::{Purpose, Stream};
use gouda::storage::{Access, RunDir, RunManifest, npy};
use gouda::svd;
use small::{Mount, copy, directory, expect, gouda, is_long, run, stderr};

/// What reads a file, by the file: the message where it is refused.
type Read<'a> = &'a dyn Fn() -> Result<(), String>;

fn text<T>(outcome: Result<T, impl ToString>) -> Result<(), String> {
    outcome.map(|_| ()).map_err(|error| error.to_string())
}

fn config(more: &[&str]) -> Config {
    let sets = small::SETTINGS.iter().chain(more);
    let sets: Vec<String> = sets.map(ToString::to_string).collect();
    resolve(Preset::Quick, None, &sets, None).unwrap().config
}

fn layout(config: &Config) -> Layout {
    let shape = config.net.shape(&config.env);
    Network::new(shape, 1).unwrap().layout
}

/// A matrix of noise, 300 x 41, recorded into `dir`.
fn record(dir: &Path) {
    let layout = Layout::new(vec![("w".into(), vec![40]), ("b".into(), vec![1])]);
    let mut recorder = Recorder::create(dir, &layout, 300, DEFAULT_SHARD_BYTES).unwrap();
    let mut stream = Stream::new(0, Purpose::Controls, 0);
    for update in 0..300 {
        let row: Vec<f32> = (0..41).map(|_| stream.uniform() as f32 - 0.5).collect();
        let meta = RowMeta {
            first_update: update,
            last_update: update,
            learning_rate: 1e-3,
            clip_factor: 1.0,
            ..RowMeta::default()
        };
        recorder.push(&row, meta).unwrap();
    }
    recorder.seal().unwrap();
}

fn decompose(stream: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    let matrix = Matrix::open(stream).unwrap();
    let found = svd::truncated(&matrix, &svd::Options::with_rank(3), &mut |_| {}).unwrap();
    svd::output::save(to, &found).unwrap();
}

/// Everything that is damaged in these tests: where it is and how it is read.
struct Sound {
    _dir: tempfile::TempDir,
    stream: PathBuf,
    svd: PathBuf,
    checkpoint: PathBuf,
    points: [PathBuf; 2],
    config: Config,
    layout: Layout,
}

impl Sound {
    fn new() -> Self {
        let dir = directory();
        let [stream, svd, trained] = ["total", "svd", "run"].map(|name| dir.path().join(name));
        record(&stream);
        decompose(&stream, &svd);
        expect(&mut run("train", &trained, &[]), 0, &[]);
        let config = config(&[]);
        let points = ["latest", "middle"].map(|name| format!("resume/{name}.safetensors"));
        Self {
            checkpoint: trained.join("checkpoints/000000009.safetensors"),
            points: points.map(|point| trained.join(point)),
            layout: layout(&config),
            _dir: dir,
            stream,
            svd,
            config,
        }
    }

    fn checkpoint(&self) -> Result<(), String> {
        text(load_checkpoint(&self.checkpoint, &self.layout))
    }

    fn point(&self, which: usize) -> Result<(), String> {
        text(Point::load(
            &self.points[which],
            &self.config,
            self.layout.len(),
        ))
    }

    /// The stream as `gouda svd` reads it.
    fn stream(&self, access: Access) -> Result<(), String> {
        let matrix =
            Matrix::open_as(&self.stream, Reading::by(access)).map_err(|e| e.to_string())?;
        text(matrix.verify())?;
        text(Sketch::of(&matrix))
    }

    fn svd(&self) -> Result<(), String> {
        text(svd::output::load(&self.svd))
    }
}

/// Changes the file at `path` by `change`, tells what `read` then says, and puts it back.
fn with<T>(path: &Path, whole: &[u8], read: Read<'_>, change: T) -> Result<(), String>
where
    T: FnOnce(&mut Vec<u8>),
{
    let mut bytes = whole.to_vec();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
    let outcome = read();
    fs::write(path, whole).unwrap();
    outcome
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn a_file_that_is_cut_anywhere_is_refused_by_name() {
    let sound = Sound::new();
    let mut tried = 0;
    let mut cut = |path: &Path, lens: &mut dyn Iterator<Item = usize>, read: Read<'_>| {
        let whole = fs::read(path).unwrap();
        read().unwrap();
        for len in lens.take_while(|&len| len < whole.len()) {
            let outcome = with(path, &whole, read, |bytes| bytes.truncate(len));
            let error = outcome.expect_err(&format!("{} cut to {len}", path.display()));
            assert!(error.contains(name(path)), "{len}: {error}");
            tried += 1;
        }
        // As is one that is longer.
        let error = with(path, &whole, read, |bytes| bytes.push(b'x')).unwrap_err();
        assert!(error.contains(name(path)), "{error}");
        read().unwrap();
    };
    cut(&sound.checkpoint, &mut (0..), &|| sound.checkpoint());
    for which in [0, 1] {
        cut(&sound.points[which], &mut (0..), &|| sound.point(which));
    }
    for name in ["certificate.json", "U.npy", "S.npy", "V.npy"] {
        cut(&sound.svd.join(name), &mut (0..), &|| sound.svd());
    }
    let shard = sound.stream.join("shard-00000.npy");
    for access in [Access::Map, Access::Read] {
        let read = || sound.stream(access);
        cut(&shard, &mut (0..=128), &read);
        cut(
            &shard,
            &mut (1..).flat_map(|page| [4096 * page - 1, 4096 * page, 4096 * page + 1]),
            &read,
        );
        cut(
            &sound.stream.join("manifest.json"),
            &mut (0..).step_by(61),
            &read,
        );
        cut(
            &sound.stream.join("sketch.npy"),
            &mut (0..).step_by(997),
            &read,
        );
    }
    println!("reliability: truncations | {tried} | {tried} refused with the file named, 0 passed");
}

#[test]
fn a_flipped_bit_anywhere_is_found_and_named() {
    let sound = Sound::new();
    let every = |step: usize| if is_long() { 1 } else { step };
    let mut tried = 0;
    // All bits of the first bytes and of the last, and one of every `step`-th byte between.
    let mut flip = |path: &Path, header: usize, step: usize, tail: usize, read: Read<'_>| {
        let whole = fs::read(path).unwrap();
        read().unwrap();
        let bits = |at: usize| (8 * at..8 * at + 8).collect::<Vec<usize>>();
        let middle = header..whole.len().saturating_sub(tail).max(header);
        let one = |at: usize| vec![8 * at + at / step % 8];
        let places = (0..header.min(whole.len()))
            .chain(middle.end..whole.len())
            .flat_map(bits)
            .chain(middle.step_by(every(step)).flat_map(one));
        for bit in places {
            let outcome = with(path, &whole, read, |bytes| bytes[bit / 8] ^= 1 << (bit % 8));
            let error = outcome.expect_err(&format!("bit {bit} of {} unseen", path.display()));
            assert!(error.contains(name(path)), "{bit}: {error}");
            // The block of a shard, by its rows.
            if name(path).starts_with("shard") && bit / 8 >= 128 {
                let block = (bit / 8 - 128) / (41 * 4) / 64;
                let rows = format!("for rows {} to {}", 64 * block, (64 * block + 63).min(299));
                assert!(error.contains(&rows), "{bit}: {error}");
            }
            tried += 1;
        }
    };
    let tensors_at = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize
    };
    let checkpoint = &sound.checkpoint;
    flip(checkpoint, tensors_at(checkpoint), 1, 0, &|| {
        sound.checkpoint()
    });
    let [latest, middle] = &sound.points;
    flip(latest, tensors_at(latest), 1, 0, &|| sound.point(0));
    flip(middle, tensors_at(middle), 1, 0, &|| sound.point(1));
    let mapped = || sound.stream(Access::Map);
    flip(&sound.stream.join("shard-00000.npy"), 128, 37, 0, &mapped);
    flip(&sound.stream.join("sketch.npy"), 128, 371, 0, &mapped);
    flip(&sound.stream.join("manifest.json"), 400, 7, 60, &mapped);
    let read = || sound.stream(Access::Read);
    flip(&sound.stream.join("shard-00000.npy"), 0, 997, 0, &read);
    flip(
        &sound.svd.join("certificate.json"),
        usize::MAX,
        1,
        0,
        &|| sound.svd(),
    );
    for name in ["U.npy", "S.npy", "V.npy"] {
        flip(&sound.svd.join(name), 128, 3, 0, &|| sound.svd());
    }
    let trained = sound.checkpoint.ancestors().nth(2).unwrap();
    let manifest = trained.join("manifest.json");
    flip(&manifest, usize::MAX, 1, 0, &|| {
        text(RunManifest::load(&manifest))
    });
    println!("reliability: bit flips | {tried} | {tried} found with the file named, 0 unseen");
}

#[test]
fn the_commands_find_what_is_damaged() {
    let dir = directory();
    let trained = dir.path().join("run");
    expect(&mut run("train", &trained, &[]), 0, &[]);
    let total = trained.join("gradients/total");
    let svd = dir.path().join("svd");
    let to = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let decompose = |out: &str| {
        let mut command = gouda(&["svd", "--quiet", "--rank=2", "--out", out]);
        command.arg(&total);
        command
    };
    expect(&mut decompose(svd.to_str().unwrap()), 0, &[]);
    let verify = |of: &Path| {
        let mut command = gouda(&["verify", "--quiet", "--updates=1"]);
        command.arg(of);
        if of != trained {
            command = gouda(&["verify", "--quiet"]);
            command.arg(of);
        }
        command
    };
    for of in [&trained, &total, &svd] {
        expect(&mut verify(of), 0, &[]);
    }
    let flipped = |path: &Path, from_end: usize, check: &dyn Fn()| {
        let whole = fs::read(path).unwrap();
        let at = whole.len() - 1 - from_end;
        let read = || {
            check();
            Ok(())
        };
        with(path, &whole, &read, |bytes| bytes[at] ^= 2).unwrap();
    };
    for (index, (name, from_end)) in [
        ("shard-00000.npy", 100),
        ("sketch.npy", 3),
        // A digit of the last row's norm.
        ("manifest.json", 70),
    ]
    .into_iter()
    .enumerate()
    {
        flipped(&total.join(name), from_end, &|| {
            expect(&mut decompose(&to(&format!("svd {index}"))), 3, &[name]);
            let code = if name == "manifest.json" { 3 } else { 1 };
            expect(&mut verify(&total), code, &[name]);
        });
    }
    for name in ["U.npy", "S.npy", "V.npy", "certificate.json"] {
        flipped(&svd.join(name), 5, &|| {
            expect(&mut verify(&svd), 1, &[name]);
        });
    }
    // What the manifest has a checksum of must be there.
    let sketch = fs::read(total.join("sketch.npy")).unwrap();
    fs::remove_file(total.join("sketch.npy")).unwrap();
    expect(&mut decompose(&to("svd without")), 4, &["sketch.npy"]);
    expect(&mut verify(&total), 1, &["sketch.npy"]);
    fs::write(total.join("sketch.npy"), sketch).unwrap();
    expect(&mut verify(&total), 0, &[]);
    let name = "000000009.safetensors";
    // Without the manifest, as in a run that is not finished.
    fs::remove_file(trained.join("manifest.json")).unwrap();
    flipped(&trained.join("checkpoints").join(name), 5, &|| {
        expect(
            &mut verify(&trained),
            1,
            &["checkpoints: ", name, "expected CRC"],
        );
        expect(
            &mut run("reproduce", &trained, &["--resume"]),
            3,
            &[name, "CRC"],
        );
    });
    // A sound checkpoint, but another's.
    let at = |name: &str| trained.join("checkpoints").join(name);
    let own = fs::read(at(name)).unwrap();
    fs::copy(at("000000018.safetensors"), at(name)).unwrap();
    let said = [name, "expected updates 9, as its name says, found 18"];
    expect(&mut verify(&trained), 1, &said);
    expect(&mut run("reproduce", &trained, &["--resume"]), 3, &said);
    fs::write(at(name), own).unwrap();
    let latest = "latest.safetensors";
    flipped(&trained.join("resume").join(latest), 5, &|| {
        expect(&mut verify(&trained), 1, &["point to go on from: ", latest]);
        expect(
            &mut run("train", &trained, &["--resume"]),
            3,
            &[latest, "CRC"],
        );
    });
}

/// Every `.npy` of the goldens, read both ways: the same bits.
#[test]
fn without_a_map_the_bits_are_the_same() {
    let goldens = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/goldens/svd");
    let dir = directory();
    let stream = dir.path().join("total");
    record(&stream);
    let files = [
        "c_f2.npy", "c_f4.npy", "c_f8.npy", "f_f2.npy", "f_f4.npy", "f_f8.npy",
    ];
    let mut paths: Vec<PathBuf> = files.iter().map(|name| goldens.join(name)).collect();
    paths.extend(["dask_axis0", "dask_axis1"].map(|name| goldens.join(name)));
    paths.push(stream.clone());
    for path in &paths {
        for time_axis in if *path == stream { 0..1 } else { 0..2 } {
            let open = |access| {
                let reading = Reading {
                    time_axis,
                    ..Reading::by(access)
                };
                Matrix::open_as(path, reading).unwrap()
            };
            let [mapped, read] = [open(Access::Map), open(Access::Read)];
            let (rows, columns) = (mapped.time_len(), mapped.param_len());
            assert_eq!((read.time_len(), read.param_len()), (rows, columns));
            for (rows, params) in [
                (0..rows, 0..columns),
                (rows / 3..rows / 2 + 1, columns / 4..columns / 2 + 1),
                (rows - 1..rows, 0..1),
            ] {
                let tile = |matrix: &Matrix| {
                    let mut tile = vec![0.0; rows.len() * params.len()];
                    matrix
                        .read_block_f64(rows.clone(), params.clone(), &mut tile)
                        .unwrap();
                    tile.iter().map(|x| x.to_bits()).collect::<Vec<u64>>()
                };
                assert_eq!(tile(&mapped), tile(&read), "{}", path.display());
            }
        }
    }
    // The commands, file by file.
    let outputs = |command: &mut dyn FnMut(&Path, &[&str])| {
        let found = [("mapped", &[][..]), ("read", &["--no-mmap"][..])].map(|(name, more)| {
            let out = dir.path().join(name);
            command(&out, more);
            let found = numbers(&out);
            fs::remove_dir_all(out).unwrap();
            found
        });
        assert!(found[0].len() >= 3, "{:?}", found[0].keys());
        assert!(found[0] == found[1]);
    };
    for path in paths {
        outputs(&mut |out, more| {
            let mut command = gouda(&["svd", "--quiet", "--rank=3"]);
            expect(command.arg(&path).arg("--out").arg(out).args(more), 0, &[]);
        });
    }
    let trained = dir.path().join("trained");
    expect(&mut run("train", &trained, &[]), 0, &[]);
    outputs(&mut |out, more| {
        copy(&trained, out);
        expect(run("reproduce", out, &["--resume"]).args(more), 0, &[]);
        let mut verify = gouda(&["verify", "--quiet", "--updates=9"]);
        expect(verify.arg(out).args(more), 0, &[]);
    });
    // Named alike wherever recorded files are read.
    for command in ["svd", "reproduce", "study", "verify"] {
        let help = expect(&mut gouda(&[command, "--help"]), 0, &[]);
        let help = String::from_utf8(help.stdout).unwrap();
        assert!(
            help.contains("--no-mmap") && help.contains("SIGBUS"),
            "{command}"
        );
    }
}

/// The arrays that a command left, and what it says of components.
fn numbers(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(
                numbers(&path)
                    .into_iter()
                    .map(|(name, bytes)| (Path::new(path.file_name().unwrap()).join(name), bytes)),
            );
        } else if path.extension().is_some_and(|e| e == "npy") || name(&path) == "components.json" {
            found.insert(path.file_name().unwrap().into(), fs::read(&path).unwrap());
        }
    }
    found
}

/// With a map it would be SIGBUS, which nothing can catch: see `--no-mmap`.
#[test]
fn a_matrix_cut_between_opening_and_reading_is_an_error_that_names_the_file() {
    let dir = directory();
    let stream = dir.path().join("total");
    record(&stream);
    let shard = stream.join("shard-00000.npy");
    let whole = fs::read(&shard).unwrap();
    for len in [whole.len() - 1, whole.len() / 2, 128, 0] {
        let matrix = Matrix::open_as(&stream, Reading::by(Access::Read)).unwrap();
        fs::File::options()
            .write(true)
            .open(&shard)
            .unwrap()
            .set_len(len as u64)
            .unwrap();
        let refused = |error: String| {
            assert!(
                error.starts_with("cannot read ") && error.contains("shard-00000.npy"),
                "{error}"
            );
            assert!(error.contains("bytes and now ends before byte"), "{error}");
        };
        refused(matrix.verify().unwrap_err().to_string());
        let options = svd::Options::with_rank(3);
        let outcome = svd::decompose(&matrix, &options, None, &mut |_| true);
        refused(outcome.unwrap_err().to_string());
        fs::write(&shard, &whole).unwrap();
    }
}

#[cfg(unix)]
#[test]
fn a_file_cut_while_the_program_reads_it_ends_it_with_4() {
    use std::io::{BufRead, BufReader};
    let dir = directory();
    let path = dir.path().join("noise.npy");
    let (rows, columns) = (1500, 20_000);
    let mut state = 1u32;
    let mut draw = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as f32 - (1 << 23) as f32
    };
    let values: Vec<f32> = (0..rows * columns).map(|_| draw()).collect();
    npy::write_f32(&path, &[rows, columns], &values).unwrap();
    let out = dir.path().join("svd");
    let mut command = gouda(&[
        "svd",
        "--no-mmap",
        "--tolerance=3e-7",
        "--rank=24",
        "--method=krylov",
    ]);
    let command = command.arg(&path).arg("--out").arg(&out);
    let mut child = command
        .stderr(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    // Said when the readings begin.
    let began = lines
        .by_ref()
        .any(|line| line.unwrap().starts_with("SVD, MB: "));
    assert!(began);
    let file = fs::File::options().write(true).open(&path).unwrap();
    file.set_len(50_000_000).unwrap();
    let last = lines.map(Result::unwrap).last().unwrap_or_default();
    assert_eq!(child.wait().unwrap().code(), Some(4), "{last}");
    assert!(
        last.contains("noise.npy: it had") && last.contains("now ends before"),
        "{last}"
    );
    assert!(!out.join("certificate.json").exists());
}

/// All that a run has sealed is sound.
fn assert_sealed(run: &Path, config: &Config) -> usize {
    let mut sealed = 0;
    let dir = RunDir::look(run).unwrap();
    let layout = layout(config);
    if dir.checkpoints().exists() {
        for (_, path) in checkpoints(&dir.checkpoints()).unwrap() {
            load_checkpoint(&path, &layout).unwrap();
            sealed += 1;
        }
    }
    for name in ["latest", "middle"] {
        let path = run.join(format!("resume/{name}.safetensors"));
        if path.exists() {
            Point::load(&path, config, layout.len()).unwrap();
            sealed += 1;
        }
    }
    for stream in gouda::experiment::streams::names(config) {
        let stream = dir.gradients().join(stream);
        if stream.join("manifest.json").exists() {
            Matrix::open(&stream).unwrap().verify().unwrap();
            Manifest::load(&stream).unwrap();
            sealed += 1;
        }
    }
    sealed
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_loses_nothing_sealed_and_resumes_when_there_is_room() {
    let Some(disk) = Mount::tmpfs(1 << 20) else {
        return;
    };
    let dir = directory();
    let more = [
        "--set=record.every=update",
        "--resume-every=0",
        "--threads=2",
    ];
    let whole = dir.path().join("whole");
    expect(&mut run("train", &whole, &more), 0, &[]);
    let outputs = |run: &Path| {
        RunManifest::load(&run.join("manifest.json"))
            .unwrap()
            .outputs
    };
    let expected = outputs(&whole);
    let config = config(&["record.every=update"]);
    let (mut tried, mut full, mut sealed) = (0, 0, 0);
    let step = if is_long() { 4 } else { 24 };
    let out = disk.path().join("run");
    for kib in (8..).step_by(step) {
        disk.grow(kib << 10);
        let output = run("train", &out, &more).output().unwrap();
        tried += 1;
        if output.status.success() {
            break;
        }
        full += 1;
        let text = stderr(&output);
        assert_eq!(output.status.code(), Some(4), "{kib} KiB: {text}");
        let named = text.contains(disk.path().to_str().unwrap());
        assert!(named && text.contains("No space left"), "{kib} KiB: {text}");
        if out.exists() {
            sealed += assert_sealed(&out, &config);
            // Once more on the full disk, and then with room.
            let again = run("train", &out, &[&more[..], &["--resume"]].concat())
                .output()
                .unwrap();
            assert!(
                matches!(again.status.code(), Some(0 | 4)),
                "{}",
                stderr(&again)
            );
            disk.grow(16 << 20);
            expect(
                &mut run("train", &out, &[&more[..], &["--resume"]].concat()),
                0,
                &[],
            );
            assert!(outputs(&out) == expected, "{kib} KiB");
            fs::remove_dir_all(&out).unwrap();
        }
    }
    assert!(full >= 5 && sealed > 5, "{full} {sealed}");

    // A decomposition leaves nothing behind that would be in its own way.
    disk.grow(16 << 20);
    let _ = fs::remove_dir_all(&out);
    let to = disk.path().join("svd");
    let filler = disk.path().join("filler");
    let total = whole.join("gradients/total");
    let mut svd = gouda(&["svd", "--quiet", "--rank=3", "--out"]);
    svd.arg(&to).arg(&total);
    for free in [0usize, 4, 8, 12] {
        fs::create_dir_all(&to).unwrap();
        fill(&filler, free << 10);
        expect(
            &mut svd,
            4,
            &["cannot write", to.to_str().unwrap(), "No space left"],
        );
        fs::remove_file(&filler).unwrap();
        tried += 1;
    }
    expect(&mut svd, 0, &[]);

    // A report leaves the one before.
    copy(&whole, &out);
    expect(
        &mut run("reproduce", &out, &[&more[..], &["--resume"]].concat()),
        0,
        &[],
    );
    let page = fs::read(out.join("report.html")).unwrap();
    let mut report = gouda(&["report"]);
    report.arg(&out);
    fill(&filler, 8 << 10);
    expect(
        &mut report,
        4,
        &["cannot write", "report.html", "No space left"],
    );
    fs::remove_file(&filler).unwrap();
    assert!(fs::read(out.join("report.html")).unwrap() == page);
    expect(&mut report, 0, &[]);
    tried += 1;
    println!(
        "reliability: disk full | {tried} | {} ended with 4 and the file named, {full} resumed to the same \
         bytes, 0 lost",
        tried - 1
    );
}

/// Fills the disk that `filler` lies on but for so many bytes.
fn fill(filler: &Path, free: usize) {
    use std::io::Write;
    let mut file = fs::File::create(filler).unwrap();
    while file.write_all(&[0; 4096]).is_ok() {}
    let len = file.metadata().unwrap().len();
    file.set_len(len - free as u64).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn output_on_a_full_device_ends_with_4_and_leaves_the_files() {
    let dir = directory();
    let full = || Stdio::from(fs::File::options().write(true).open("/dev/full").unwrap());
    let out = dir.path().join("run");
    let said = ["cannot write the output: No space left"];
    expect(run("train", &out, &["--json"]).stdout(full()), 4, &said);
    assert!(out.join("manifest.json").exists());
    let to = dir.path().join("svd");
    let mut svd = gouda(&["svd", "--quiet", "--rank=2", "--out"]);
    svd.arg(&to).arg(out.join("gradients/total"));
    expect(svd.stdout(full()), 4, &said);
    svd::output::load(&to).unwrap();
    expect(&mut run("reproduce", &out, &["--resume"]), 0, &[]);
    fs::remove_file(out.join("report.html")).unwrap();
    expect(gouda(&["report"]).arg(&out).stdout(full()), 4, &said);
    assert!(out.join("report.html").exists());
}
