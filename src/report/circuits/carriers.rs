//! Activation patching: layers, channels, and the cells of the leading channels.

use crate::findings::tracing::{Carrier, Circuits, TracedFact};
use crate::report::figure::figure;
use crate::report::number::{fixed, plural};
use crate::report::page::{details, lead, lead_list, note};
use crate::report::svg::escape;

use super::heat::{Heat, filled};
use super::look::{interval, largest, name, scale, with_interval};
use super::shares;

/// Channels drawn.
const CHANNELS: usize = 8;
/// A share from which on a channel counts.
const MUCH: f64 = 0.1;

/// The section's markup.
pub fn body(circuits: &Circuits) -> String {
    if circuits.facts.is_empty() {
        return lead("No pairs of states were patched.");
    }
    let opening: Vec<String> = circuits.facts.iter().map(opening).collect();
    let mut facts = circuits
        .facts
        .iter()
        .filter(|traced| traced.distinguished > 0);
    let first: String = facts.by_ref().take(1).map(fact).collect();
    let others: String = facts.map(fact).collect();
    let others = match others.is_empty() {
        true => others,
        false => details("The same for the other facts", false, &others),
    };
    format!(
        "{}{}{first}{others}{}",
        lead_list(&opening),
        shares::legend(),
        note(
            "Pairs of states of one level that differ in one fact, on discovery levels; the preference is the \
             best right logit minus the best other. A share of 1 is all of the difference; bars are 95 % \
             intervals over pairs. What everything later reads (the first layer, the stream after a layer, the \
             hidden layer) carries all of it by construction: the layers between are what is measured."
        )
    )
}

fn strongest(parts: &[Carrier]) -> Option<&Carrier> {
    let finite = parts.iter().filter(|found| found.effect().is_finite());
    finite.max_by(|a, b| a.effect().abs().total_cmp(&b.effect().abs()))
}

fn opening(traced: &TracedFact) -> String {
    let name = name(traced.sought, traced.fact);
    if traced.distinguished == 0 {
        return format!(
            "{name}: of {} the policy tells none apart; there is nothing to trace.",
            plural(traced.pairs, "pair")
        );
    }
    let distinguished = format!(
        "{name}: {} of {} pairs told apart",
        traced.distinguished, traced.pairs
    );
    // Those that carry all of it by construction say nothing.
    let partial = traced.layers.iter().filter(|found| {
        let is_whole = |value: f64| (value - 1.0).abs() < 1e-9;
        !(is_whole(found.restored.value) && is_whole(found.corrupted.value))
    });
    let partial: Vec<Carrier> = partial.cloned().collect();
    let layers = match strongest(&partial) {
        Some(most) => format!(
            "; of the layers that can be passed by, {} carries most and restores {}",
            escape(&most.part),
            with_interval(&most.restored)
        ),
        None => String::new(),
    };
    let Some(leading) = strongest(&traced.channels) else {
        return format!("{distinguished}{layers}.");
    };
    let clear = traced.channels.iter().filter(|found| {
        let (low, _) = interval(&found.restored);
        low > MUCH && interval(&found.corrupted).0 > MUCH
    });
    let clear = clear.count();
    let channels = match clear {
        0 => format!(
            "no single channel restores and corrupts clearly more than {}; the leading one, {}, restores {}",
            fixed(MUCH, 1),
            escape(&leading.part),
            with_interval(&leading.restored)
        ),
        _ => format!(
            "{} clearly restore and corrupt more than {} alone, {} leading with {} restored",
            plural(clear, "channel"),
            fixed(MUCH, 1),
            escape(&leading.part),
            with_interval(&leading.restored)
        ),
    };
    let channels = match clear {
        1 => channels.replacen(
            "clearly restore and corrupt",
            "clearly restores and corrupts",
            1,
        ),
        _ => channels,
    };
    format!("{distinguished}{layers}; {channels}.")
}

fn fact(traced: &TracedFact) -> String {
    let name = name(traced.sought, traced.fact);
    let over = format!("over {}", plural(traced.distinguished, "pair"));
    let channels = &traced.channels[..traced.channels.len().min(CHANNELS)];
    let layers = shares::shares("Layers, whole", &over, &traced.layers);
    let leading = format!("the {} with the greatest effects; {over}", channels.len());
    let channels = shares::shares("Single channels", &leading, channels);
    let all = traced
        .cells
        .iter()
        .flat_map(|cells| cells.restored.iter().flatten());
    let most = largest(all.copied());
    let cells: String = traced
        .cells
        .iter()
        .map(|cells| {
            let heat = Heat {
                largest: most,
                width: 150.0,
                has_numbers: false,
                level: &[],
                unit: "restored",
            };
            let label = format!("what each cell of {} restores", cells.part);
            let svg = heat.draw(&filled(&cells.restored), &label);
            let caption = format!("restored by each cell; {}", scale(most));
            figure("", &cells.part, &caption, "", &svg)
        })
        .collect();
    format!(
        "<h3>{name}</h3>\n<div class=\"panels wide\">\n{layers}{channels}</div>\n\
         <div class=\"panels small\">\n{cells}</div>\n"
    )
}
