//! What `gouda svd` shows of what it found.

use std::io::Write;

use crate::cli::Error;
use crate::svd::lanczos::CrossCheck;
use crate::svd::{Decomposition, Stop};

/// The triplets, one a line.
pub(super) fn table(found: &Decomposition, out: &mut dyn Write) -> Result<(), Error> {
    writeln!(
        out,
        "   i       sigma  |G v - s u|  |G'u - s v|   explained"
    )?;
    for (i, share) in found.explained().iter().enumerate() {
        let (left, right) = (found.left_residuals[i], found.right_residuals[i]);
        writeln!(
            out,
            "{i:>4} {:>11.5e} {left:>12.1e} {right:>12.1e} {:>9.2} %",
            found.s[i],
            100.0 * share
        )?;
    }
    let (rank, requested) = (found.rank, found.requested);
    if rank < requested && found.stop == Stop::MaxPasses {
        writeln!(
            out,
            "so few passes gave {rank} triplets, {requested} were asked for"
        )?;
    } else if rank < requested {
        writeln!(
            out,
            "the matrix has numerical rank {rank}, {requested} was asked for"
        )?;
    }
    Ok(())
}

/// What the cross-check found, in words.
pub(super) fn describe(check: &CrossCheck) -> String {
    match check {
        CrossCheck::Compared {
            worst_difference, ..
        } => {
            format!("singular values differ by at most {worst_difference:.1e} of the largest")
        }
        CrossCheck::Refused(reason) => format!("not run: {reason}"),
    }
}
