//! What dask says of a stack: what is accepted has one list of chunks along each other axis than its own.

use std::path::Path;

use gouda::storage::dask_info::DaskInfo;

pub fn check(bytes: &[u8]) -> bool {
    let Ok(info) = DaskInfo::parse(Path::new("info"), bytes) else {
        return false;
    };
    assert!(info.axis < info.chunks.len());
    for (axis, lens) in info.chunks.iter().enumerate() {
        assert!(axis == info.axis || lens.len() == 1);
        // Each is there by at least a byte of its own, or by a copy of one that is counted.
        assert!(lens.len() <= 1 << 20);
    }
    true
}
