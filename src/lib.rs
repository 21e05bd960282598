//! Which parameters learned which behaviour, told from the training gradients.
//!
//! As a library this is three rooms: [`gradients`] writes, reads and selects a matrix time x parameters, in memory or in files larger
//! than memory, of `f32` or `f64`; [`svd`] takes its truncated singular value decomposition, with a certificate; [`locate`] says
//! of every component when it was active, beyond which nulls, and in which tensors it lies.
//!
//! ```
//! use gouda::gradients::Dense;
//! use gouda::locate::{self, Label, locate};
//!
//! // 300 steps x 40 parameters: the first ten are pushed to and fro during the first hundred steps, beside noise.
//! let mut state = 1u32;
//! let mut random = || {
//!     state = state.wrapping_mul(747_796_405).wrapping_add(2_891_336_453);
//!     (state >> 8) as f32 / (1 << 24) as f32 - 0.5
//! };
//! let mut values = Vec::new();
//! for step in 0..300 {
//!     let push = if step < 100 { random().signum() } else { 0.0 };
//!     values.extend((0..40).map(|parameter| random() + if parameter < 10 { push } else { 0.0 }));
//! }
//! let matrix = Dense::new(300, 40, values)?;
//! let tensors = [0..10, 10..40];
//! let found = locate::<locate::Error>(
//!     &matrix,
//!     &tensors,
//!     &locate::Options::with_rank(2),
//!     None,
//!     None,
//!     &mut |_| true,
//! )?;
//! assert_eq!(found.components[0].label, Label::Early);
//! let share = found.without_noise[0].as_ref().unwrap().by_tensor[0];
//! assert!(share.low > 0.9);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The program is everything else, and is built by the default feature `program`. Its rooms are public for its own tests and
//! benches alone: they may change in any release.
//!
//! Data flows down this list, and imports point only up it (`tests/layering.rs`). The blank lines
//! keep the formatter from sorting it.

#![warn(missing_docs)]

// Scalars, kernels, fixed-order sums, random streams, statistics: numbers in, numbers out.
#[doc(hidden)]
pub mod numeric;

// Every file the program touches passes through here: bytes in, sealed files out.
#[doc(hidden)]
pub mod storage;

// A level seed goes in; levels, shortest paths, games and observations come out.
#[doc(hidden)]
pub mod maze;

// Observations and parameters go in; logits, values and their gradients come out.
#[doc(hidden)]
pub mod nn;

// Settings and a seed go in; one optimiser step after another comes out, each with its gradient.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod ppo;

// Gradients go in step by step; a matrix time x parameters comes out, on disk.
pub mod gradients;

// A matrix goes in; its leading singular triplets come out, with a certificate.
pub mod svd;

// Singular triplets go in; what each says about time and about parameters comes out.
pub mod locate;

// Parameters and directions go in; edited parameters and what they lost come out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod ablate;

// A policy and pairs of states go in; what its activations and paths carry comes out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod circuits;

// A run goes in; which parameters serve which behaviour comes out, by one method a file.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod locators;

// What a run found goes in and comes out again: the forms of the files that a report is made from.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod findings;

// Settings go in; a trained run comes out, on disk.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod experiment;

// A trained run goes in; edits tried, choices frozen and tested come out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod protocol;

// Seeds of the protocol go in; what they say together comes out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod over_seeds;

// Results go in; one offline HTML page comes out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod report;

// A command line goes in; words on the terminal and an exit code come out.
#[cfg(feature = "program")]
#[doc(hidden)]
pub mod cli;
