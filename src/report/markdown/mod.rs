//! RESULTS.md: what the study found, sentence by sentence and table by table, from study.json alone.
//!
//! Pure: the same [`Study`] gives the same text. No adjective: every sentence is built from a number,
//! its interval and its p-value, and names the field of study.json that holds it.

mod behaviour;
mod methods;
mod tables;

use crate::study::confirmation::Study;

/// The text.
pub fn results_md(study: &Study) -> String {
    [
        head(study),
        behaviour::premise(study),
        behaviour::claims(study),
        methods::currency(study),
        methods::gradients_or_weights(study),
        methods::temporal(study),
        methods::directions(study),
        methods::places(study),
        methods::relearning(study),
        methods::planted(study),
        methods::failed(study),
        methods::cost(study),
    ]
    .join("\n")
}

fn head(study: &Study) -> String {
    let seeds: Vec<String> = study.seeds.iter().map(|s| s.seed.to_string()).collect();
    format!(
        "# Results\n\n\
         Written by `{}` (gouda {}, preset {}, seeds {}; SHA-256 of the settings {}).\n\
         The figures are those of `study.json` beside this file; each section names the field and the \
         source that made it. \
         Rates are exact: the probability of success on a level, from the policy's own action \
         probabilities, averaged over {} test levels a situation. Intervals are 95 %, bootstrap over \
         seeds and within a seed over mazes; p over seeds is the exact sign-flip test, which cannot \
         fall below {:.3} with {} seeds. METHOD.md defines the rest.\n",
        study.command,
        study.version,
        study.preset,
        seeds.join(", "),
        &study.config_sha256[..16.min(study.config_sha256.len())],
        test_levels(study),
        0.5f64.powi(study.seeds.len() as i32 - 1).min(1.0),
        study.seeds.len(),
    )
}

/// From the settings.
fn test_levels(study: &Study) -> String {
    let settings: Result<toml::Table, _> = study.config.parse();
    let levels = settings
        .ok()
        .and_then(|settings| settings.get("study")?.get("test_levels")?.as_integer());
    levels.map_or("?".into(), |levels| levels.to_string())
}
