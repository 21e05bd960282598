//! The report: one HTML file that needs nothing else, its figures drawn here as SVG.
//!
//! Pure: the same [`Results`] and [`Circuits`] give the same text. Sentences are built from the numbers, so that a
//! negative finding reads as one; numbers that are missing or not finite are dashes.

mod appendix;
mod axes;
mod choices;
mod circuits;
mod csv;
mod dose;
mod figure;
mod forest;
mod learning;
mod loss_change;
mod matrix;
mod mazes;
mod number;
mod page;
mod reading;
mod results;
mod scatter;
mod spectrum;
mod study;
mod summary;
mod svg;
mod sweep;
mod tables;
mod tensors;
mod vectors;
mod verdict;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;

pub use csv::FILES;
pub use matrix::matrix_html;
pub use number::plural;
pub use results::{FIGURES, figures, results_md};
pub use study::study_html;
pub use sweep::{sweep_csv, sweep_html};

use crate::findings::Results;
use crate::findings::tracing::Circuits;

use page::Section;

/// The page that shows `results`, and `circuits` where they were traced.
pub fn html(results: &Results, circuits: Option<&Circuits>) -> String {
    let section = |id, short, question, body| Section {
        id,
        short,
        question,
        body,
    };
    let mut sections = vec![
        section(
            "summary",
            "Summary",
            "What was run, and what came out?",
            summary::body(results),
        ),
        section(
            "learning",
            "Learning",
            "When were the corner and the cheese learnt?",
            learning::body(results),
        ),
        section(
            "spectrum",
            "Spectrum",
            "How many directions stand out from noise?",
            spectrum::body(&results.decompositions),
        ),
        section(
            "time",
            "Time",
            "Are some directions early and others late?",
            vectors::body(&results.decompositions, &|d| {
                let mut temporal = results.found.temporal.iter();
                temporal.find(|one| one.decomposition == d.of)?.correlation
            }),
        ),
        section(
            "place",
            "Place",
            "Where in the network do they lie?",
            tensors::body(&results.decompositions, &results.run.layout),
        ),
        section(
            "learnt",
            "Learnt",
            "Which tensors learnt what, when?",
            loss_change::body(results),
        ),
        section(
            "ablation",
            "Ablation",
            "What does removing them cost?",
            choices::body(results),
        ),
        section(
            "dose",
            "Dose",
            "How does the loss grow with the dose?",
            dose::body(results),
        ),
        section(
            "mazes",
            "Mazes",
            "What does the policy do in a maze, before and after?",
            mazes::body(results),
        ),
    ];
    sections.extend(circuits.map_or(Vec::new(), circuits::sections));
    sections.push(section(
        "reading",
        "Definitions",
        "How is this to be read?",
        reading::body(results),
    ));
    let run = &results.run;
    let title = format!("gouda: {}, seed {}", run.preset, run.seed);
    let byline = format!(
        "gouda {}, preset {}, seed {}",
        run.version, run.preset, run.seed
    );
    page::page(
        &title,
        "Corner or cheese: what the gradients tell apart",
        &byline,
        &sections,
    )
}
