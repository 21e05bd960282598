//! What is found where the answer is known.

use crate::ablate::Claim;
use crate::findings::{Family, Study};
use crate::locators::{Group, Method};
use crate::report::number::fixed;
use crate::report::tables::{table, told};

use super::rivals::{areas, planted};

/// Methods in the table.
const SHOWN: usize = 10;

/// The mean of both areas.
fn area(study: &Study, method: Method) -> Option<f64> {
    let [a, b] = areas(study, method)?;
    Some((a + b) / 2.0)
}

/// Methods that were asked about the composed policies, best first.
fn asked(study: &Study) -> Vec<(Method, f64)> {
    let all = Method::ALL.into_iter();
    let mut asked: Vec<(Method, f64)> = all
        .filter_map(|method| Some((method, area(study, method)?)))
        .collect();
    asked.sort_by(|a, b| b.1.total_cmp(&a.1));
    asked
}

/// The best, and the gradient SVDs, best first.
pub fn found_best(study: &Study) -> Vec<Method> {
    let all = asked(study).into_iter().enumerate();
    all.filter(|(rank, (method, _))| *rank < SHOWN || method.group() == Group::GradientSvd)
        .map(|(_, (method, _))| method)
        .collect()
}

/// The answer.
pub fn sentence(study: &Study) -> String {
    let blindfold = study.summary.families[Claim::A].iter();
    let mut blindfold = blindfold.filter(|one| one.family == Family::Blindfold);
    let met = blindfold.next().map_or("It was not tried".into(), |one| {
        format!("It meets A on {} of {} seeds", one.successes, one.seeds)
    });
    let asked = asked(study);
    let place = |group: Group| {
        let at = asked
            .iter()
            .position(|(method, _)| method.group() == group)?;
        let (method, area) = asked[at];
        Some(format!(
            "{} (mean area {}, place {} of {})",
            method.name(),
            fixed(area, 2),
            at + 1,
            asked.len()
        ))
    };
    let plants = match place(Group::GradientSvd) {
        Some(own) => format!(
            " Of two towers in one network that were taught apart, the best gradient SVD is {own}"
        ),
        None => format!(" {}", policies(study)),
    };
    format!(
        "The blindfold, the weights that see the cheese taken away, is known to take the cheese alone. {met}.{plants}."
    )
}

/// What was made to be asked about.
fn policies(study: &Study) -> String {
    let all = &study.calibration.composed;
    let counted = all.iter().filter(|one| one.counts()).count();
    match all.len() {
        0 => "No policy of known parts was made".into(),
        len => format!(
            "Two towers that meet at the logits only were taught apart, one the way to the corner and one the way to the cheese; {counted} of {len} such policies \
             count, each tower reset taking its own behaviour and leaving the other's"
        ),
    }
}

/// All of it.
pub fn known(study: &Study) -> String {
    let calibration = &study.calibration;
    let asked = asked(study);
    let rows = found_best(study).into_iter().map(|method| {
        vec![
            method.name().to_owned(),
            told(method.supervision()).into(),
            planted(study, method),
        ]
    });
    let missed: Vec<&str> = calibration.missed().into_iter().map(Method::name).collect();
    let areas = match asked.is_empty() {
        true => "Methods were not asked.\n".into(),
        false => table(&["method", "was told", "area"], rows),
    };
    format!(
        "{}. Area under the ROC curve, the parameters of the tower that a claim takes against the other's, for A and B; the gradient SVDs and the best {SHOWN}, all \
         are in `tables/known.csv`:\n\n{areas}\n\
         Methods that missed an easy plant, or tell the towers apart with an area below .8, say little where they find nothing: {}.\n",
        policies(study),
        match missed.is_empty() {
            true => "none".into(),
            false => missed.join("; "),
        },
    )
}
