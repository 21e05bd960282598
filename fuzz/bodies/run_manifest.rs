//! Manifests of runs: what is accepted reads the same again, and never leads out of the run.

use gouda::storage::RunManifest;

use super::scratch;

pub fn check(bytes: &[u8]) -> bool {
    let path = scratch::file("manifest.json", bytes);
    let Ok(manifest) = RunManifest::load(&path) else {
        return false;
    };
    let again = scratch::path("again.json");
    manifest.save(&again).expect("room for a small file");
    let read = RunManifest::load(&again).expect("what was written is read");
    assert_eq!(read, manifest);
    // No run is here: its outputs are missing, or there are none.
    let nowhere = scratch::path("nowhere");
    assert_eq!(
        manifest.verify(&nowhere).is_ok(),
        manifest.outputs.is_empty()
    );
    true
}
