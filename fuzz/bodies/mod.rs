//! What holds of every input, one file a kind: the targets of cargo-fuzz (`fuzz/fuzz_targets`) and
//! `tests/fuzz.rs` call the same functions.
//!
//! A body takes any bytes, must not panic, and asserts what is promised of an input that is
//! accepted; it returns whether this one was.

mod checkpoint;
mod dask_info;
mod hypothesis;
mod layout;
mod level;
mod manifest;
mod metrics;
mod npy_header;
mod resume_point;
mod run_manifest;
mod scratch;
mod set;
mod settings;
mod tensor_header;

/// What holds of an input, and whether it is accepted.
pub type Body = fn(&[u8]) -> bool;

/// Every body, by the name of its target and of its folder in `fuzz/corpus`.
pub const ALL: [(&str, Body); 13] = [
    ("checkpoint", checkpoint::check),
    ("dask_info", dask_info::check),
    ("hypothesis", hypothesis::check),
    ("layout", layout::check),
    ("level", level::check),
    ("manifest", manifest::check),
    ("metrics", metrics::check),
    ("npy_header", npy_header::check),
    ("resume_point", resume_point::check),
    ("run_manifest", run_manifest::check),
    ("set", set::check),
    ("settings", settings::check),
    ("tensor_header", tensor_header::check),
];

/// The body of the target `name`.
pub fn named(name: &str) -> Body {
    let found = ALL.iter().find(|(known, _)| *known == name);
    found.expect("one of the targets").1
}
