//! No bytes make the reader of gradient manifests panic, and what it accepts holds together.
//!
//! RUSTC_BOOTSTRAP=1 cargo fuzz run manifest -- -max_total_time=600

#![no_main]

use std::path::Path;

use gouda::gradients::Manifest;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(manifest) = Manifest::parse(Path::new("manifest.json"), bytes) {
        let (time_len, param_len) = manifest.shape;
        assert_eq!(manifest.rows.len(), time_len);
        assert_eq!(manifest.layout.len(), param_len);
        let mut covered = 0;
        for shard in &manifest.shards {
            assert_eq!(shard.params.start, covered);
            covered = shard.params.end;
            assert!(!shard.file.contains('/'), "{}", shard.file);
        }
        assert_eq!(covered, param_len);
    }
});
