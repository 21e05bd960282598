//! No reader takes memory for a size that a file only announces. Every number in every file that the
//! program reads is put up to 2^31 .. 2^64 - 1 in its turn, the headers of binary files likewise, and
//! an allocator that counts says how much was asked for: at most a few lengths of the file and a
//! constant ([`bound`]).

mod common;

use std::alloc::{GlobalAlloc, Layout as Memory, System};
use std::error::Error;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gouda::experiment::config::{Config, Preset};
use gouda::experiment::metrics::Line;
use gouda::experiment::resolve::resolve;
use gouda::experiment::resume::{self, Point, latest};
use gouda::experiment::train::train;
use gouda::experiment::{Silent, checkpoint};
use gouda::gradients::{Matrix, Reading, Recorder, Scaled, Sketch, non_finite_len};
use gouda::maze::Level;
use gouda::nn::Layout;
use gouda::storage::{GrowingNpy, Lines, RunDir, RunManifest, lines, npy, run_dir, tensors};
use gouda::svd;

/// Counts what is asked of the system's allocator, by all threads.
struct Counting;

static LARGEST: AtomicUsize = AtomicUsize::new(0);
static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

/// What is larger than this is refused, so that a reader that fails the test does not take the
/// machine with it.
const REFUSED: usize = 4 << 30;

fn took(bytes: usize) {
    LARGEST.fetch_max(bytes, Ordering::Relaxed);
    let live = LIVE.fetch_add(bytes, Ordering::Relaxed) + bytes;
    PEAK.fetch_max(live, Ordering::Relaxed);
}

// SAFETY: every call is passed on to the system's allocator as it came, or refused with null, which
// the trait allows.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, memory: Memory) -> *mut u8 {
        took(memory.size());
        if memory.size() > REFUSED {
            return std::ptr::null_mut();
        }
        // SAFETY: as the caller promised for this function.
        unsafe { System.alloc(memory) }
    }

    unsafe fn alloc_zeroed(&self, memory: Memory) -> *mut u8 {
        took(memory.size());
        if memory.size() > REFUSED {
            return std::ptr::null_mut();
        }
        // SAFETY: as the caller promised for this function.
        unsafe { System.alloc_zeroed(memory) }
    }

    unsafe fn realloc(&self, at: *mut u8, memory: Memory, len: usize) -> *mut u8 {
        LIVE.fetch_sub(memory.size(), Ordering::Relaxed);
        took(len);
        if len > REFUSED {
            return std::ptr::null_mut();
        }
        // SAFETY: as the caller promised for this function.
        unsafe { System.realloc(at, memory, len) }
    }

    unsafe fn dealloc(&self, at: *mut u8, memory: Memory) {
        LIVE.fetch_sub(memory.size(), Ordering::Relaxed);
        // SAFETY: as the caller promised for this function.
        unsafe { System.dealloc(at, memory) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most that reading files of `bytes` bytes may ask for: at once, and in all.
fn bound(bytes: u64) -> (usize, usize) {
    let bytes = bytes as usize;
    (4 * bytes + (2 << 20), 16 * bytes + (4 << 20))
}

/// Sizes that nothing has.
const SIZES: [&str; 7] = [
    "2147483648",
    "4294967296",
    "1099511627776",
    "1152921504606846976",
    "4611686018427387904",
    "9223372036854775807",
    "18446744073709551615",
];

/// How many readings were made, and how many of them were refused.
#[derive(Default)]
struct Count {
    tried: usize,
    refused: usize,
    worst: usize,
}

impl Count {
    /// Reads what is `what`, whose files are of `bytes` bytes.
    fn read<T, E>(&mut self, what: &str, bytes: u64, job: impl FnOnce() -> Result<T, E>) {
        let before = LIVE.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        LARGEST.store(0, Ordering::Relaxed);
        let begun = Instant::now();
        let refused = job().is_err();
        let took = begun.elapsed();
        let largest = LARGEST.load(Ordering::Relaxed);
        let peak = PEAK.load(Ordering::Relaxed).saturating_sub(before);
        let (most, most_in_all) = bound(bytes);
        assert!(
            largest <= most,
            "{what}: {largest} bytes at once, {most} allowed"
        );
        assert!(
            peak <= most_in_all,
            "{what}: {peak} bytes in all, {most_in_all} allowed"
        );
        assert!(took < Duration::from_secs(10), "{what}: {took:?}");
        self.tried += 1;
        self.refused += usize::from(refused);
        self.worst = self.worst.max(peak);
    }
}

fn bytes_of(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).unwrap();
    entries
        .map(|entry| entry.unwrap().metadata().unwrap().len())
        .sum()
}

/// Where the numbers of a JSON text are, those inside of its strings aside.
fn numbers(text: &str) -> Vec<(usize, usize)> {
    let (mut found, mut begun, mut quoted, mut escaped) = (Vec::new(), None, false, false);
    for (at, byte) in text.bytes().enumerate() {
        let is_number = !quoted && (byte.is_ascii_digit() || b"+-.eE".contains(&byte));
        match begun {
            None if is_number && (byte.is_ascii_digit() || byte == b'-') => begun = Some(at),
            Some(start) if !is_number => {
                found.push((start, at));
                begun = None;
            }
            _ => {}
        }
        if byte == b'"' && !escaped {
            quoted = !quoted;
        }
        escaped = byte == b'\\' && !escaped;
    }
    found
}

/// The text with each of its numbers, in its turn, put up to every size.
fn put_up(text: &str) -> Vec<String> {
    let places = numbers(text);
    let step = if common::is_long() {
        1
    } else {
        1 + places.len() / 20
    };
    let chosen = places.into_iter().step_by(step);
    chosen
        .flat_map(|(start, end)| SIZES.map(|size| [&text[..start], size, &text[end..]].concat()))
        .collect()
}

fn config() -> Config {
    let sets = common::TINY
        .iter()
        .chain(&["record.checkpoints=3", "record.curve_points=3"]);
    let sets: Vec<String> = sets.map(ToString::to_string).collect();
    resolve(Preset::Quick, None, &sets, Some(3)).unwrap().config
}

#[test]
fn announced_sizes_are_not_allocated() {
    let dir = tempfile::tempdir().unwrap();
    let mut count = Count::default();
    matrices(dir.path(), &mut count);
    safetensors(dir.path(), &mut count);
    texts(dir.path(), &mut count);
    decompositions(dir.path(), &mut count);
    run(&dir.path().join("run"), &mut count);
    let Count {
        tried,
        refused,
        worst,
    } = count;
    println!(
        "reliability: announced sizes | {tried} | {refused} refused, {} read as what they are, at most \
         {:.1} MB taken",
        tried - refused,
        worst as f64 / 1e6
    );
}

fn npy_of(shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}\n");
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

fn matrices(dir: &Path, count: &mut Count) {
    let path = dir.join("m.npy");
    let mut files = Vec::new();
    for size in SIZES {
        for shape in [
            "(N,)",
            "(N, 1)",
            "(1, N)",
            "(N, N)",
            "(0, N)",
            "(N, 0)",
            "(N, 2, N)",
        ] {
            let shape = shape.replace('N', size);
            files.push((format!("shape {shape}"), npy_of(&shape, &[])));
            files.push((
                format!("shape {shape} and 8 bytes"),
                npy_of(&shape, &[0; 8]),
            ));
        }
        let len: u64 = size.parse().unwrap();
        for version in [1, 2, 3] {
            let mut bytes = b"\x93NUMPY".to_vec();
            bytes.extend([version, 0]);
            bytes.extend(len.to_le_bytes());
            files.push((format!("header of {size}"), bytes));
        }
    }
    for (what, bytes) in files {
        std::fs::write(&path, &bytes).unwrap();
        let len = bytes.len() as u64;
        count.read(&what, len, || npy::read_f32(&path));
        count.read(&what, len, || npy::read_f64(&path));
        count.read(&what, len, || npy::read_header(&path));
        for time_axis in [0, 1] {
            let reading = Reading {
                time_axis,
                mask: true,
                ..Reading::default()
            };
            count.read(&what, len, || -> Result<_, Box<dyn Error>> {
                let matrix = Matrix::open_as(&path, reading)?;
                non_finite_len(&matrix, &matrix)?;
                matrix.verify()?;
                let unit = Scaled::unit_norm(&matrix)?;
                let options = svd::Options::with_rank(4);
                Ok(svd::truncated(&unit, &options, &mut |_| {})?)
            });
        }
    }
    // A file that grows: the rows that a point to resume from counts, and the width of settings.
    let growing = dir.join("g.npy");
    drop(GrowingNpy::create(&growing, 3).unwrap());
    for size in SIZES {
        let size: u64 = size.parse().unwrap();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        count.read("rows of a growing file", 128, || {
            GrowingNpy::resume(&growing, 3, size)
        });
        count.read("columns of a growing file", 128, || {
            GrowingNpy::resume(&growing, size, 1)
        });
    }
}

fn header(text: &str) -> Vec<u8> {
    let len = (text.len() as u64).to_le_bytes();
    [&len[..], text.as_bytes(), &[0; 24]].concat()
}

fn safetensors(dir: &Path, count: &mut Count) {
    let path = dir.join("c.safetensors");
    let sound = "{\"w\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[0,24]}}  ";
    let mut files: Vec<Vec<u8>> = put_up(sound).iter().map(|text| header(text)).collect();
    for size in SIZES {
        let len: u64 = size.parse().unwrap();
        files.push([&len.to_le_bytes()[..], sound.as_bytes(), &[0; 24]].concat());
    }
    for bytes in files {
        std::fs::write(&path, &bytes).unwrap();
        let len = bytes.len() as u64;
        let what = String::from_utf8_lossy(&bytes).into_owned();
        let expected = [("w".to_owned(), vec![2, 3])];
        count.read(&what, len, || tensors::load(&path, &expected));
        count.read(&what, len, || tensors::metadata(&path));
    }
}

/// Level texts, settings, lines.
fn texts(dir: &Path, count: &mut Count) {
    for side in [0, 4, 33, 100_000] {
        let text = format!("{}\n", "#".repeat(side.min(1000))).repeat(side);
        count.read("level", text.len() as u64, || Level::from_text(&text));
    }
    let keys = resolve(Preset::Quick, None, &[], None).unwrap().entries;
    for (key, (value, _)) in keys {
        if value.is_integer() || value.is_float() {
            for size in SIZES {
                let set = format!("{key}={size}");
                count.read(&set, 0, || {
                    resolve(Preset::Quick, None, std::slice::from_ref(&set), None)
                });
            }
        }
    }
    let path = dir.join("m.jsonl");
    std::fs::write(&path, "1\n2\n").unwrap();
    for size in SIZES {
        let size: u64 = size.parse().unwrap();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        count.read("lines", 4, || Lines::resume(&path, size));
    }
}

/// U, S, V and their certificate.
fn decompositions(dir: &Path, count: &mut Count) {
    let dir = dir.join("svd");
    std::fs::create_dir(&dir).unwrap();
    let values: Vec<f32> = (0..60).map(|i| (i as f32 * 0.7).sin()).collect();
    let matrix = gouda::gradients::Dense::new(6, 10, values).unwrap();
    let found = svd::truncated(&matrix, &svd::Options::with_rank(3), &mut |_| {}).unwrap();
    svd::output::save(&dir, &found).unwrap();
    let path = dir.join("certificate.json");
    let sound = std::fs::read_to_string(&path).unwrap();
    let bytes = bytes_of(&dir);
    for text in put_up(&sound) {
        std::fs::write(&path, &text).unwrap();
        count.read("certificate.json", bytes, || svd::output::load(&dir));
    }
    std::fs::write(&path, &sound).unwrap();
    for size in SIZES {
        let shape = format!("({size}, 0)");
        std::fs::write(dir.join("U.npy"), npy_of(&shape, &[])).unwrap();
        count.read("U.npy", bytes, || svd::output::load(&dir));
    }
}

/// Every file of a run.
fn run(path: &Path, count: &mut Count) {
    let config = config();
    let run = RunDir::create(path).unwrap();
    train(&config, &run, Duration::ZERO, &mut Silent).unwrap();
    let total = run.gradients().join("total");
    let layout = gouda::gradients::Manifest::load(&total).unwrap().layout;

    changed(&total.join("manifest.json"), |what| {
        count.read(what, bytes_of(&total), || {
            let matrix = Matrix::recorded(&total, gouda::storage::Access::Map)?;
            Sketch::of(&matrix)?;
            matrix.verify()?;
            Scaled::unit_norm(&matrix).map(drop)
        });
    });
    changed(&run.metrics(), |what| {
        let bytes = std::fs::metadata(run.metrics()).unwrap().len();
        count.read(what, bytes, || lines::read::<Line>(&run.metrics()));
    });
    changed(&run.curves(), |what| {
        let bytes = std::fs::metadata(run.curves()).unwrap().len();
        count.read(what, bytes + bytes_of(&run.resume_points()), || {
            train(&config, &run, Duration::ZERO, &mut Silent)
        });
    });
    let mut manifest = RunManifest::new(3, 1, vec!["gouda".into()]);
    manifest.add_output(run.path(), "curves.json").unwrap();
    manifest.save(&run.manifest()).unwrap();
    changed(&run.manifest(), |what| {
        count.read(what, bytes_of(run.path()), || {
            RunManifest::load(&run.manifest())?.verify(run.path())
        });
    });
    points(&run, &config, &layout, count);
    checkpoints(&run, &layout, count);
    recordings(&total, &layout, count);
}

/// Calls `read` with each number of the file put up, and leaves the file as it was.
fn changed(path: &Path, mut read: impl FnMut(&str)) {
    let sound = std::fs::read_to_string(path).unwrap();
    for text in put_up(&sound) {
        std::fs::write(path, &text).unwrap();
        read(&path.display().to_string());
    }
    std::fs::write(path, sound).unwrap();
}

fn points(run: &RunDir, config: &Config, layout: &Layout, count: &mut Count) {
    let path = latest(run);
    let bytes = std::fs::read(&path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (text, data) = bytes[8..].split_at(len);
    let parsed: serde_json::Value = serde_json::from_slice(text).unwrap();
    let state = parsed["__metadata__"]["state"].as_str().unwrap();
    let point = resume::latest(run);
    let read = |text: &str, count: &mut Count| {
        let header = (text.len() as u64).to_le_bytes();
        let bytes = [&header[..], text.as_bytes(), data].concat();
        std::fs::write(&point, &bytes).unwrap();
        count.read("a point", bytes.len() as u64, || {
            Point::load(&point, config, layout.len())
        });
    };
    for changed in put_up(std::str::from_utf8(text).unwrap()) {
        read(&changed, count);
    }
    for changed in put_up(state) {
        // Its checksum is right: only what it says is wrong.
        let mut sum = crc32fast::Hasher::new();
        sum.update(changed.as_bytes());
        sum.update(data);
        let mut header = parsed.clone();
        header["__metadata__"]["crc32"] = format!("{:08x}", sum.finalize()).into();
        header["__metadata__"]["state"] = changed.into();
        read(&header.to_string(), count);
    }
    std::fs::write(&path, bytes).unwrap();
}

fn checkpoints(run: &RunDir, layout: &Layout, count: &mut Count) {
    let path = checkpoint::checkpoint_path(&run.checkpoints(), 0);
    let bytes = std::fs::read(&path).unwrap();
    let len = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let (text, data) = bytes[8..].split_at(len);
    for changed in put_up(std::str::from_utf8(text).unwrap()) {
        let header = (changed.len() as u64).to_le_bytes();
        let bytes = [&header[..], changed.as_bytes(), data].concat();
        std::fs::write(&path, &bytes).unwrap();
        count.read("a checkpoint", bytes.len() as u64, || {
            checkpoint::load_checkpoint(&path, layout)
        });
    }
    std::fs::write(&path, bytes).unwrap();
}

/// A recording taken up again after more rows than there are.
fn recordings(total: &Path, layout: &Layout, count: &mut Count) {
    for size in SIZES {
        let size: u64 = size.parse().unwrap();
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let bytes = bytes_of(total);
        count.read("rows to go on after", bytes, || {
            Recorder::resume(total, layout, 5, 1 << 20, size)
        });
    }
    let left = run_dir::files_ending(total, "").unwrap();
    assert!(!left.is_empty());
}
