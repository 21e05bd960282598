//! Malformed settings and command lines.

use super::harness::{Case, TINY, case};

/// All of them.
pub fn cases() -> Vec<Case> {
    let mut cases = sets();
    cases.extend(files());
    cases.extend(arguments());
    cases
}

/// `--set` of a run that must not begin.
fn sets() -> Vec<Case> {
    let table: &[(&str, &[&str])] = &[
        ("env.world=4", &["world", "odd"]),
        ("env.world=255", &["world"]),
        ("env.world=256", &["world"]),
        ("env.world=-1", &["world"]),
        ("env.world=0", &["world"]),
        ("env.world=18446744073709551616", &["world"]),
        ("env.timeout=0", &["env.timeout = 0", "at least 1"]),
        ("env.timeout=65536", &["timeout"]),
        ("env.reward=inf", &["env.reward = inf", "finite"]),
        ("env.reward=nan", &["env.reward = NaN"]),
        ("env.actions=nine", &["actions", "four"]),
        ("env.schedule=[{}]", &["schedule", "from"]),
        ("env.schedule=3", &["schedule", "sequence"]),
        (
            "env.schedule=[{from=0.5,region=5,min_maze_dim=3,until=1.0}]",
            &["schedule", "until"],
        ),
        (
            "env.schedule=[{from=1.0,region=5,min_maze_dim=3}]",
            &["env.schedule[0].from = 1: expected 0 to below 1"],
        ),
        (
            "env.schedule=[{from=nan,region=5,min_maze_dim=3}]",
            &["env.schedule[0].from = NaN"],
        ),
        (
            "env.schedule=[{from=0.5,region=5,min_maze_dim=3},{from=0.5,region=5,min_maze_dim=3}]",
            &["env.schedule[1].from = 0.5: expected above 0.5"],
        ),
        (
            "env.schedule=[{from=0.1,region=5,min_maze_dim=3},{from=0.5,region=10,min_maze_dim=3}]",
            &["env.schedule[1].region = 10: expected 0 to"],
        ),
        (
            "env.schedule=[{from=0.1,region=5,min_maze_dim=4}]",
            &["env.schedule[0].min_maze_dim = 4: expected an odd size from 3 to"],
        ),
        (
            "env.schedule=[{from=0.1,region=5,min_maze_dim=33}]",
            &["env.schedule[0].min_maze_dim = 33"],
        ),
        ("env.mouse=top_left", &["mouse", "bottom_left", "anywhere"]),
        (
            "study.planted_updates=5",
            &["study.planted_updates = 5: expected 6 to"],
        ),
        (
            "study.plants=1001",
            &["study.plants = 1001: expected 0 to 1000"],
        ),
        ("ppo.routing=true", &["routing"]),
        ("net.kind=giant", &["kind", "small"]),
        (
            "net.channels=9223372036854775807",
            &["net.channels", "1 to 512"],
        ),
        ("net.blocks=33", &["net.blocks = 33", "0 to 32"]),
        ("net.hidden=0", &["net.hidden = 0"]),
        ("ppo.total_updates=0", &["ppo.total_updates = 0"]),
        (
            "ppo.total_updates=9223372036854775807",
            &["ppo.total_updates"],
        ),
        (
            "ppo.num_envs=65537",
            &["ppo.num_envs = 65537", "1 to 65536"],
        ),
        ("ppo.num_envs=-5", &["num_envs"]),
        ("ppo.num_envs=9223372036854775807", &["ppo.num_envs"]),
        ("ppo.num_steps=0", &["ppo.num_steps = 0"]),
        ("ppo.update_epochs=1025", &["ppo.update_epochs = 1025"]),
        ("ppo.minibatch_size=0", &["ppo.minibatch_size = 0"]),
        ("ppo.minibatch_size=1", &["ppo.minibatch_size = 1"]),
        ("ppo.gamma=-0.1", &["ppo.gamma"]),
        ("ppo.gae_lambda=nan", &["ppo.gae_lambda = NaN"]),
        ("ppo.clip_coef=0.0", &["ppo.clip_coef = 0"]),
        ("ppo.max_grad_norm=inf", &["ppo.max_grad_norm = inf"]),
        ("ppo.adam_eps=0.0", &["ppo.adam_eps"]),
        ("ppo.optimizer=lion", &["optimizer", "adam"]),
        (
            "ppo.norm_adv=perhaps",
            &["norm_adv", "minibatch", "rollout"],
        ),
        ("ppo.norm_adv=true", &["norm_adv"]),
        ("ppo.norm_rewards=3", &["norm_rewards", "boolean"]),
        ("record.every=0", &["expected \"update\", \"iteration\""]),
        (
            "record.every=-3",
            &["-3: expected \"update\", \"iteration\""],
        ),
        ("record.every=\"\u{1b}[31mred\"", &["\\u{1b}[31mred"]),
        ("record.shard_mb=0", &["record.shard_mb = 0"]),
        ("record.shard_mb=9223372036854775807", &["record.shard_mb"]),
        ("record.checkpoints=1", &["record.checkpoints = 1", "2 to"]),
        ("record.curve_levels=7", &["record.curve_levels = 7"]),
        (
            "record.streams_every=9223372036854775807",
            &["record.streams_every"],
        ),
        ("svd.rank=0", &["svd.rank = 0"]),
        ("svd.rank=4097", &["svd.rank = 4097", "1 to 4096"]),
        ("svd.tolerance=0.0", &["svd.tolerance"]),
        ("ablate.step_doses=[0.1,-1.0]", &["ablate.step_doses"]),
        ("ablate.reset_percent=[101.0]", &["ablate.reset_percent"]),
        ("ablate.project_doses=[nan]", &["ablate.project_doses"]),
        ("ablate.mazes=257", &["ablate.mazes = 257"]),
        ("study.seeds=0", &["study.seeds = 0"]),
        ("study.seeds=1001", &["study.seeds = 1001"]),
        ("study.rank=1", &["study.rank = 1", "2 to 256"]),
        ("seed=-1", &["seed"]),
        ("seed=1.5", &["seed"]),
        ("=3", &["unknown setting"]),
        ("ppo.gamma", &["expected KEY=VALUE"]),
        ("ppo=1", &["ppo: expected one of its settings"]),
        (
            "ppo.gamma.deeper=1",
            &["unknown setting `ppo.gamma.deeper`"],
        ),
        ("seed.deeper=1", &["unknown setting `seed.deeper`"]),
    ];
    let mut cases: Vec<Case> = table
        .iter()
        .map(|(set, words)| {
            let mut case = case(
                &format!("--set {set}"),
                "train --out {dir}/o --set",
                2,
                words,
                |_| {},
            );
            case.args.push((*set).into());
            case
        })
        .collect();
    let large = "train --out {dir}/o --set ppo.num_envs=4096 --set ppo.num_steps=4096 \
        --set ppo.minibatch_size=16777216 --set net.hidden=4096";
    let words = &["ppo.minibatch_size = 16777216", "at most 128 GiB"];
    cases.push(case(
        "a gradient for each of 2^18 blocks",
        large,
        2,
        words,
        |_| {},
    ));
    let both = "train --out {dir}/o --set ppo.num_envs=65536 --set ppo.num_steps=65536";
    let words = &["ppo.num_steps = 65536", "at most 16777216 frames"];
    cases.push(case("2^32 frames an iteration", both, 2, words, |_| {}));
    cases
}

/// `--config` files.
fn files() -> Vec<Case> {
    let long_key = format!("{} = 1\n", "k".repeat(10 << 20));
    let long_text = format!("seed = \"{}\"\n", "v".repeat(10 << 20));
    let deep = format!("seed = {}\n", "[".repeat(100_000));
    let tables = "[a".to_owned() + &".a".repeat(50_000) + "]\n";
    let table: Vec<(&str, Vec<u8>, i32, &[&str])> = vec![
        (
            "not TOML",
            b"[ppo\ngamma = 1".to_vec(),
            3,
            &["c.toml", "expected TOML"],
        ),
        (
            "not UTF-8",
            b"seed = \xff".to_vec(),
            3,
            &["c.toml", "UTF-8", "offset 7"],
        ),
        (
            "a NUL",
            b"seed = \0".to_vec(),
            3,
            &["c.toml", "expected TOML"],
        ),
        (
            "a key twice",
            b"seed = 1\nseed = 2".to_vec(),
            3,
            &["c.toml", "duplicate key"],
        ),
        (
            "an unknown key",
            b"[ppo]\ngama = 1".to_vec(),
            2,
            &["`ppo.gama`", "`ppo.gamma`"],
        ),
        (
            "an unknown table",
            b"[ppa]\ngamma = 1".to_vec(),
            2,
            &["`ppa.gamma`"],
        ),
        (
            "a number for a table",
            b"env = 3".to_vec(),
            2,
            &["env: expected one of its settings"],
        ),
        (
            "a number for a table, beside a dotted key",
            b"env = 3\n\"env.world\" = 9".to_vec(),
            2,
            &["env: expected one of its settings"],
        ),
        (
            "a table for a number",
            b"[seed]\nx = 1".to_vec(),
            2,
            &["`seed.x`"],
        ),
        (
            "text for a number",
            b"[ppo]\ngamma = \"much\"".to_vec(),
            2,
            &["c.toml", "gamma"],
        ),
        (
            "a list for a number",
            b"seed = [1]".to_vec(),
            2,
            &["c.toml", "seed"],
        ),
        (
            "a date for a number",
            b"seed = 1979-05-27".to_vec(),
            2,
            &["c.toml", "seed"],
        ),
        (
            "2^64 for a number",
            b"seed = 18446744073709551616".to_vec(),
            3,
            &["c.toml"],
        ),
        (
            "a key of 10 MB",
            long_key.into(),
            2,
            &["unknown setting", "left out"],
        ),
        ("a value of 10 MB", long_text.into(), 2, &["c.toml"]),
        ("lists 100,000 deep", deep.into(), 3, &["c.toml"]),
        ("tables 50,000 deep", tables.into(), 3, &["c.toml"]),
        (
            "escape sequences",
            b"\"\\u001b[2Jgone\" = 1".to_vec(),
            2,
            &["\\u{1b}[2Jgone"],
        ),
    ];
    let mut cases: Vec<Case> = table
        .into_iter()
        .map(|(what, bytes, code, words)| {
            case(
                &format!("settings: {what}"),
                "config --config {dir}/c.toml",
                code,
                words,
                move |dir| {
                    std::fs::write(dir.join("c.toml"), &bytes).unwrap();
                },
            )
        })
        .collect();
    cases.push(case(
        "settings of 17 MiB",
        "config --config {dir}/c.toml",
        3,
        &["at most 16777216 bytes"],
        |dir| {
            let file = std::fs::File::create(dir.join("c.toml")).unwrap();
            file.set_len(17 << 20).unwrap();
        },
    ));
    cases.push(case(
        "settings from /dev/zero",
        "config --config /dev/zero",
        3,
        &["/dev/zero", "at most 16777216 bytes"],
        |_| {},
    ));
    cases.push(case(
        "no settings",
        "config --config {dir}/none.toml",
        4,
        &["cannot read", "none.toml"],
        |_| {},
    ));
    cases.push(case(
        "a directory of settings",
        "config --config {dir}",
        4,
        &["cannot read"],
        |_| {},
    ));
    cases.push(case(
        "settings that resume differently",
        "train --resume --out {run} --config {dir}/c.toml",
        2,
        &["seed = 9", "resumes with nothing else"],
        |dir| {
            std::fs::write(dir.join("c.toml"), format!("seed = 9\n{TINY}")).unwrap();
        },
    ));
    cases
}

/// Command lines.
fn arguments() -> Vec<Case> {
    let table: &[(&str, &[&str])] = &[
        ("fly", &["fly"]),
        ("train --seed -1", &["-1"]),
        (
            "train --seed 18446744073709551615 --out {dir}/o",
            &["seed", "9223372036854775807"],
        ),
        (
            "train --seed 18446744073709551616",
            &["18446744073709551616"],
        ),
        (
            "train --threads 0 --out {dir}/o",
            &["--threads 0", "1 to 1024"],
        ),
        (
            "train --threads 18446744073709551615 --out {dir}/o",
            &["--threads", "1 to 1024"],
        ),
        ("train --preset huge", &["huge", "quick"]),
        ("train --resume", &["--out"]),
        ("train --resume-every -1", &["-1"]),
        ("maze --world 4", &["world", "odd"]),
        ("maze --world 33", &["world"]),
        ("maze --world 256", &["256"]),
        ("maze --seed 4294967296", &["4294967296"]),
        ("maze --cheese corner --region 26", &["region"]),
        ("bench svd --rows 0", &["--rows 0", "1 or more"]),
        ("bench svd --cols 0", &["--cols 0", "1 or more"]),
        (
            "bench svd --rows 18446744073709551615 --cols 18446744073709551615",
            &["--rows 18446744073709551615"],
        ),
        (
            "bench svd --rows 4294967296 --cols 4294967296",
            &["2^44 entries"],
        ),
        ("bench svd --rows 9 --cols 9 --repeats 0", &["--repeats 0"]),
        ("bench svd --rows 9 --cols 9 --rank 0", &["svd.rank"]),
        (
            "bench svd --rows 9 --cols 9 --block 18446744073709551615",
            &["svd.block"],
        ),
        ("bench svd --rows 9 --cols 9 --passes 0", &["max_passes"]),
        (
            "bench svd --rows 9 --cols 9 --tolerance nan",
            &["tolerance"],
        ),
        ("bench sim --envs 0", &["envs"]),
        ("bench sim --envs 18446744073709551615", &["envs"]),
        ("bench sim --world 4", &["world"]),
        ("bench sim --threads 0", &["threads"]),
        ("bench sim --threads 18446744073709551615", &["threads"]),
        ("bench sim --seconds nan", &["seconds"]),
        ("bench train --seconds 0", &["seconds"]),
        ("bench train --seconds nan", &["seconds"]),
        ("bench train --threads 0", &["threads"]),
        ("bench train --threads 18446744073709551615", &["threads"]),
        ("verify --updates 5", &["<RUN>"]),
        ("verify --threads 0", &["--threads 0"]),
        ("verify {run} --updates -1", &["-1"]),
    ];
    table
        .iter()
        .map(|(args, words)| case(&format!("gouda {args}"), args, 2, words, |_| {}))
        .collect()
}
