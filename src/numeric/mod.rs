//! Numbers the rest is built on: scalar types, `exp` and `ln` with the same bits everywhere, the
//! micro-kernel behind convolution and dense layers, fixed-order sums, random streams, statistics.

pub mod draws;
pub mod exp;
pub mod gather_gemm;
pub mod panel_gemm;
pub mod peak;
pub mod random;
pub mod real;
pub mod select;
pub mod simd;
pub mod statistics;
pub mod sum;

pub use real::Real;
