//! Files of every format that this program ever wrote (`data/fixtures/old`): each is read to the values
//! it held, or refused by name. The expected values were computed apart from this program.

mod small;

use std::path::{Path, PathBuf};

use gouda::experiment::checkpoint::{checkpoints, load_checkpoint};
use gouda::experiment::config::Preset;
use gouda::experiment::metrics::Line;
use gouda::experiment::resolve::resolve;
use gouda::experiment::resume::{Point, latest, middle};
use gouda::findings::{Calibration, Curves, Findings, Frozen};
use gouda::gradients::{Dense, Manifest, Matrix, Sketch};
use gouda::locate::Component;
use gouda::nn::Layout;
use gouda::storage::manifest::read_json;
use gouda::storage::{RunDir, RunManifest, checksum, lines, read_text, tensors};
use gouda::svd;
use small::{copy, directory, expect, gouda};

/// What a folder of the fixtures holds.
struct Old {
    folder: &'static str,
    /// Of the manifest of the run.
    run: u32,
    /// Of the manifests of streams.
    version: u32,
    /// Of `gradients/total`.
    gradients: u32,
    /// An entry of its last row.
    entry: f32,
    /// Of the tensors of the last checkpoint.
    parameters: u32,
    has_sketch: bool,
    sigma: Option<[f64; 2]>,
    streams: &'static [&'static str],
    /// What a point to resume from is refused for; none where it is read.
    point: Option<&'static str>,
    /// What curves are refused for; none where they and metrics are read.
    curves: Option<&'static str>,
    /// What `train --resume` is refused for; none where it goes on.
    resume: Option<&'static str>,
}

const PARTS: [&str; 6] = ["total", "update", "before", "inside", "value", "entropy"];
/// Curves of a time when rates were played, or not yet by direction.
const PLAYED: &str =
    "curves.json: expected the curves of a run of this release, found those of an earlier one";
const SETTINGS: &str = "config.toml: expected the settings of a run of this release";
const SIGMA: [f64; 2] = [12.016865717291314, 1.7184234671550092];

fn all() -> [Old; 8] {
    let fourth = Old {
        folder: "4",
        run: 2,
        version: 2,
        gradients: 0xc869_79cb,
        entry: 0.002_169_750_6,
        parameters: 0x4f15_025a,
        has_sketch: true,
        sigma: Some(SIGMA),
        streams: &PARTS,
        point: Some("expected version 3 of points to resume from, found version 2"),
        curves: Some(PLAYED),
        resume: Some(SETTINGS),
    };
    [
        Old {
            folder: "0",
            run: 1,
            version: 1,
            gradients: 0xd629_0ac4,
            parameters: 0xac30_1c82,
            has_sketch: false,
            sigma: None,
            streams: &PARTS[..2],
            point: Some("cannot read"),
            ..fourth
        },
        Old {
            folder: "1",
            run: 1,
            version: 1,
            streams: &PARTS[..2],
            point: Some("expected version 3 of points to resume from, found version 1"),
            ..fourth
        },
        Old {
            folder: "2",
            run: 1,
            version: 1,
            ..fourth
        },
        Old {
            folder: "3",
            run: 1,
            ..fourth
        },
        Old {
            folder: "5",
            ..fourth
        },
        Old {
            folder: "6",
            // Of the settings of then: `ppo.routing` among them.
            point: Some("expected the settings of config.toml as the run began with them"),
            curves: None,
            ..fourth
        },
        Old {
            folder: "7",
            point: None,
            curves: None,
            resume: None,
            ..fourth
        },
        fourth,
    ]
}

fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fixtures/old")
}

fn layout(run: &RunDir) -> Layout {
    Manifest::load(&run.gradients().join("total"))
        .unwrap()
        .layout
}

#[test]
fn every_old_file_is_read_to_its_values_or_refused_by_name() {
    let (mut read, mut refused) = (0, 0);
    for old in all() {
        let folder = fixtures().join(old.folder);
        let run = RunDir::look(&folder.join("run")).unwrap();
        let name = old.folder;

        // The manifest of the run, and every file that it names.
        let manifest = RunManifest::load(&run.manifest()).unwrap();
        manifest.verify(run.path()).unwrap();
        assert_eq!(manifest.version, old.run, "{name}");
        assert_eq!(
            (manifest.seed, &manifest.command[..2]),
            (0, &["gouda".into(), "train".into()][..])
        );
        read += 1;

        // Streams: manifest, shards, sketch.
        for stream in old.streams {
            let matrix = Matrix::open(&run.gradients().join(stream)).unwrap();
            matrix.verify().unwrap();
            assert_eq!(matrix.manifest().unwrap().version, old.version, "{name}");
            let sketch = Sketch::of(&matrix).unwrap();
            assert_eq!(sketch.is_some(), old.has_sketch, "{name}");
            read += 2 + usize::from(old.has_sketch);
        }
        let total = Matrix::open(&run.gradients().join("total")).unwrap();
        let manifest = total.manifest().unwrap();
        assert_eq!(
            (manifest.shape, manifest.checksum),
            ((4, 65), old.gradients),
            "{name}"
        );
        assert_eq!(manifest.rows.learning_rate, [1e-3, 1e-3, 5e-4, 5e-4]);
        assert_eq!(manifest.rows.last_update, [2, 5, 8, 11]);
        assert_eq!(
            Dense::from_matrix(&total).unwrap().row(3)[10],
            old.entry,
            "{name}"
        );

        // Checkpoints.
        let layout = layout(&run);
        let found = checkpoints(&run.checkpoints()).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|(updates, _)| *updates)
                .collect::<Vec<_>>(),
            [0, 6, 12]
        );
        for (_, path) in &found {
            load_checkpoint(path, &layout).unwrap();
            read += 1;
        }
        let parameters = load_checkpoint(&found[2].1, &layout).unwrap();
        assert_eq!(checksum::of_f32s(&parameters), old.parameters, "{name}");

        // Points to resume from.
        let command = read_text(&run.command()).unwrap();
        let words: Vec<&str> = command.split_whitespace().collect();
        let sets = words.windows(2).filter(|pair| pair[0] == "--set");
        // What had this name before is there no more.
        let sets = sets.filter(|pair| !pair[1].starts_with("ablate.controls="));
        let sets: Vec<String> = sets.map(|pair| pair[1].to_owned()).collect();
        let own = read_text(&folder.join("run/config.toml")).unwrap();
        let settings = match old.resume {
            // Settings of another release: those of its command line in this one.
            Some(_) => resolve(Preset::Quick, None, &sets, None).unwrap().config,
            None => toml::from_str(&own).unwrap(),
        };
        for (path, updates) in [(latest(&run), 12), (middle(&run), 6)] {
            match old.point {
                None => {
                    let point = Point::load(&path, &settings, layout.len()).unwrap();
                    assert_eq!(point.trainer.updates, updates, "{name}");
                    assert_eq!(point.trainer.params.len(), 65);
                    read += 1;
                }
                Some(words) => {
                    let point = Point::load(&path, &settings, layout.len());
                    let text = point.unwrap_err().to_string();
                    assert!(
                        text.contains(words) && text.contains(".safetensors"),
                        "{text}"
                    );
                    refused += usize::from(path.exists());
                }
            }
        }

        // Curves and metrics.
        let curves = Curves::load(&run.curves(), &layout);
        let metrics = lines::read::<Line>(&run.metrics());
        match old.curves {
            None => {
                let (curves, metrics) = (curves.unwrap(), metrics.unwrap());
                assert_eq!(curves.frames, [0, 64, 128]);
                let p_cheese = curves.p_cheese[1].value;
                assert!(
                    (p_cheese - 0.248_926_778_459_636_95).abs() < 1e-8,
                    "{p_cheese}"
                );
                assert_eq!(metrics.len(), 5);
                let Line::Iteration(line) = &metrics[1] else {
                    panic!("{metrics:?}");
                };
                assert_eq!((line.update, line.episodes), (5, 4));
                assert_eq!(line.policy_loss, -0.001_624_595_844_077_703);
                read += 2;
            }
            Some(words) => {
                let curves = curves.unwrap_err().to_string();
                assert!(curves.contains(words), "{curves}");
                let metrics = metrics.unwrap_err().to_string();
                let words = "metrics.jsonl: expected a record in line 1";
                assert!(metrics.contains(words), "{metrics}");
                refused += 2;
            }
        }

        // Decompositions.
        let svd = folder.join("svd");
        match (svd::output::load(&svd), old.sigma) {
            (Ok(found), Some(sigma)) => {
                assert_eq!(
                    (found.s.as_slice(), found.time_len, found.param_len),
                    (&sigma[..], 4, 65)
                );
                expect(gouda(&["verify", "--quiet"]).arg(&svd), 0, &[]);
                read += 4;
            }
            (Err(error), None) => {
                let text = error.to_string();
                assert!(
                    text.contains("certificate.json: expected the certificate"),
                    "{text}"
                );
                refused += 1;
            }
            (found, _) => panic!("{name}: {found:?}"),
        }

        // The program itself: the matrix is decomposed, and the run gone on with from half-way.
        let dir = directory();
        let out = dir.path().join("svd");
        let mut command = gouda(&["svd", "--quiet", "--rank=2", "--out"]);
        expect(command.arg(&out).arg(run.gradients().join("total")), 0, &[]);
        let out = dir.path().join("run");
        copy(run.path(), &out);
        let half = RunDir::look(&out).unwrap();
        for done in [half.manifest(), half.curves()] {
            std::fs::remove_file(done).unwrap();
        }
        if middle(&half).exists() {
            std::fs::rename(middle(&half), latest(&half)).unwrap();
        }
        let mut train = gouda(&["train", "--quiet", "--resume", "--out"]);
        match old.resume {
            Some(words) => {
                expect(train.arg(&out), 3, &[words]);
                refused += 1;
            }
            None => {
                expect(train.arg(&out), 0, &[]);
                let total = Matrix::open(&half.gradients().join("total")).unwrap();
                total.verify().unwrap();
                // What follows the old rows has the bits of today's training.
                assert_eq!(total.manifest().unwrap().rows.last_update, [2, 5, 8, 11]);
            }
        }
    }

    // Results.
    let report = |file: &Path, name: &str, code: i32, words: &[&str]| {
        let dir = directory();
        std::fs::copy(file, dir.path().join(name)).unwrap();
        expect(gouda(&["report"]).arg(dir.path()), code, words);
        std::fs::read_to_string(dir.path().join("report.html")).unwrap_or_default()
    };
    let words = [
        "results.json: expected the results of a run of this release, found those of an earlier one",
    ];
    for old in ["0/results.json", "2/results.json", "6/results.json"] {
        report(&fixtures().join(old), "results.json", 3, &words);
        refused += 1;
    }
    let words = [
        "study.json: expected the results of a study of this release, found those of an earlier one",
    ];
    report(&fixtures().join("6/study.json"), "study.json", 3, &words);
    refused += 1;
    let results = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/results");
    let page = report(&results.join("quick-seed0.json"), "results.json", 0, &[]);
    assert!(page.contains("25330b3d"));
    read += 1;
    let study = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/fixtures/study.json");
    let page = report(&study, "study.json", 0, &[]);
    assert!(page.contains("caa735bd86395e49"));
    read += 1;

    // What a study keeps of a seed.
    let second = |name: &str| fixtures().join("2").join(name);
    let kept = |name: &str| {
        let kept: serde_json::Value = read_json(&second(name), "a stage").unwrap();
        assert_eq!(kept["analysis"], 1);
        kept["found"].clone()
    };
    // Those of an older analysis are found anew; their forms are others.
    assert!(serde_json::from_value::<Findings>(kept("findings.json")).is_err());
    assert!(serde_json::from_value::<Calibration>(kept("calibration.json")).is_err());
    refused += 2;
    let frozen: Vec<Frozen> = read_json(&second("frozen.json"), "choices").unwrap();
    assert_eq!((frozen.len(), frozen[0].margin), (2, -0.5));
    let components: Vec<Component> = read_json(&second("components.json"), "components").unwrap();
    assert_eq!((components.len(), components[0].sigma), (2, SIGMA[0]));
    read += 2;
    println!(
        "reliability: old files | {} | {read} read to their values, {refused} refused by name",
        read + refused
    );
}

#[test]
fn files_of_a_later_version_are_refused_by_name_and_version() {
    let dir = directory();
    let out = dir.path().join("run");
    copy(&fixtures().join("7/run"), &out);
    let run = RunDir::look(&out).unwrap();
    let manifest = run.gradients().join("total/manifest.json");
    let text = read_text(&manifest).unwrap();
    let later = text.replace("\"version\":2", "\"version\":3");
    assert_ne!(later, text);
    std::fs::write(&manifest, later).unwrap();
    let to = dir.path().join("svd");
    let mut svd = gouda(&["svd", "--out"]);
    let words = [
        "manifest.json: expected format \"gouda gradient matrix\" version 2 (or 1), found",
        "version 3",
    ];
    expect(svd.arg(&to).arg(run.gradients().join("total")), 3, &words);
    std::fs::write(&manifest, text).unwrap();

    let resave = |path: &Path, key: &str, from: &str, to: &str| {
        let bytes = std::fs::read(path).unwrap();
        let file = safetensors::SafeTensors::deserialize(&bytes).unwrap();
        let mut metadata = tensors::metadata(path).unwrap();
        metadata.remove(tensors::CHECKSUM);
        let value = metadata.get_mut(key).unwrap();
        assert!(value.contains(from), "{value}");
        *value = value.replace(from, to);
        let mut names = file.names();
        names.sort_by_key(|name| file.tensor(name).unwrap().data().as_ptr());
        let owned: Vec<(String, Vec<usize>, Vec<f32>)> = names
            .into_iter()
            .map(|name| {
                let tensor = file.tensor(name).unwrap();
                let (numbers, _) = tensor.data().as_chunks::<4>();
                let values = numbers.iter().map(|b| f32::from_le_bytes(*b)).collect();
                (name.to_owned(), tensor.shape().to_vec(), values)
            })
            .collect();
        let parts: Vec<tensors::Tensor<'_>> = owned
            .iter()
            .map(|(name, shape, values)| tensors::Tensor {
                name,
                shape,
                values,
            })
            .collect();
        tensors::save(path, &parts, &metadata).unwrap();
    };
    let checkpoint = run.checkpoints().join("000000006.safetensors");
    resave(&checkpoint, "gouda", "version 2", "version 3");
    let mut reproduce = gouda(&["reproduce", "--quiet", "--resume", "--out"]);
    let words =
        ["000000006.safetensors: expected a checkpoint version 2, found checkpoint version 3"];
    expect(reproduce.arg(&out), 3, &words);
    resave(&latest(&run), "state", "\"version\":3", "\"version\":4");
    let mut train = gouda(&["train", "--quiet", "--resume", "--out"]);
    std::fs::remove_file(run.manifest()).unwrap();
    let words =
        ["latest.safetensors: expected version 3 of points to resume from, found version 4"];
    expect(train.arg(&out), 3, &words);
}
