//! What `gouda circuits` prints of causal scrubbing, and of any share.

use std::io::Write;

use crate::circuits::{Scrubbed, Share};
use crate::storage::shown::{cut, plain};

/// The table of hypotheses.
pub fn scrubbed(all: &[Scrubbed], out: &mut dyn Write) -> std::io::Result<()> {
    writeln!(
        out,
        "hypotheses; recovered by causal scrubbing, and the 10, 50 and 90 % quantiles over states"
    )?;
    writeln!(
        out,
        "  {:<26} {:>15} {:>20} {:>6} {:>14} {:>7} {:>10}",
        "hypothesis", "recovered", "quantiles", "nodes", "channels", "states", "unmatched"
    )?;
    for one in all {
        let quantiles = one.quantiles.map(|q| match q.is_finite() {
            true => format!("{q:+.2}"),
            false => "-".into(),
        });
        writeln!(
            out,
            "  {:<26} {:>15} {:>20} {:>6} {:>14} {:>7} {:>10}",
            name(one),
            share(&one.recovered),
            quantiles.join(" "),
            one.nodes,
            format!("{} ({:.0} %)", one.channels, 100.0 * one.channel_share),
            one.states,
            format!("{:.1} %", 100.0 * one.unmatched),
        )?;
    }
    writeln!(out)
}

/// It may be anyone's.
fn name(one: &Scrubbed) -> String {
    cut(&plain(&one.hypothesis.name).replace('\n', "\\n"), 80, 20)
}

/// "+0.46 ± 0.09".
pub fn share(share: &Share) -> String {
    match (share.value.is_finite(), share.error.is_finite()) {
        (false, _) => "not defined".into(),
        (_, false) => format!("{:+.2}", share.value),
        _ => format!("{:+.2} ± {:.2}", share.value, 1.96 * share.error),
    }
}
