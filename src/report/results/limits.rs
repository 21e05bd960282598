//! What was not reached, and what the study cannot say.

use crate::findings::Study;
use crate::report::appendix::failed;

/// All of it.
pub fn limits(study: &Study) -> String {
    let seeds = study.seeds.len();
    let few = match seeds {
        0..6 => format!(
            "- {seeds} seed{} cannot give a p of .05: the exact test needs six.\n",
            if seeds == 1 { "" } else { "s" }
        ),
        _ => String::new(),
    };
    format!(
        "{}{few}\
         - Chosen after looking: the settings of `quick` and `scheduled` on seed 0, the measures after seeds 2 to 13. Edits, signs and doses are chosen on \
         selection levels and frozen before test levels are made.\n\
         - One setting says nothing of another: worlds, networks and rewards differ from the published ones (README, Presets).\n\
         - That no edit tried here does what a claim asks does not show that none can.\n",
        failed(study),
    )
}
