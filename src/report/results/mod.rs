//! RESULTS.md: one question, one answer, one small table each, from study.json alone.
//!
//! Pure: the same [`Study`] gives the same text. Every sentence is built from a number and its interval. What does not fit is in
//! the appendix of the page and in the tables (`super::csv`).

mod claim;
mod figures;
mod known;
mod learnt;
mod limits;
mod rivals;
mod time;

use crate::ablate::Claim;
use crate::findings::Study;

use super::csv;

pub use figures::{drawing, index_against_effect};

/// One section.
pub struct Section {
    /// Its place in the page, `#id`.
    pub id: &'static str,
    /// A word for the contents.
    pub short: &'static str,
    /// Its heading.
    pub title: &'static str,
    /// The answer.
    pub answer: String,
    /// Its text, without the heading and the answer.
    pub text: String,
}

impl Section {
    /// The answer, if there is one, and the text.
    pub fn body(&self) -> String {
        match self.answer.as_str() {
            "" => self.text.clone(),
            answer => format!("**{answer}**\n\n{}", self.text),
        }
    }
}

/// The folder of the figures, beside the text.
pub const FIGURES: &str = "figures";

/// The text, each figure by the name of its file.
pub fn results_md(study: &Study) -> String {
    let mut text = format!("# Results\n\n{}", head(study));
    for (number, section) in sections(study).into_iter().enumerate().skip(1) {
        text += &format!("\n## {number}. {}\n\n{}", section.title, section.body());
        if let Some(drawing) = drawing(study, section.id) {
            let name = file_name(section.id);
            text += &format!("\n![{}]({FIGURES}/{name})\n", drawing.title);
        }
    }
    text
}

/// The figures of RESULTS.md, each with the name of its file.
pub fn figures(study: &Study) -> Vec<(String, String)> {
    let all = sections(study).into_iter();
    all.filter_map(|section| {
        let drawing = drawing(study, section.id)?;
        Some((file_name(section.id), drawing.file()))
    })
    .collect()
}

/// What the figure of the section `id` is called.
pub fn file_name(id: &str) -> String {
    format!("{id}.svg")
}

/// Its sections; the first is what stands above all.
pub fn sections(study: &Study) -> Vec<Section> {
    let section = |id, short, title, answer, text| Section {
        id,
        short,
        title,
        answer,
        text,
    };
    vec![
        section("head", "In short", "In short", String::new(), head(study)),
        section(
            "learnt",
            "Learnt",
            "What does the agent learn, and when?",
            learnt::sentence(study),
            learnt::learnt(study),
        ),
        section(
            "claim-a",
            "A",
            "A: can the walk to the cheese be taken away, and the walk to the corner left?",
            claim::sentence(study, Claim::A),
            claim::claim(study, Claim::A),
        ),
        section(
            "claim-b",
            "B",
            "B: can the walk to the corner be taken away, and the walk to the cheese left?",
            claim::sentence(study, Claim::B),
            claim::claim(study, Claim::B),
        ),
        section(
            "time",
            "Time",
            "Does time tell which component serves what?",
            time::sentence(study),
            time::time(study),
        ),
        section(
            "weights",
            "Weights",
            "Why gradients and not weights?",
            rivals::weights_sentence(study),
            rivals::weights(study),
        ),
        section(
            "rivals",
            "Rivals",
            "Why SVD, and not tracing, patching, scrubbing or reading by hand?",
            rivals::sentence(study),
            rivals::rivals(study),
        ),
        section(
            "known",
            "Known answers",
            "Is found what is known to be there?",
            known::sentence(study),
            known::known(study),
        ),
        section(
            "again",
            "Learnt again",
            "What happens when training goes on, or is repeated without components?",
            String::new(),
            time::again(study),
        ),
        section(
            "limits",
            "Limits",
            "What was not reached, and what this cannot say",
            String::new(),
            limits::limits(study),
        ),
        section(
            "data",
            "Data",
            "Where the numbers are",
            String::new(),
            data(study),
        ),
    ]
}

fn head(study: &Study) -> String {
    let seeds = study.seeds.len();
    let note = match study.note.as_str() {
        "" => String::new(),
        note => format!("{note}\n\n"),
    };
    let answers = [
        learnt::short(study),
        claim::short(study, Claim::A),
        claim::short(study, Claim::B),
    ];
    let answers: String = answers.iter().map(|one| format!("- {one}\n")).collect();
    format!(
        "{note}{answers}\n\
         An agent was trained in mazes whose cheese lies in the top-right cells, the *region*, on {seeds} seed{} of preset `{}`. **A** asks for an edit \
         of its parameters that takes what the cheese adds and leaves the walk to the corner, **B** for the reverse. Each names rates that are to go and rates that \
         are to stay. Its *rule* is met where all of the former lose at least half of what training gained, and all of the latter certainly at most a tenth. \
         *Selectivity* is the least loss of the former less the worst of the latter; 1 is all that can be wished for. A claim is *reached* where the rule is met and selectivity is \
         certainly above that of every *baseline*, the best of as many tries each, and of random edits of its own kind. Both are counted over all seeds, also those \
         on which the claim cannot be judged. *Above* is selectivity above that of the baseline, or of the random edits of its own kind, above which it is least, seed by seed, \
         its p adjusted (Holm) over the proposal's own edits and both claims. Rates are probabilities computed from the policy's own, means over {} test levels. Brackets are 95 % intervals over \
         seeds, of selectivity over seeds and mazes. p is the exact sign-flip test over seeds, which cannot fall below {:.3} here. METHOD.md defines the rest.\n",
        if seeds == 1 { "" } else { "s" },
        study.preset,
        study.test_levels,
        0.5f64.powi(seeds as i32 - 1).min(1.0),
    )
}

fn data(study: &Study) -> String {
    let files: String = csv::FILES
        .iter()
        .map(|file| format!("- `tables/{}`: {}\n", file.name, file.columns))
        .collect();
    let sums: Vec<String> = study
        .seeds
        .iter()
        .map(|one| {
            let choices = &one.frozen_sha256[..12.min(one.frozen_sha256.len())];
            format!("{} {} {choices}", one.seed, one.gradient_checksum)
        })
        .collect();
    format!(
        "`gouda report` on this directory makes this text, the tables and the page with its figures and its appendix anew from \
         `study.json`. The command was `{}` (gouda {}; SHA-256 of the settings, its first digits: {}). Seed, checksum of its gradients, and first digits of the \
         SHA-256 of its choices, taken before test levels were made: {}. Numbers in the tables are rounded to a millionth.\n\n{files}",
        study.command,
        study.version,
        &study.config_sha256[..16.min(study.config_sha256.len())],
        sums.join("; "),
    )
}
