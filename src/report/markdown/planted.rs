//! What the methods find where the answer is known.

use crate::ablate::{PerRate, Rate};
use crate::findings::{Composed, Routed, Study};
use crate::locators::Method;
use crate::report::number::{NONE, fixed, signed};

use super::methods::mark;
use super::tables::table;

/// What is found where the answer is known.
pub fn planted(study: &Study) -> String {
    let calibration = &study.calibration;
    let mut plants: Vec<&str> = Vec::new();
    for one in &calibration.synthetic {
        if !plants.contains(&one.plant.as_str()) {
            plants.push(&one.plant);
        }
    }
    let mut headings = vec!["locator (area for A, B)"];
    headings.extend(&plants);
    headings.push("routed policy");
    if !calibration.composed.is_empty() {
        headings.push("composed policies");
    }
    let areas = |routed: Option<&Routed>| match routed.and_then(|one| one.areas) {
        Some([a, b]) => format!("{}, {}", fixed(a, 2), fixed(b, 2)),
        None => NONE.into(),
    };
    let rows = calibration.routed.iter().map(|routed| {
        let mut row = vec![format!(
            "{}{}",
            routed.locator.name(),
            mark(study, routed.locator)
        )];
        for plant in &plants {
            let mut found = calibration.synthetic.iter();
            let found = found.find(|c| c.locator == routed.locator && c.plant == *plant);
            row.push(match found.and_then(|c| c.areas.as_ref()) {
                Some([a, b]) => format!(
                    "{} ({}), {} ({})",
                    fixed(a.found, 2),
                    fixed(a.told_apart, 2),
                    fixed(b.found, 2),
                    fixed(b.told_apart, 2)
                ),
                None => NONE.into(),
            });
        }
        row.push(areas(Some(routed)));
        if !calibration.composed.is_empty() {
            let areas = calibration.composed_areas(routed.locator);
            let of = |areas: &Vec<f64>| {
                let all = areas.iter().map(|&area| fixed(area, 2));
                all.collect::<Vec<_>>().join("/")
            };
            row.push(areas.map_or(NONE.into(), |[a, b]| format!("{}, {}", of(&a), of(&b))));
        }
        row
    });
    format!(
        "`calibration`; src/locators/planted.rs, src/locators/calibration.rs, \
         src/over_seeds/planted.rs.\n\n\
         Area under the ROC curve of each locator's scores, for A, B: the parameters known to serve \
         the behaviour against all others and, in brackets, against those of the other behaviour \
         alone (a locator that takes one for the other is below .5 there). On made-up gradients, and on \
         a policy trained so that transitions outside of the region move one half of every layer and those inside the other (what the cheese adds in the region rose by {}, the corner by \
         {} in its training; where a rise is below .1 there is nothing to find). .5 is chance. An \
         asterisk: either area below .8 on an easy plant, or, for locators that only a policy can be \
         asked about, the mean of theirs on the composed policies. {} The streams of the routed policy are recorded before \
         routing, so that locators that read them cannot find its halves. {}{}\n\n{}",
        signed(calibration.learnt[0], 2),
        signed(calibration.learnt[1], 2),
        if calibration.untested().is_empty() {
            String::new()
        } else {
            format!(
                "Marked †, not calibrated, for no policy that learnt both was there to ask: {}.",
                names(calibration.untested())
            )
        },
        halves(study),
        composed(study),
        table(&headings, rows),
    )
}

fn losses(half: &PerRate<f64>) -> String {
    let loss = |rate: Rate| format!("{} {}", rate.name(), signed(half[rate], 2));
    [Rate::InUpRight, Rate::InDownLeft, Rate::S5, Rate::Corner]
        .map(loss)
        .join(", ")
}

/// What the composed policies are, and whether their halves serve what they learnt.
fn composed(study: &Study) -> String {
    let all = &study.calibration.composed;
    if all.is_empty() {
        return String::new();
    }
    let one = |composed: &Composed| {
        let [cheese, corner] = &composed.halves;
        format!(
            "What the cheese adds in the region {} and the walk to the corner {} above the untrained, losses with the cheese's half reset: {}; with the \
             corner's: {}",
            signed(composed.learnt[0], 2),
            signed(composed.learnt[1], 2),
            losses(cheese),
            losses(corner)
        )
    };
    format!(
        " The composed policies have halves that were trained apart and meet at the logits only: one never \
         saw a cheese, the other learnt with cheese anywhere ({}). {} of {} learnt both behaviours; these \
         decide for the locators that only a policy can be asked about.",
        all.iter().map(one).collect::<Vec<_>>().join(". "),
        all.iter().filter(|composed| composed.took()).count(),
        all.len()
    )
}

/// Whether the halves of the routed policy serve what they learnt from.
fn halves(study: &Study) -> String {
    let [inside, outside] = &study.calibration.halves;
    format!(
        "Losses where the half that moved in the region is reset: {}; where the other is: {}.",
        losses(inside),
        losses(outside)
    )
}

/// Their names, one after the other.
pub fn names(methods: Vec<Method>) -> String {
    let names: Vec<&str> = methods.into_iter().map(Method::name).collect();
    names.join("; ")
}
