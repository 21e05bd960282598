//! Headers of safetensors files: what is accepted has its tensors one after the other up to the end of the
//! file, each as long as its shape says.

use std::path::Path;

use gouda::storage::tensor_header::{self, HEADER_MAX, LENGTH_BYTES};

pub fn check(bytes: &[u8]) -> bool {
    let path = Path::new("step.safetensors");
    let first = &bytes[..bytes.len().min(LENGTH_BYTES)];
    let file_bytes = bytes.len() as u64;
    let Ok(len) = tensor_header::length(path, first, file_bytes, HEADER_MAX as u64) else {
        return false;
    };
    let mut end = LENGTH_BYTES + len as usize;
    let Ok(places) = tensor_header::parse(path, &bytes[LENGTH_BYTES..end], file_bytes) else {
        return false;
    };
    for place in places {
        assert_eq!(place.bytes.start, end);
        let entries: usize = place.shape.iter().product();
        assert_eq!(place.bytes.len(), entries * place.dtype.bytes());
        end = place.bytes.end;
    }
    assert_eq!(end, bytes.len());
    true
}
