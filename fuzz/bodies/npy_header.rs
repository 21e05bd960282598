//! Headers of `.npy` files: what is accepted has the size it says, and is written back the same.

use std::path::Path;

use gouda::storage::npy;

pub fn check(bytes: &[u8]) -> bool {
    // Whole files, and heads of longer ones: the first byte says how much longer.
    let lengths = [
        bytes.len() as u64,
        bytes.len() as u64 + u64::from(bytes.first().copied().unwrap_or(0)) * 8,
    ];
    let mut is_accepted = false;
    for file_bytes in lengths {
        if let Ok(header) = npy::parse(Path::new("x.npy"), bytes, file_bytes) {
            is_accepted = true;
            let data = (header.len() * header.dtype.bytes()) as u64;
            assert_eq!(header.data_offset as u64 + data, file_bytes);
            if !header.fortran_order && header.dtype != npy::Dtype::F16 {
                let again = npy::header(header.dtype, &header.shape);
                let read = npy::parse(Path::new("y.npy"), &again, again.len() as u64 + data);
                let read = read.expect("a header that was written is read");
                assert_eq!((read.dtype, read.shape), (header.dtype, header.shape));
            }
        }
    }
    is_accepted
}
