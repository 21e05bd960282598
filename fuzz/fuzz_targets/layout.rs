//! RUSTC_BOOTSTRAP=1 cargo fuzz run layout -- -max_total_time=600

#![no_main]

#[path = "../bodies/mod.rs"]
mod bodies;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    bodies::named("layout")(bytes);
});
