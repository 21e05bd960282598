//! The rates as a table.

use std::io::Write;

use crate::ablate::{Claim, PerClaim, Rate};

use super::rates::{Estimate, Found, Measured, thousandths};

/// What the columns show.
pub struct Table<'a> {
    /// The policy that is measured, unedited.
    pub base: &'a Measured,
    /// What an edit makes of it.
    pub edited: Option<(&'a Measured, &'a PerClaim<Found>)>,
}

impl Table<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// An output that cannot be written.
    pub fn write(&self, out: &mut dyn Write) -> std::io::Result<()> {
        let edited = |text: &str| match self.edited {
            Some(_) => format!("  {text:<26}  {:<26}", "  loss"),
            None => String::new(),
        };
        let head = edited("edited");
        writeln!(
            out,
            "{:<22}  {:<26}{head}  what it is",
            "rate", " value  95 % interval"
        )?;
        for rate in Rate::ALL {
            let base = columns(self.base.rates[rate]);
            let more = self.edited.map(|(edited, claims)| {
                // The losses are the same under either claim.
                let loss = claims[Claim::A].losses[rate];
                // A preference for a direction is nothing to lose.
                (edited.rates[rate], (rate != Rate::Compass).then_some(loss))
            });
            row(out, rate.name(), &base, more, rate.meaning())?;
        }
        type Of = fn(&Measured) -> Estimate;
        let others: [(&str, Of, &str); 4] = [
            (
                "decision, cheese",
                |m| m.p_cheese,
                "cheese off the way to the corner: where the ways part, the move to the cheese",
            ),
            (
                "decision, corner",
                |m| m.p_corner,
                "cheese off the way to the corner: where the ways part, the move to the corner",
            ),
            (
                "anywhere, cheese",
                |m| m.anywhere_cheese,
                "cheese anywhere outside of the region, mouse at the bottom-left: it is reached",
            ),
            (
                "anywhere, corner",
                |m| m.anywhere_corner,
                "cheese anywhere outside of the region: the very corner is entered, not after it",
            ),
        ];
        for (name, of, meaning) in others {
            let more = self.edited.map(|(edited, _)| (of(edited), None));
            row(out, name, &columns(of(self.base)), more, meaning)?;
        }
        let Some((_, claims)) = self.edited else {
            return Ok(());
        };
        writeln!(out)?;
        for (claim, found) in claims.pairs() {
            let asked = match claim {
                Claim::A => {
                    "claim A (what the cheese adds in the region goes, the walk to the corner stays)"
                }
                Claim::B => "claim B (the walk to the corner goes, what the cheese adds stays)",
            };
            writeln!(out, "{asked}\n  {}", found.verdict())?;
        }
        Ok(())
    }
}

fn row(
    out: &mut dyn Write,
    name: &str,
    base: &str,
    more: Option<(Estimate, Option<Estimate>)>,
    meaning: &str,
) -> std::io::Result<()> {
    let more = more.map_or(String::new(), |(edited, loss)| {
        let loss = loss.map_or(format!("{:>6}", "-"), columns);
        format!("  {:<26}  {loss:<26}", columns(edited))
    });
    writeln!(out, "{name:<22}  {base:<26}{more}  {meaning}")
}

/// A number and its interval, those of one column below each other.
fn columns(of: Estimate) -> String {
    let [value, low, high] = [of.value, of.low, of.high].map(thousandths);
    format!("{value:>6} ({low:>6} to {high:>6})")
}
