//! What the methods find where the answer is known.

use crate::ablate::{PerRate, Rate};
use crate::findings::{Blindfolded, OverPlants, Study};
use crate::locators::Method;
use crate::numeric::sum::mean;
use crate::report::number::{NONE, fixed, signed};

use super::methods::mark;
use crate::report::tables::table;

/// What is found where the answer is known.
pub fn planted(study: &Study) -> String {
    format!(
        "`calibration`, `seeds[].currency[].blindfold`; src/locators/planted.rs, src/locators/calibration.rs, \
         src/over_seeds/composed.\n\n\
         Where the answer is known, a method that finds it says something by what it finds elsewhere. An asterisk marks a \
         method that missed an easy plant, or tells the towers of the composed policies apart with an area below .8. .5 is \
         chance.{}\n\n\
         **Made-up gradients.** Area under the ROC curve of each method's scores, for A, B: the parameters known to serve the \
         behaviour against all others and, in brackets, against those of the other behaviour alone (a method that takes one \
         for the other is below .5 there).\n\n{}\n\
         **Composed policies.** {}\n\n{}\n\
         **The blindfold.** In every trained policy the weights that read the cheese's plane are an answer for A that nobody \
         had to plant. Of as many parameters of highest score for A, the share that are these (chance {}), and the area under the ROC \
         curve; means over seeds.\n\n{}",
        untested(study),
        made_up(study),
        policies(study),
        composed(study),
        fixed(blindfold(study, None).map_or(0.0, |found| found.share), 4),
        blindfolds(study),
    )
}

fn untested(study: &Study) -> String {
    match study.calibration.untested() {
        untested if untested.is_empty() => String::new(),
        untested => format!(
            " Marked †, not calibrated, for there was no composed policy that counts to ask about: {}.",
            names(untested)
        ),
    }
}

fn marked(study: &Study, method: Method) -> String {
    format!("{}{}", method.name(), mark(study, method))
}

fn made_up(study: &Study) -> String {
    let synthetic = &study.calibration.synthetic;
    let (mut plants, mut methods) = (Vec::new(), Vec::new());
    for one in synthetic {
        if !plants.contains(&one.plant.as_str()) {
            plants.push(&one.plant);
        }
        if one.areas.is_some() && !methods.contains(&one.locator) {
            methods.push(one.locator);
        }
    }
    let mut headings = vec!["method"];
    headings.extend(&plants);
    let rows = methods.into_iter().map(|method| {
        let mut row = vec![marked(study, method)];
        for plant in &plants {
            let mut found = synthetic.iter();
            let found = found.find(|c| c.locator == method && c.plant == *plant);
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
        row
    });
    table(&headings, rows)
}

/// What the composed policies are, and whether their towers serve what they learnt.
fn policies(study: &Study) -> String {
    let all = &study.calibration.composed;
    if all.is_empty() {
        return "None were made: `study.plants` is 0, or the network has no halves, which `small` with even `channels` and `hidden` has."
            .into();
    }
    let counted = all.iter().filter(|composed| composed.counts()).count();
    let rows = all.iter().map(|composed| {
        let lost = |half: &PerRate<f64>| {
            let rates = [Rate::InUpRight, Rate::InDownLeft, Rate::Corner];
            let lost = rates.map(|rate| signed(half[rate], 2));
            lost.join(", ")
        };
        let [cheese, corner] = &composed.halves;
        vec![
            composed.seed.to_string(),
            if composed.counts() { "yes" } else { "no" }.into(),
            format!(
                "{}, {}",
                fixed(composed.learnt[0], 2),
                fixed(composed.learnt[1], 2)
            ),
            lost(cheese),
            lost(corner),
            composed.judged.to_string(),
            fixed(composed.of_cheese, 2),
        ]
    });
    let headings = [
        "seed",
        "counts",
        "learnt: cheese, corner",
        "lost without the cheese's tower: cheese in, up-right, down-left, corner",
        "without the corner's",
        "parameters judged",
        "share of the cheese's",
    ];
    format!(
        "Two towers that meet at the logits only: one never sees a cheese and was taught the way to the corner, the other was taught \
         the way to the cheese and nothing where there is none; then both trained on by PPO. {counted} of {} count: both behaviours \
         learnt, and either tower, reset, takes its own and leaves the other's.\n\n{}",
        all.len(),
        table(&headings, rows)
    )
}

fn composed(study: &Study) -> String {
    let calibration = &study.calibration;
    let rows = Method::ALL.into_iter().filter_map(|method| {
        let [a, b] = calibration.on_plants(method)?;
        let both =
            |of: &dyn Fn(&OverPlants) -> f64| format!("{}, {}", fixed(of(&a), 2), fixed(of(&b), 2));
        let all = calibration.composed.iter().flat_map(|one| &one.located);
        let seconds: Vec<f64> = all
            .filter(|one| one.locator == method)
            .map(|one| one.seconds)
            .collect();
        Some(vec![
            marked(study, method),
            both(&|over| over.mean(|one| one.area)),
            both(&|over| over.mean(|one| one.by_effect)),
            both(&|over| over.mean(|one| one.precision.at[0])),
            both(&|over| over.mean(|one| one.precision.at[3])),
            fixed(mean(&seconds), 1),
        ])
    });
    let headings = [
        "method (for A, B)",
        "area",
        "area by effect",
        "right of its first 1 %",
        "of 10 %",
        "seconds",
    ];
    format!(
        "Means over the policies that count: the parameters of the tower that a claim takes away against the other's, value heads and \
         parameters without any effect left out. By effect: every parameter weighted by what its reset does, to first order, to what its \
         own tower does, which favours methods that look at the same gradients. Chance is an area of .5, and of the first the tower's share of all.\n\n{}",
        table(&headings, rows)
    )
}

/// The mean over seeds of what a method finds of the blindfold, or of any.
fn blindfold(study: &Study, method: Option<Method>) -> Option<Blindfolded> {
    let all = study.seeds.iter().flat_map(|seed| &seed.currency);
    let of = all.filter(|one| method.is_none_or(|method| one.locator == method));
    let found: Vec<Blindfolded> = of.filter_map(|one| one.blindfold).collect();
    let of = |of: fn(&Blindfolded) -> f64| mean(&found.iter().map(of).collect::<Vec<_>>());
    (!found.is_empty()).then(|| Blindfolded {
        precision: of(|one| one.precision),
        area: of(|one| one.area),
        share: of(|one| one.share),
    })
}

fn blindfolds(study: &Study) -> String {
    let rows = Method::ALL.into_iter().filter_map(|method| {
        let found = blindfold(study, Some(method))?;
        Some(vec![
            marked(study, method),
            fixed(found.precision, 3),
            fixed(found.area, 2),
        ])
    });
    table(&["method", "right of as many", "area"], rows)
}

/// Their names, one after the other.
pub fn names(methods: Vec<Method>) -> String {
    let names: Vec<&str> = methods.into_iter().map(Method::name).collect();
    names.join("; ")
}
