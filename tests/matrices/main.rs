//! Matrices of others: read in every form, decomposed as numpy does, and what is located in them.

#[path = "../common/mod.rs"]
mod common;
mod foreign;
mod formats;
mod locate;
mod npy_headers;
mod svd_goldens;
