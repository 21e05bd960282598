//! RESULTS.md: what the study found, sentence by sentence and table by table, from study.json alone.
//!
//! Pure: the same [`Study`] gives the same text. No adjective: every sentence is built from a number,
//! its interval and its p-value, and names the field of study.json that holds it.

mod behaviour;
mod details;
mod methods;
mod planted;
mod question;
mod tables;

use crate::ablate::Claim;
use crate::findings::Study;

/// One section.
pub struct Section {
    /// Its place in the page, `#id`.
    pub id: &'static str,
    /// A word for the contents.
    pub short: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// Its text, without the heading.
    pub text: String,
}

/// The text.
pub fn results_md(study: &Study) -> String {
    let mut text = format!("# Results\n\n{}", head(study));
    for (number, section) in sections(study).into_iter().enumerate().skip(1) {
        text += &format!("\n## {number}. {}\n\n{}", section.title, section.text);
    }
    text
}

/// Its sections; the first is what stands above all.
pub fn sections(study: &Study) -> Vec<Section> {
    let section = |id, short, title, text| Section {
        id,
        short,
        title,
        text,
    };
    vec![
        section("head", "Head", "What was run?", head(study)),
        section(
            "premise",
            "Premise",
            "The premise: is the corner learnt before the cheese?",
            behaviour::premise(study),
        ),
        section(
            "claim-a",
            "A",
            "A: the walk to the cheese removed, the corner kept",
            behaviour::claim(study, Claim::A),
        ),
        section(
            "claim-b",
            "B",
            "B: the walk to the corner removed, the cheese kept",
            behaviour::claim(study, Claim::B),
        ),
        section(
            "currency",
            "Locators",
            "Every locator in one currency: its top parameters reset",
            methods::currency(study),
        ),
        section(
            "weights",
            "Weights",
            "Why gradients and not weights?",
            methods::gradients_or_weights(study),
        ),
        section(
            "question",
            "Patching",
            "Why SVD at all, and not tracing, patching, scrubbing or circuits read by hand?",
            question::question(study),
        ),
        section(
            "temporal",
            "Time",
            "The temporal claim: do early components hurt the corner and late ones the cheese?",
            methods::temporal(study),
        ),
        section(
            "directions",
            "Directions",
            "What the chosen directions are",
            details::directions(study),
        ),
        section(
            "places",
            "Places",
            "Where the locators point",
            details::places(study),
        ),
        section(
            "relearning",
            "Relearning",
            "How fast ablated behaviours come back",
            details::relearning(study),
        ),
        section(
            "retraining",
            "Retraining",
            "Training again with components projected out",
            details::retraining(study),
        ),
        section(
            "planted",
            "Planted",
            "Planted truth: what is found where the answer is known",
            planted::planted(study),
        ),
        section("failed", "Failed", "What failed", details::failed(study)),
        section(
            "cost",
            "Cost",
            "What it took, and what froze the choices",
            details::cost(study),
        ),
    ]
}

fn head(study: &Study) -> String {
    let seeds: Vec<String> = study.seeds.iter().map(|s| s.seed.to_string()).collect();
    format!(
        "{}Written by `{}` (gouda {}, preset {}, seeds {}; SHA-256 of the settings {}).\n\
         Every figure is one of `study.json`; each section names the field and the source that made it. \
         Rates are exact: the probability of success on a level, from the policy's own action \
         probabilities; those of the premise and of A and B are means over {} test levels a situation, \
         their intervals (95 %) bootstraps over seeds and the mazes that all of them share. Elsewhere \
         rates are of selection levels (relearning: curve levels) and intervals bootstraps over seeds. p \
         over seeds is the exact sign-flip test, which cannot fall below {:.3} with {} seeds. Seeds 0 \
         and 1 were tuned on, 2 to 13 looked at while methods were added. METHOD.md defines the rest.\n\n{}",
        note(study),
        study.command,
        study.version,
        study.preset,
        seeds.join(", "),
        &study.config_sha256[..16.min(study.config_sha256.len())],
        study.test_levels,
        0.5f64.powi(study.seeds.len() as i32 - 1).min(1.0),
        study.seeds.len(),
        behaviour::short(study),
    )
}

/// What was noted beside the study.
fn note(study: &Study) -> String {
    match study.note.as_str() {
        "" => String::new(),
        note => format!("{note}\n\n"),
    }
}
