//! What `gouda svd` shows of what it found.

use std::io::Write;

use crate::cli::Error;
use crate::svd::Decomposition;
use crate::svd::bounds::bounds;
use crate::svd::lanczos::{CrossCheck, Verdict};

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
    if rank < requested && found.is_whole() {
        writeln!(
            out,
            "the matrix has numerical rank {rank}, {requested} was asked for"
        )?;
    } else if rank < requested {
        writeln!(
            out,
            "{rank} triplets were found, {requested} were asked for; the rest was not looked through"
        )?;
    }
    Ok(())
}

/// What is proved of the values that the triplets leave out, and what is only likely.
pub(super) fn others(found: &Decomposition, out: &mut dyn Write) -> Result<(), Error> {
    let bounds = bounds(found);
    let Some(likely) = bounds.likely.filter(|_| found.rank > 0) else {
        return Ok(());
    };
    writeln!(
        out,
        "proved: no other singular value is above {:.3e}",
        bounds.others_at_most
    )?;
    writeln!(
        out,
        "likely (all but {:.0e}): none is above {:.3e}; the triplets leave out {:.3e} at least",
        1.0 - likely.probability,
        likely.others_likely_at_most,
        likely.others_at_least
    )?;
    let last = found.s[found.rank - 1];
    let told = if likely.others_at_least > last + found.residual(found.rank - 1) {
        if found.converged {
            "some of that is above the last of these, by less than the tolerance"
        } else {
            "so a singular value above the last of these was MISSED"
        }
    } else if likely.others_likely_at_most > last * (1.0 + 1e-9) && !found.is_whole() {
        "so one above the last of these is not ruled out"
    } else {
        return Ok(());
    };
    Ok(writeln!(out, "{told}")?)
}

/// What the cross-check found, in words.
pub(super) fn describe(check: &CrossCheck) -> String {
    match check {
        CrossCheck::Compared {
            worst_difference,
            verdict,
            ..
        } => {
            let differ =
                format!("singular values differ by at most {worst_difference:.1e} of the largest");
            match verdict {
                Verdict::Agree => differ,
                Verdict::DecompositionLow(i) => {
                    format!(
                        "{differ}; Lanczos has a larger number {i}: this decomposition MISSED it"
                    )
                }
                Verdict::LanczosLow(i) => {
                    format!(
                        "{differ}; Lanczos's number {i} is too low: this decomposition is right"
                    )
                }
            }
        }
        CrossCheck::Refused(reason) => format!("not run: {reason}"),
    }
}
