//! The generator against levels that came out of procgen itself, and the text form against the
//! same levels.

use gouda::maze::{Level, Variant, generate, maze_dim};
use serde::Deserialize;
use sha2::{Digest, Sha256};

const GOLDEN: &str = include_str!("../data/golden/procgen_levels.jsonl");

#[derive(Deserialize)]
struct Golden {
    variant: String,
    region: Option<u8>,
    world: u8,
    seed: u32,
    maze_dim: u8,
    rows: Vec<String>,
    sha256: String,
}

#[test]
fn every_golden_level_is_drawn_cell_for_cell() {
    let mut level_len = 0;
    for line in GOLDEN.lines() {
        let golden: Golden = serde_json::from_str(line).unwrap();
        let variant = match (golden.variant.as_str(), golden.region) {
            ("anywhere", None) => Variant::Anywhere,
            ("corner", Some(region)) => Variant::Corner { region },
            other => panic!("unknown variant {other:?}"),
        };
        let (seed, world) = (golden.seed, golden.world);
        let name = format!("seed {seed}, world {world}, {variant:?}");
        let level = generate(seed, world, variant).unwrap();
        assert_eq!(level.rows(), golden.rows, "{name}");
        assert_eq!(level.maze_dim, golden.maze_dim, "{name}");
        assert_eq!(maze_dim(seed, world), Ok(golden.maze_dim), "{name}");
        let digest: String = Sha256::digest(level.procgen_grid())
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        assert_eq!(digest, golden.sha256, "{name}");
        assert_eq!(
            Level::from_text(&golden.rows.join("\n")),
            Ok(level),
            "{name}"
        );
        level_len += 1;
    }
    assert_eq!(level_len, 66);
}
