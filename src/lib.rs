//! Which parameters learned which behaviour, told from the training gradients.
//!
//! Data flows down this list, and imports point only up it (`tests/layering.rs`). The blank lines
//! keep the formatter from sorting it.

// Scalars, kernels, fixed-order sums, random streams, statistics: numbers in, numbers out.
pub mod numeric;

// Every file the program touches passes through here: bytes in, sealed files out.
pub mod storage;

// A level seed goes in; levels, shortest paths, games and observations come out.
pub mod maze;

// Observations and parameters go in; logits, values and their gradients come out.
pub mod nn;

// Settings and a seed go in; one optimiser step after another comes out, each with its gradient.
pub mod ppo;

// Gradients go in step by step; a matrix time x parameters comes out, on disk.
pub mod gradients;

// A matrix goes in; its leading singular triplets come out, with a certificate.
pub mod svd;

// Singular triplets go in; what each says about time and about parameters comes out.
pub mod locate;

// Parameters and directions go in; edited parameters and what they lost come out.
pub mod ablate;

// A policy and pairs of states go in; what its activations and paths carry comes out.
pub mod circuits;

// A run goes in; which parameters serve which behaviour comes out, by one method a file.
pub mod locators;

// What a run found goes in and comes out again: the forms of the files that a report is made from.
pub mod findings;

// Settings go in; a trained run comes out, on disk.
pub mod experiment;

// A trained run goes in; edits tried, choices frozen and tested come out.
pub mod protocol;

// Seeds of the protocol go in; what they say together comes out.
pub mod over_seeds;

// Results go in; one offline HTML page comes out.
pub mod report;

// A command line goes in; words on the terminal and an exit code come out.
pub mod cli;
