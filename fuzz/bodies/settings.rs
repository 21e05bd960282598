//! Settings files: what is accepted is in range, and `config.toml` says it again.

use std::path::Path;

use gouda::experiment::config::{Config, Preset};
use gouda::experiment::resolve::{self, Resolved};
use gouda::nn::Network;

pub fn check(bytes: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return false;
    };
    let path = Path::new("config.toml");
    let over_preset = resolve::resolve(Preset::Quick, Some((path, text)), &[], None);
    // As the settings of a run that is gone on with, which must hold all keys.
    let whole = resolve::resume((path, text), None, None, &[], None);
    for resolved in [&over_preset, &whole].into_iter().flatten() {
        sound(resolved);
    }
    over_preset.is_ok() || whole.is_ok()
}

/// What holds of settings that were accepted.
pub fn sound(resolved: &Resolved) {
    let config: &Config = &resolved.config;
    config.check().expect("in range");
    assert!(config.time_len() >= 1 && config.ppo.iterations() >= 1);
    assert!(config.part_len() <= config.ppo.iterations());
    let network = Network::new(config.net.shape(&config.env), 1).expect("a network of that size");
    assert_eq!(network.param_len(), network.layout.len());
    let text = resolved.to_toml();
    let again = resolve::resume((Path::new("config.toml"), &text), None, None, &[], None);
    let again = again.expect("the settings of a run are read back");
    assert_eq!(&again.config, config);
    assert_eq!(again.preset, resolved.preset.trim());
    assert_eq!(again.sha256(), resolved.sha256());
}
