//! No bytes make the reader of `.npy` headers panic, and what it accepts is sound.
//!
//! RUSTC_BOOTSTRAP=1 cargo fuzz run npy_header -- -max_total_time=600

#![no_main]

use std::path::Path;

use gouda::storage::npy;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // Whole files, and heads of longer ones: the first two bytes say how much longer.
    let lengths = [
        bytes.len() as u64,
        bytes.len() as u64 + u64::from(bytes.first().copied().unwrap_or(0)) * 8,
    ];
    for file_bytes in lengths {
        if let Ok(header) = npy::parse(Path::new("x.npy"), bytes, file_bytes) {
            let data = (header.len() * header.dtype.bytes()) as u64;
            assert_eq!(header.data_offset as u64 + data, file_bytes);
            // What is written back says the same.
            if !header.fortran_order && header.dtype != npy::Dtype::F16 {
                let again = npy::header(header.dtype, &header.shape);
                let read = npy::parse(Path::new("y.npy"), &again, again.len() as u64 + data);
                let read = read.expect("a header that was written is read");
                assert_eq!((read.dtype, read.shape), (header.dtype, header.shape));
            }
        }
    }
});
