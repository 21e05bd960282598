//! Manifests of gradient matrices: what is accepted holds together, and reads the same again.

use std::path::Path;

use gouda::gradients::Manifest;

pub fn check(bytes: &[u8]) -> bool {
    let path = Path::new("manifest.json");
    let Ok(manifest) = Manifest::parse(path, bytes) else {
        return false;
    };
    let (time_len, param_len) = manifest.shape;
    assert_eq!(manifest.rows.len(), time_len);
    assert_eq!(manifest.layout.len(), param_len);
    let mut covered = 0;
    for shard in &manifest.shards {
        assert_eq!(shard.params.start, covered);
        covered = shard.params.end;
        assert!(!shard.file.contains('/'), "{}", shard.file);
        assert_eq!(shard.blocks.len(), time_len.div_ceil(manifest.block_rows));
    }
    assert_eq!(covered, param_len);
    if param_len > 0 {
        let (tensor, within) = manifest.layout.locate(param_len - 1);
        assert_eq!(tensor.offset + within, param_len - 1);
    }
    let again = serde_json::to_vec(&manifest).expect("plain data with text keys");
    let again = Manifest::parse(path, &again).expect("what was accepted is accepted again");
    assert_eq!(again, manifest);
    true
}
