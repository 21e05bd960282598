//! The state of a point to resume from, as it stands in the metadata: what is accepted is written
//! back the same, and what training takes up again is what was put down and plays on.
//!
//! Tensors and checksums are made to fit, so that it is the state itself that is judged.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gouda::experiment::config::{Config, Preset};
use gouda::experiment::resolve::resolve;
use gouda::experiment::resume::Point;
use gouda::nn::{Network, init};
use gouda::ppo::Trainer;
use gouda::storage::checksum;
use gouda::storage::tensors::{self, Tensor};

use super::scratch;

static CONFIG: LazyLock<Config> = LazyLock::new(|| {
    let sets = [
        "env.world=9",
        "env.min_maze_dim=3",
        "env.timeout=4",
        "net.channels=1",
        "net.blocks=1",
        "net.hidden=2",
        "ppo.num_envs=2",
        "ppo.num_steps=2",
        "ppo.update_epochs=1",
        "ppo.minibatch_size=2",
        "ppo.total_updates=1000000",
    ];
    let resolved = resolve(Preset::Quick, None, &sets.map(Into::into), Some(3));
    resolved.expect("settings in range").config
});

static PARAMS: LazyLock<Vec<f32>> = LazyLock::new(|| {
    let network = Network::new(CONFIG.net.shape(&CONFIG.env), 1).expect("a small network");
    init::initialise(&network.layout, 3)
});

pub fn check(bytes: &[u8]) -> bool {
    let Ok(state) = std::str::from_utf8(bytes) else {
        return false;
    };
    let (config, params) = (&*CONFIG, &*PARAMS);
    // The checksum of the settings is 0 in the corpus, whatever settings there come to be.
    let sum = checksum::of_bytes(config.to_toml().as_bytes());
    let state = state.replacen("\"config\":0,", &format!("\"config\":{sum},"), 1);
    let names = [
        "params",
        "adam.first",
        "adam.second",
        "total.sum",
        "update.sum",
    ];
    let zeros = vec![0.0; params.len()];
    let values = |name| if name == "params" { params } else { &zeros };
    let metadata = BTreeMap::from([("state".to_owned(), state)]);
    let shape = [params.len()];
    let tensors = names.map(|name| Tensor {
        name,
        shape: &shape,
        values: values(name),
    });
    let path = scratch::path("point.safetensors");
    tensors::save(&path, &tensors, &metadata).expect("room for a small file");

    let Ok(point) = Point::load(&path, config, params.len()) else {
        return false;
    };
    let again = scratch::path("again.safetensors");
    point.save(&again, config).expect("room for a small file");
    let read = Point::load(&again, config, params.len()).expect("what was written is read");
    assert_eq!(read, point);
    let state = point.trainer;
    let Ok(mut trainer) = Trainer::from_state(config.settings(), config.seed, state.clone()) else {
        return false;
    };
    assert_eq!(trainer.state(), state);
    for _ in 0..3 {
        let before = trainer.updates();
        match trainer.advance() {
            Ok(Some(update)) => assert_eq!(update.index, before),
            Ok(None) => assert_eq!(before, config.ppo.total_updates),
            // Numbers that stop being finite are told, not played on.
            Err(_) => break,
        }
    }
    true
}
