//! Section 9: definitions, settings and what identifies the run.

use crate::ablate::Rate;
use crate::findings::Results;

use super::page::{self, details, lead};
use super::svg::escape;

/// The section's markup.
pub fn body(results: &Results) -> String {
    let run = &results.run;
    let rates: String = Rate::ALL
        .iter()
        .map(|rate| format!("<b>{}</b> {}", rate.name(), escape(rate.meaning())))
        .collect::<Vec<_>>()
        .join("; ");
    let terms = [
        ("Rates", format!("Held-out, full-size mazes; every rate is a mean over mazes, computed from the policy's action \
             probabilities. What the cheese adds is the probability of reaching its cell in time where it is seen, less that where it \
             is hidden. {rates}.")),
        (
            "Loss",
            "R = (m − floor)/(m₀ − floor), with m the edited, m₀ the unedited and floor the untrained \
             policy's rate on the same levels. The loss is 1 − R: 0 % keeps all that was learnt, 100 % \
             keeps nothing, and no loss is larger; below 0 % the edit improved it. Intervals are \
             95 % percentile bootstraps over mazes, which the situations share."
                .to_owned(),
        ),
        (
            "Claims A and B",
            "A: what the cheese adds in the region falls in both directions; the corner (S5, S1's entry into the region, and balanced) \
             holds. B: the corner (S5, S4's region, and balanced) falls; what the cheese adds in the region and near holds in both \
             directions. The rule: every target loses at least half, every spared rate at most a tenth with its \
             whole 95 % interval. A behaviour that training did not teach (a rise of less than a tenth, or \
             of none within its interval) can be neither lost nor spared: the claim cannot be judged."
                .to_owned(),
        ),
        (
            "Selectivity",
            "The least loss among the targets minus the worst loss among the spared; its interval finds \
             the worst anew in every draw. p is the share of random controls of the same length or number that come \
             as far inside the rule on selection levels, (1 + n)/(1 + N) or ten over the draws that gave \
             ten; before it the same times the candidates that the choice was made among."
                .to_owned(),
        ),
        (
            "Baselines, reached",
            format!(
                "The dumbest explanations, each with as many tries as the edit that is held against them: {}. A claim is reached where the \
                 rule is met and the selectivity is certainly above all of theirs, on the same mazes in every draw of a bootstrap. The \
                 blindfold (the weights that read the cheese's plane taken away) and the mask oracle are known answers.",
                crate::findings::Family::BASELINES.map(|family| family.name()).join(", ")
            ),
        ),
        (
            "Choosing and testing",
            "Members, signs and doses were chosen on selection levels; the numbers here are from test levels \
             that were looked at once, after the choice. Controls are chosen the same way from their own \
             families."
                .to_owned(),
        ),
        (
            "G = U S Vᵀ",
            "The gradients the optimiser received, one column a recorded step, parameters along the rows. A \
             left vector u is a direction in parameters, a right vector v its course over training."
                .to_owned(),
        ),
        (
            "Temporal index TI",
            "Mean time of v² minus mean time of the squared column norms, with training as 0 to 1: negative is \
             early, positive late. A label needs TI and t50 to agree, the parameters to \
             have moved farther along u than along a random direction, and the nulls to reject. t50: when \
             they had moved half of their way along u for good; early or late against the same of the whole \
             displacement. Otherwise there is no label."
                .to_owned(),
        ),
        (
            "Participation",
            "1/(T Σ v⁴): 1 for an even course, less for one that is confined to a part of training, near 0 for a spike.".to_owned(),
        ),
    ];
    let facts = [
        ("Command", &run.command),
        ("Version", &run.version),
        ("SHA-256 of the settings", &run.config_sha256),
        ("Checksum of the gradients", &run.gradient_checksum),
    ];
    let settings = format!(
        "<pre tabindex=\"0\"><code>{}</code></pre>\n",
        escape(&run.config)
    );
    format!(
        "{}{}<h3>What identifies this run</h3>\n{}{}",
        lead(&format!(
            "One run with seed {} says what happened in that run; over seeds it may be otherwise. The \
             settings were frozen, and their hash taken, before test levels were looked at.",
            run.seed
        )),
        page::terms(&terms),
        page::facts(&facts),
        details("All settings, as TOML", false, &settings)
    )
}
