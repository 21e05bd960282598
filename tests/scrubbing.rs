//! `gouda circuits` puts hypotheses to causal scrubbing, the user's beside its own, to the same bits at any
//! thread count.

use std::path::Path;
use std::process::Command;

use gouda::findings::tracing::Circuits;
use serde_json::Value;

const SETTINGS: [&str; 15] = [
    "ppo.update_epochs=3",
    "record.every=iteration",
    "record.streams_every=2",
    "env.world=9",
    "env.timeout=20",
    "net.channels=4",
    "net.blocks=1",
    "net.hidden=8",
    "ppo.num_envs=8",
    "ppo.num_steps=16",
    "ppo.minibatch_size=64",
    "ppo.total_updates=61",
    "record.curve_points=2",
    "record.curve_levels=16",
    "ablate.selection_levels=8",
];

fn gouda(args: &[&str]) -> Vec<u8> {
    let output = Command::new(env!("CARGO_BIN_EXE_gouda"))
        .args(args)
        .output();
    let output = output.unwrap();
    let words = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words}");
    output.stdout
}

fn found(run: &Path, own: &[&Path], threads: &str) -> Value {
    let mut args = vec!["circuits", run.to_str().unwrap(), "--quiet", "--json"];
    args.extend(["--pairs", "8", "--hops", "3", "--threads", threads]);
    for path in own {
        args.extend(["--hypothesis", path.to_str().unwrap()]);
    }
    let mut found: Value = serde_json::from_slice(&gouda(&args)).unwrap();
    found.as_object_mut().unwrap().remove("seconds");
    found
}

#[test]
fn own_hypotheses_stand_beside_ours_to_the_same_bits() {
    let dir = tempfile::tempdir().unwrap();
    let run = dir.path().join("run");
    let mut args = vec!["train", "--quiet", "--out", run.to_str().unwrap()];
    SETTINGS.iter().for_each(|set| args.extend(["--set", set]));
    gouda(&args);

    let all = dir.path().join("all.toml");
    let text = "name = \"all\"\noutput = [\"observation\"]\nnodes = []\n";
    std::fs::write(&all, text).unwrap();
    let nothing = dir.path().join("nothing.toml");
    std::fs::write(&nothing, "name = \"nothing\"\nnodes = []\n").unwrap();
    let own: [&Path; 2] = [&all, &nothing];
    let one = found(&run, &own, "1");
    assert!(one == found(&run, &own, "3"), "threads changed the bits");

    let scrubbing = one["scrubbing"].as_array().unwrap();
    let ours = found(&run, &[], "2");
    let ours = ours["scrubbing"].as_array().unwrap();
    assert_eq!(scrubbing[..ours.len()], ours[..]);
    let [all, nothing] = &scrubbing[ours.len()..] else {
        panic!("two more: {}", scrubbing.len());
    };
    assert_eq!(all["recovered"]["value"], 1.0);
    assert_eq!(nothing["recovered"]["value"], 0.0);
    assert_eq!(all["states"], nothing["states"]);
    let of = |name: &str| {
        let mut ours = ours.iter();
        ours.find(|one| one["hypothesis"]["name"] == name).unwrap()
    };
    // Late's units, as many at random, in the same states; early's in the others.
    let (late, random) = (of("late"), of("late, random channels 1"));
    assert_eq!(late["channels"], 2);
    assert_eq!(random["channels"], 2);
    assert_eq!(late["random"], random["random"]);
    let states = |one: &Value| one["states"].as_u64().unwrap();
    let (inside, outside) = (states(late), states(of("early")));
    assert_eq!(inside + outside, states(all));
    assert_eq!(outside, states(of("late, place of early")));

    // What an earlier release left has no such fields.
    let path = run.join("circuits.json");
    let mut stored: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    serde_json::from_value::<Circuits>(stored.clone()).unwrap();
    for field in ["scrubbing", "own_vectors", "atlas"] {
        assert!(stored.as_object_mut().unwrap().remove(field).is_some());
    }
    for fact in stored["facts"].as_array_mut().unwrap() {
        assert!(fact.as_object_mut().unwrap().remove("paths").is_some());
    }
    let old: Circuits = serde_json::from_value(stored).unwrap();
    assert!(old.scrubbing.is_empty() && old.own_vectors.is_empty());
    assert!(old.pictures.is_none());
    assert!(old.facts.iter().all(|fact| fact.paths.is_empty()));
    let text = String::from_utf8(gouda(&[
        "circuits",
        run.to_str().unwrap(),
        "--quiet",
        "--pairs",
        "8",
    ]));
    assert!(text.unwrap().contains("\n  early, place of late "));
}
