//! Damaged and contradicting files in the directory of a run: settings, manifest, metrics, curves,
//! checkpoints, points to resume from.

use std::path::{Path, PathBuf};

use super::harness::{Case, case, replace, replace_state, replace_value, safetensors};
#[cfg(unix)]
use super::matrices::pipe;

const RESUME: &str = "train --resume --quiet --out {run}";
const REPRODUCE: &str = "reproduce --resume --quiet --out {run}";
const VERIFY: &str = "verify {run} --quiet --updates 1";

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = settings();
    cases.extend(manifests());
    cases.extend(metrics());
    cases.extend(curves());
    cases.extend(checkpoints());
    cases.extend(points());
    cases.extend(points_that_contradict_themselves());
    cases.extend(directories());
    cases.extend(hypotheses());
    cases
}

fn of(dir: &Path, name: &str) -> PathBuf {
    dir.join("run").join(name)
}

/// Takes back the end of training, to its middle.
fn unfinish(dir: &Path) {
    for name in ["curves.json", "manifest.json"] {
        std::fs::remove_file(of(dir, name)).unwrap();
    }
    let latest = of(dir, "resume/latest.safetensors");
    std::fs::copy(of(dir, "resume/middle.safetensors"), latest).unwrap();
}

fn settings() -> Vec<Case> {
    let table: &[(&str, &str, &str, &[&str])] = &[
        (
            "no TOML",
            "[env]",
            "[env",
            &["config.toml", "expected TOML"],
        ),
        ("an unknown key", "gamma", "gama", &["config.toml", "gama"]),
        ("a missing key", "gamma = ", "# ", &["config.toml", "gamma"]),
        (
            "text for a number",
            "world = 9",
            "world = \"nine\"",
            &["config.toml", "world"],
        ),
        (
            "a value out of range",
            "num_envs = 8",
            "num_envs = 0",
            &["config.toml", "ppo.num_envs = 0"],
        ),
        (
            "2^32 frames",
            "num_envs = 8",
            "num_envs = 65536\nnum_steps = 65536\n#",
            &["config.toml"],
        ),
        (
            "a number for a table, beside a dotted key",
            "seed = 0",
            "seed = 0\nextra = 3\n\"extra.world\" = 9\n",
            &["config.toml", "extra"],
        ),
        (
            "escape sequences",
            "seed = 0",
            "\"\\u001b[2J\" = 0",
            &["config.toml"],
        ),
    ];
    let mut cases = Vec::new();
    for (what, from, to, words) in table {
        for command in [
            RESUME,
            REPRODUCE,
            VERIFY,
            "study --resume --quiet --out {run}",
        ] {
            let name = command.split(' ').next().unwrap();
            cases.push(case(
                &format!("run's settings: {what} ({name})"),
                command,
                3,
                words,
                |dir| {
                    replace(&of(dir, "config.toml"), from, to);
                },
            ));
        }
    }
    cases.push(case(
        "run's settings: not UTF-8",
        VERIFY,
        3,
        &["config.toml", "UTF-8"],
        |dir| {
            std::fs::write(of(dir, "config.toml"), b"\xff").unwrap();
        },
    ));
    cases.push(case(
        "run's settings: none",
        VERIFY,
        4,
        &["config.toml"],
        |dir| {
            std::fs::remove_file(of(dir, "config.toml")).unwrap();
        },
    ));
    #[cfg(unix)]
    cases.push(case(
        "run's settings: a pipe",
        VERIFY,
        3,
        &["config.toml", "a regular file"],
        |dir| {
            std::fs::remove_file(of(dir, "config.toml")).unwrap();
            pipe(&of(dir, "config.toml"));
        },
    ));
    cases.push(case(
        "run's settings: of another run",
        RESUME,
        3,
        &["latest.safetensors", "a point of others"],
        |dir| {
            replace(&of(dir, "config.toml"), "seed = 0", "seed = 1");
        },
    ));
    cases
}

fn manifests() -> Vec<Case> {
    let name = "\"config.toml\": {";
    let mut cases = Vec::new();
    for (what, outside) in [
        ("above", "../config.toml"),
        ("further above", "checkpoints/../../x"),
        ("from the root", "/etc/passwd"),
        ("/dev/zero", "/dev/zero"),
        ("the run itself", "."),
        ("nothing", ""),
        ("escape sequences", "../\\u001b[2J"),
    ] {
        let to = format!("\"{outside}\": {{");
        cases.push(case(
            &format!("manifest: an output that is {what}"),
            VERIFY,
            1,
            &["files inside"],
            move |dir| {
                replace(&of(dir, "manifest.json"), name, &to);
            },
        ));
    }
    #[cfg(unix)]
    for (what, target) in [("/dev/zero", "/dev/zero"), ("/etc/passwd", "/etc/passwd")] {
        cases.push(case(
            &format!("manifest: an output that is a link to {what}"),
            VERIFY,
            1,
            &["files inside", "metrics.jsonl"],
            move |dir| {
                replace(
                    &of(dir, "manifest.json"),
                    "metrics.jsonl",
                    "linked metrics.jsonl",
                );
                std::os::unix::fs::symlink(target, of(dir, "linked metrics.jsonl")).unwrap();
            },
        ));
    }
    let max = "18446744073709551615";
    let table: Vec<(&str, &str, String, i32, &[&str])> = vec![
        (
            "an output of 2^64-1 bytes",
            "\"bytes\": 5260",
            format!("\"bytes\": {max}"),
            1,
            &["000000000.safetensors", "18446744073709551615 bytes"],
        ),
        (
            "an output of 2^64 bytes",
            "\"bytes\": 5260",
            "\"bytes\": 18446744073709551616".into(),
            1,
            &["manifest.json"],
        ),
        (
            "another checksum",
            "\"crc32\": ",
            "\"crc32\": 1".into(),
            1,
            &["manifest.json"],
        ),
        (
            "an output that is not there",
            "\"curves.json\"",
            "\"curve.json\"".into(),
            1,
            &["curve.json"],
        ),
        (
            "a directory",
            "\"curves.json\"",
            "\"checkpoints\"".into(),
            1,
            &["checkpoints"],
        ),
        ("cut", "\"outputs\"", "".into(), 1, &["manifest.json"]),
    ];
    for (what, from, to, code, words) in table {
        cases.push(case(
            &format!("manifest: {what}"),
            VERIFY,
            code,
            words,
            move |dir| {
                replace(&of(dir, "manifest.json"), from, &to);
            },
        ));
    }
    cases.push(case(
        "manifest: not JSON, resumed",
        RESUME,
        3,
        &["manifest.json", "the manifest of a run"],
        |dir| {
            std::fs::write(of(dir, "manifest.json"), "{").unwrap();
        },
    ));
    cases.push(case(
        "manifest: lists 100,000 deep",
        RESUME,
        3,
        &["manifest.json", "the manifest of a run"],
        |dir| {
            std::fs::write(of(dir, "manifest.json"), "[".repeat(100_000)).unwrap();
        },
    ));
    cases.push(case(
        "a stream without a manifest",
        VERIFY,
        4,
        &["gradients/total/manifest.json"],
        |dir| {
            // Under another name its shard would pass for anyone's matrix.
            std::fs::remove_file(of(dir, "gradients/total/manifest.json")).unwrap();
            std::fs::rename(
                of(dir, "gradients/total/shard-00000.npy"),
                of(dir, "gradients/total/0.npy"),
            )
            .unwrap();
        },
    ));
    cases.push(case(
        "a stream of another run",
        VERIFY,
        3,
        &["gradients/total", "11 rows of 1113 parameters", "6 of 1113"],
        |dir| {
            for name in ["manifest.json", "shard-00000.npy", "sketch.npy"] {
                let to = of(dir, "gradients/total").join(name);
                std::fs::copy(of(dir, "gradients/before").join(name), to).unwrap();
            }
        },
    ));
    cases
}

fn metrics() -> Vec<Case> {
    let max = "18446744073709551615";
    let table: Vec<(&str, &str, String, &[&str])> = vec![
        (
            "2^64-1 levels",
            "\"levels\":16",
            format!("\"levels\":{max}"),
            &["metrics.jsonl", "16 levels in line 1"],
        ),
        (
            "no levels",
            "\"levels\":16",
            "\"levels\":0".into(),
            &["metrics.jsonl", "16 levels in line 1"],
        ),
        (
            "-1 levels",
            "\"levels\":16",
            "\"levels\":-1".into(),
            &["metrics.jsonl", "line 1"],
        ),
        (
            "a rate of 7",
            "\"corner_balanced\":{\"value\":",
            "\"corner_balanced\":{\"value\":7,\"was\":".into(),
            &["metrics.jsonl", "a mean of corner, balanced, 0 to 1"],
        ),
        (
            "an unknown rate",
            "\"corner_balanced\":{",
            "\"S8\":{".into(),
            &["metrics.jsonl", "line 1"],
        ),
        (
            "a number that is text",
            "\"frames\":128",
            "\"frames\":\"x\"".into(),
            &["metrics.jsonl", "line 2"],
        ),
        (
            "another kind of line",
            "\"kind\":\"iteration\"",
            "\"kind\":\"\\u001b[2J\"".into(),
            &["metrics.jsonl", "line 2"],
        ),
        (
            "a cut line",
            "\"frames\":128,",
            "\n".into(),
            &["metrics.jsonl", "line 2"],
        ),
        (
            "a loss of 1e999",
            "\"policy_loss\":",
            "\"policy_loss\":1e999,\"x\":".into(),
            &["metrics.jsonl", "line 2"],
        ),
    ];
    let mut cases = Vec::new();
    for (what, from, to, words) in table {
        cases.push(case(
            &format!("metrics: {what}"),
            RESUME,
            3,
            words,
            move |dir| {
                unfinish(dir);
                replace(&of(dir, "metrics.jsonl"), from, &to);
            },
        ));
    }
    cases.push(case(
        "metrics: too few lines",
        RESUME,
        3,
        &["metrics.jsonl", "8 lines", "found 1"],
        |dir| {
            unfinish(dir);
            let text = std::fs::read_to_string(of(dir, "metrics.jsonl")).unwrap();
            let first = text.split_inclusive('\n').next().unwrap();
            std::fs::write(of(dir, "metrics.jsonl"), first).unwrap();
        },
    ));
    cases.push(case(
        "metrics: no file",
        RESUME,
        4,
        &["metrics.jsonl"],
        |dir| {
            unfinish(dir);
            std::fs::remove_file(of(dir, "metrics.jsonl")).unwrap();
        },
    ));
    cases.push(case(
        "metrics: 2 GB",
        RESUME,
        3,
        &["metrics.jsonl", "at most 1073741824 bytes"],
        |dir| {
            unfinish(dir);
            let path = of(dir, "metrics.jsonl");
            std::fs::File::create(path)
                .unwrap()
                .set_len(2 << 30)
                .unwrap();
        },
    ));
    cases.push(case(
        "metrics: not JSON, verified",
        VERIFY,
        3,
        &["metrics.jsonl", "line 1"],
        |dir| {
            std::fs::write(of(dir, "metrics.jsonl"), "x\n").unwrap();
        },
    ));
    cases
}

fn curves() -> Vec<Case> {
    let table: Vec<(&str, &str, String, &[&str])> = vec![
        (
            "no rates",
            "\"rates\": [",
            "\"rates\": [], \"others\": [".into(),
            &["curves.json", "invalid length 0"],
        ),
        (
            "a lag of another",
            "\"to\": \"compass\"",
            "\"to\": \"corner_balanced\"".into(),
            &["curves.json", "the lag of compass"],
        ),
        (
            "an unknown rate",
            "\"to\": \"compass\"",
            "\"to\": \"S9\"".into(),
            &["curves.json", "S9"],
        ),
        (
            "a rate of 7",
            "\"value\": ",
            "\"value\": 7, \"was\": ".into(),
            &["curves.json", "means of S1 cheese, 0 to 1"],
        ),
        (
            "an error of 2",
            "\"error\": ",
            "\"error\": 2, \"was\": ".into(),
            &["curves.json", "means of S1 cheese, 0 to 1"],
        ),
        (
            "more frames than points",
            "\"frames\": [",
            "\"frames\": [0,".into(),
            &["curves.json", "curves of 4 points"],
        ),
        (
            "no frames",
            "\"frames\": [",
            "\"frames\": [], \"others\": [".into(),
            &["curves.json", "one point or more"],
        ),
        (
            "cut",
            "\"p_cheese\"",
            "".into(),
            &["curves.json", "the curves of a run"],
        ),
    ];
    table
        .into_iter()
        .map(|(what, from, to, words)| {
            case(&format!("curves: {what}"), RESUME, 3, words, move |dir| {
                replace(&of(dir, "curves.json"), from, &to);
            })
        })
        .collect()
}

fn checkpoints() -> Vec<Case> {
    let first = "checkpoints/000000000.safetensors";
    let last = "checkpoints/000000061.safetensors";
    let middle = "checkpoints/000000031.safetensors";
    let remove =
        |name: &'static str| move |dir: &Path| std::fs::remove_file(of(dir, name)).unwrap();
    let write = |bytes: Vec<u8>| move |dir: &Path| std::fs::write(of(dir, middle), &bytes).unwrap();
    let mut announced = u64::MAX.to_le_bytes().to_vec();
    announced.extend(b"{}");
    let mut large = 99_000_000u64.to_le_bytes().to_vec();
    large.extend(b"{}");
    let header = |text: &str| safetensors(text, &[0; 8]);
    let max = "18446744073709551615";
    let mut cases = vec![
        case(
            "checkpoints: no theta_0",
            REPRODUCE,
            3,
            &["000000000.safetensors", "16 at that end"],
            remove(first),
        ),
        case(
            "checkpoints: no theta_T",
            REPRODUCE,
            3,
            &["000000061.safetensors", "46 at that end"],
            remove(last),
        ),
        case(
            "checkpoints: none",
            REPRODUCE,
            3,
            &["000000000.safetensors", "no checkpoint"],
            |dir| {
                std::fs::remove_dir_all(of(dir, "checkpoints")).unwrap();
                std::fs::create_dir(of(dir, "checkpoints")).unwrap();
            },
        ),
        case(
            "checkpoints: no directory",
            REPRODUCE,
            4,
            &["checkpoints"],
            |dir| {
                std::fs::remove_dir_all(of(dir, "checkpoints")).unwrap();
            },
        ),
        case(
            "checkpoints: one after the end",
            REPRODUCE,
            3,
            &["000000061.safetensors", "999999999 at that end"],
            |dir| {
                std::fs::copy(of(dir, last), of(dir, "checkpoints/999999999.safetensors")).unwrap();
            },
        ),
        case(
            "checkpoints: a NaN",
            REPRODUCE,
            5,
            &[
                "000000031.safetensors",
                "[5] is NaN, expected a finite number",
            ],
            |dir| {
                replace_value(&of(dir, middle), 5, f32::NAN);
            },
        ),
        case(
            "checkpoints: an infinity",
            REPRODUCE,
            5,
            &["000000061.safetensors", "is inf"],
            |dir| {
                replace_value(&of(dir, last), 1112, f32::INFINITY);
            },
        ),
        case(
            "checkpoints: 1 GB",
            REPRODUCE,
            3,
            &["000000031.safetensors", "at most"],
            |dir| {
                let file = std::fs::File::create(of(dir, middle)).unwrap();
                file.set_len(1 << 30).unwrap();
            },
        ),
    ];
    let table: Vec<(&str, Vec<u8>)> = vec![
        ("empty", vec![]),
        ("seven bytes", vec![0; 7]),
        ("a header of 2^64-1", announced),
        ("a header of 99 MB", large),
        ("a header of 0", vec![0; 16]),
        ("text", b"hello, this is no checkpoint".to_vec()),
        ("not JSON", header("{")),
        ("a list", header("[]")),
        (
            "offsets from 2^64-1",
            header(&format!(
                "{{\"w\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[{max},{max}]}}}}"
            )),
        ),
        (
            "offsets to 2^64-1",
            header(&format!(
                "{{\"w\":{{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,{max}]}}}}"
            )),
        ),
        (
            "offsets backwards",
            header("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[8,0]}}"),
        ),
        (
            "a shape of 2^64",
            header(
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,8]}}",
            ),
        ),
        (
            "a shape of 2^64 + 2",
            header(
                "{\"w\":{\"dtype\":\"F32\",\"shape\":[9223372036854775809,2],\"data_offsets\":[0,8]}}",
            ),
        ),
        (
            "another type",
            header("{\"w\":{\"dtype\":\"F8\",\"shape\":[2],\"data_offsets\":[0,8]}}"),
        ),
        (
            "other tensors",
            header("{\"w\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}"),
        ),
    ];
    for (what, bytes) in table {
        let what = format!("checkpoints: {what}");
        cases.push(case(
            &what,
            REPRODUCE,
            3,
            &["000000031.safetensors", "expected"],
            write(bytes),
        ));
    }
    cases
}

fn points() -> Vec<Case> {
    let point = "resume/latest.safetensors";
    let write = |bytes: Vec<u8>| {
        move |dir: &Path| {
            unfinish(dir);
            std::fs::write(of(dir, point), &bytes).unwrap();
        }
    };
    let mut announced = u64::MAX.to_le_bytes().to_vec();
    announced.extend([b'{'; 100]);
    let words = &["latest.safetensors", "expected"];
    let mut cases = vec![
        case("point: empty", RESUME, 3, words, write(vec![])),
        case(
            "point: a header of 2^64-1",
            RESUME,
            3,
            words,
            write(announced),
        ),
        case(
            "point: no tensors",
            RESUME,
            3,
            &["latest.safetensors", "a tensor params"],
            write(safetensors("{}", &[])),
        ),
        case(
            "point: none, beside checkpoints",
            RESUME,
            3,
            &["latest.safetensors", "a point to resume from"],
            |dir| {
                unfinish(dir);
                std::fs::remove_file(of(dir, point)).unwrap();
            },
        ),
        case(
            "point: a flipped bit",
            RESUME,
            3,
            &["latest.safetensors", "CRC", "damaged"],
            |dir| {
                unfinish(dir);
                let mut bytes = std::fs::read(of(dir, point)).unwrap();
                *bytes.last_mut().unwrap() ^= 1;
                std::fs::write(of(dir, point), bytes).unwrap();
            },
        ),
        case(
            "point: a NaN",
            RESUME,
            5,
            &["latest.safetensors", "conv0.weight[7] is NaN"],
            |dir| {
                unfinish(dir);
                replace_value(&of(dir, point), 7, f32::NAN);
            },
        ),
        case(
            "point: 1 GB",
            RESUME,
            3,
            &["latest.safetensors", "at most"],
            |dir| {
                unfinish(dir);
                std::fs::File::create(of(dir, point))
                    .unwrap()
                    .set_len(1 << 30)
                    .unwrap();
            },
        ),
        case(
            "point half-way that contradicts itself, verified",
            VERIFY,
            1,
            &["middle.safetensors", "rows of total"],
            |dir| {
                replace_state(
                    &of(dir, "resume/middle.safetensors"),
                    "\"total_rows\":6",
                    "\"total_rows\":5",
                );
            },
        ),
    ];
    let metadata = |text: &str| {
        let tensors = [
            "params",
            "adam.first",
            "adam.second",
            "total.sum",
            "update.sum",
        ];
        let entries = tensors.iter().enumerate().map(|(i, name)| {
            let (start, end) = (i * 4452, (i + 1) * 4452);
            format!(
                "\"{name}\":{{\"dtype\":\"F32\",\"shape\":[1113],\"data_offsets\":[{start},{end}]}}"
            )
        });
        let entries: Vec<String> = entries.collect();
        safetensors(&format!("{{{text}{}}}", entries.join(",")), &[0; 5 * 4452])
    };
    cases.push(case(
        "point: no metadata",
        RESUME,
        3,
        &["latest.safetensors", "an entry crc32"],
        write(metadata("")),
    ));
    let state = "\"__metadata__\":{\"state\":\"{}\"},";
    cases.push(case(
        "point: no checksum",
        RESUME,
        3,
        &["latest.safetensors", "an entry crc32"],
        write(metadata(state)),
    ));
    let state = "\"__metadata__\":{\"state\":\"{}\",\"crc32\":\"\\u001b[2J\"},";
    cases.push(case(
        "point: a checksum of escape sequences",
        RESUME,
        3,
        &["\\u{1b}[2J"],
        write(metadata(state)),
    ));
    cases
}

/// The point half-way of a run of 61 updates, 6 an iteration of 128 frames, after 36: its checksum
/// is made right again.
fn points_that_contradict_themselves() -> Vec<Case> {
    let max = "18446744073709551615";
    let table: Vec<(&str, String, &[&str])> = vec![
        (
            "\"version\":3",
            "\"version\":1".into(),
            &["version 3", "of another release"],
        ),
        (
            "\"version\":3",
            "\"version\":4294967295".into(),
            &["of another release"],
        ),
        ("\"config\":", "\"config\":1".into(), &["expected"]),
        (
            "\"updates\":36",
            "\"updates\":35".into(),
            &["a multiple of 6 up to 61"],
        ),
        (
            "\"updates\":36",
            "\"updates\":66".into(),
            &["a multiple of 6 up to 61"],
        ),
        (
            "\"updates\":36",
            format!("\"updates\":{max}"),
            &["a multiple of 6 up to 61"],
        ),
        (
            "\"updates\":36",
            "\"updates\":30".into(),
            &["30 steps of the optimiser"],
        ),
        (
            "\"step\":36",
            "\"step\":0".into(),
            &["36 steps of the optimiser"],
        ),
        (
            "\"step\":36",
            format!("\"step\":{max}"),
            &["36 steps of the optimiser"],
        ),
        (
            "\"frames\":768",
            "\"frames\":0".into(),
            &["768 frames after 36 updates"],
        ),
        (
            "\"frames\":768",
            format!("\"frames\":{max}"),
            &["768 frames"],
        ),
        (
            "\"metrics\":8",
            "\"metrics\":7".into(),
            &["8 lines of metrics", "found 7"],
        ),
        (
            "\"metrics\":8",
            format!("\"metrics\":{max}"),
            &["8 lines of metrics"],
        ),
        (
            "\"total_rows\":6",
            "\"total_rows\":5".into(),
            &["6 rows of total", "found 5"],
        ),
        (
            "\"total_rows\":6",
            "\"total_rows\":4611686018427387904".into(),
            &["6 rows of total"],
        ),
        (
            "\"update_rows\":6",
            "\"update_rows\":7".into(),
            &["6 rows of update", "found 7"],
        ),
        (
            "\"part_rows\":3",
            format!("\"part_rows\":{max}"),
            &["3 rows apart"],
        ),
        (
            "\"seconds\":",
            "\"seconds\":-1e300,\"x\":".into(),
            &["seconds"],
        ),
        (
            "\"seconds\":",
            "\"seconds\":1e999,\"x\":".into(),
            &["the state of a run"],
        ),
        (
            "\"episodes\":[",
            "\"episodes\":[0.0,-1.0],\"x\":[".into(),
            &["returns of some episodes"],
        ),
        (
            "\"total\":{\"updates\":0",
            format!("\"total\":{{\"updates\":{max}"),
            &["0 updates in the row of total"],
        ),
        (
            "\"update\":{\"updates\":0",
            "\"update\":{\"updates\":5".into(),
            &["0 updates in the row of update"],
        ),
        (
            "\"environments\":[",
            "\"environments\":[],\"x\":[".into(),
            &["environments"],
        ),
        (
            "\"actions\":[",
            "\"actions\":[],\"x\":[".into(),
            &["actions"],
        ),
        (
            "\"mouse\":{\"x\":",
            "\"mouse\":{\"x\":25".into(),
            &["expected"],
        ),
        (
            "\"mouse\":{\"x\":",
            "\"mouse\":{\"x\":0,\"y\":0},\"z\":{\"x\":".into(),
            &["mouse"],
        ),
        ("\"stage\":0", "\"stage\":1".into(), &["stage of a level"]),
        (
            "\"rewards\":null",
            "\"rewards\":{\"mean\":0.0,\"variance\":1.0,\"frames\":0,\"returns\":[]}".into(),
            &["scale of rewards", "expected none"],
        ),
        (
            "\"stage\":0",
            format!("\"stage\":{max}"),
            &["stage of a level"],
        ),
        ("\"steps\":", "\"steps\":65535,\"x\":".into(), &["steps"]),
        (
            "\"increment\":",
            "\"increment\":0,\"x\":".into(),
            &["the stream of levels of environment 0"],
        ),
        (
            "\"state\":",
            "\"state\":-1,\"x\":".into(),
            &["the state of a run"],
        ),
        (
            "\"actions\":[{",
            "\"actions\":[{\"state\":0,\"increment\":0},{".into(),
            &["the stream of actions of environment 0"],
        ),
        (
            "\"recorded\"",
            "\"remembered\"".into(),
            &["the state of a run", "missing field `recorded`"],
        ),
    ];
    table
        .into_iter()
        .map(|(from, to, words)| {
            let short: String = to.chars().take(40).collect();
            let words: Vec<&str> = words.to_vec();
            case(&format!("point: {short}"), RESUME, 3, &words, move |dir| {
                unfinish(dir);
                replace_state(&of(dir, "resume/latest.safetensors"), from, &to);
            })
        })
        .collect()
}

fn directories() -> Vec<Case> {
    let mut cases = links();
    cases.extend(others());
    cases
}

#[cfg(not(unix))]
fn links() -> Vec<Case> {
    Vec::new()
}

/// What a run that is gone on with would be written through.
#[cfg(unix)]
fn links() -> Vec<Case> {
    use std::os::unix::fs::symlink;
    let mut cases = Vec::new();
    let inside = ["files inside", "a link out of it"];
    for (name, [expected, found]) in [
        ("metrics.jsonl", inside),
        ("gradients/total/shard-00000.npy", inside),
        ("resume/latest.safetensors", inside),
        // Looked at before the others: what it leads to is not to be locked.
        (".lock", ["a regular file", "something else"]),
    ] {
        cases.push(case(
            &format!("a link out of the run: {name}"),
            RESUME,
            3,
            &[name, expected, found],
            move |dir| {
                unfinish(dir);
                let elsewhere = dir.join("elsewhere");
                std::fs::rename(of(dir, name), &elsewhere).unwrap();
                symlink(elsewhere, of(dir, name)).unwrap();
            },
        ));
        cases.push(case(
            &format!("a pipe in the run: {name}"),
            RESUME,
            3,
            &[name, "a regular file"],
            move |dir| {
                unfinish(dir);
                std::fs::remove_file(of(dir, name)).unwrap();
                pipe(&of(dir, name));
            },
        ));
    }
    cases
}

fn others() -> Vec<Case> {
    vec![
        case(
            "a run that is not there, resumed",
            "train --resume --out {dir}/none",
            4,
            &["none"],
            |_| {},
        ),
        case(
            "a run that is not there, verified",
            "verify {dir}/none",
            4,
            &["none"],
            |_| {},
        ),
        case(
            "a file for a run",
            "verify {run}/config.toml",
            3,
            &["the directory of a run"],
            |_| {},
        ),
        case(
            "a new run where one is",
            "train --out {run}",
            2,
            &["holds a run", "--resume"],
            |_| {},
        ),
        case(
            "a directory of something else, resumed",
            "train --resume --out {dir}/other",
            2,
            &["is not empty"],
            |dir| {
                std::fs::create_dir(dir.join("other")).unwrap();
                std::fs::write(dir.join("other/thesis.tex"), "").unwrap();
            },
        ),
        case(
            "a command line of 17 MB",
            "train --resume --quiet --out {run}",
            3,
            &["command.txt", "at most 16777216 bytes"],
            |dir| {
                unfinish(dir);
                let file = std::fs::File::create(of(dir, "command.txt")).unwrap();
                file.set_len(17 << 20).unwrap();
            },
        ),
    ]
}

fn hypotheses() -> Vec<Case> {
    const SOUND: &str = "name = \"x\"\n[[nodes]]\nname = \"a\"\nsite = \"dense\"\nchannels = [0]\n\
        feature = \"nothing\"\ninputs = [\"observation\"]\nholds = \"outside\"\n";
    let table: &[(&str, &str, &str, &str)] = &[
        ("no TOML", "[[nodes]]", "[[nodes", "line 2"),
        ("an unknown key", "site", "sites", "nodes.a.sites"),
        ("no name", "name = \"x\"", "", "name"),
        ("no nodes", "[[nodes]]\nname", "[nodes]\nname", "nodes"),
        ("an unknown site", "\"dense\"", "\"conv9\"", "nodes.a.site"),
        ("an unknown channel", "[0]", "[8]", "nodes.a.channels"),
        ("a number below 0", "[0]", "[-1]", "nodes.a.channels"),
        ("an unknown feature", "nothing", "all", "nodes.a.feature"),
        ("an unknown place", "outside", "above", "nodes.a.holds"),
        ("an unknown input", "observation", "b", "nodes.a.inputs"),
        ("a circle", "observation", "a", "nodes.a.inputs"),
    ];
    let rows = table.iter().map(|&(what, from, to, key)| {
        case(
            &format!("a hypothesis: {what}"),
            "circuits {run} --quiet --pairs 2 --hypothesis {dir}/h.toml",
            3,
            &["h.toml", key, "expected"],
            move |dir| {
                let text = SOUND.replacen(from, to, 1);
                assert_ne!(text, SOUND);
                std::fs::write(dir.join("h.toml"), text).unwrap();
            },
        )
    });
    let mut cases: Vec<Case> = rows.collect();
    cases.push(case(
        "a hypothesis that is not there",
        "circuits {run} --quiet --pairs 2 --hypothesis {dir}/none.toml",
        4,
        &["none.toml"],
        |_| {},
    ));
    cases
}
