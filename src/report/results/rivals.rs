//! The readers' two questions: gradients or weights, and why SVD at all.

use crate::ablate::Claim;
use crate::findings::{Family, Pair, Ranked, Study};
use crate::locators::{Group, Method};
use crate::report::appendix::own;
use crate::report::number::{NONE, capital, fixed};
use crate::report::tables::{table, told, with_interval};

/// Methods in the table of rivals.
const SHOWN: usize = 12;

/// A method in the common currency.
pub fn ranked(study: &Study, claim: Claim, method: Method) -> Option<&Ranked> {
    let mut all = study.summary.ranking[claim].iter();
    all.find(|one| one.locator == method)
}

/// How many pairs differ, and which way.
fn counts(pairs: &[Pair], claim: Claim) -> [usize; 3] {
    let of: Vec<&Pair> = pairs.iter().filter(|pair| pair.claim == claim).collect();
    let differ = |above| of.iter().filter(|pair| pair.differs(above)).count();
    [differ(true), differ(false), of.len()]
}

fn compared(pairs: &[Pair], what: &str) -> String {
    let of = |claim: Claim| {
        let [above, below, len] = counts(pairs, claim);
        format!("for {claim:?} above in {above} and below in {below} of {len} pairs")
    };
    match pairs.is_empty() {
        true => "not asked.".into(),
        false => format!(
            "parameters reset by score, area under selectivity (not above random), gradient SVDs less {what}: {} at an adjusted p of .05, undecided in the rest.",
            Claim::ALL.map(of).join(", ")
        ),
    }
}

/// The first answer.
pub fn weights_sentence(study: &Study) -> String {
    capital(&compared(&study.summary.pairs, "SVDs of weights"))
}

/// The second.
pub fn sentence(study: &Study) -> String {
    capital(&compared(
        &study.summary.question.pairs,
        "the other methods",
    ))
}

/// Methods of the first question.
pub fn of_weights(study: &Study) -> Vec<Method> {
    Method::of(Group::GradientSvd)
        .chain(Method::of(Group::Weights))
        .filter(|&method| ranked(study, Claim::A, method).is_some())
        .collect()
}

/// The first question.
pub fn weights(study: &Study) -> String {
    let rows = of_weights(study).into_iter().filter_map(|method| {
        let [a, b] = Claim::ALL.map(|claim| ranked(study, claim, method));
        Some(vec![
            method.name().to_owned(),
            told(method.supervision()).into(),
            with_interval(&a?.above),
            with_interval(&b?.above),
        ])
    });
    format!(
        "The top parameters by each method's score are put back to where they were before training, .5 to 20 % of them; the area is the mean of selectivity \
         over the logarithm of that share. Above: less that of as many random parameters of every tensor.\n\n{}",
        table(
            &[
                "method",
                "was told",
                "A: area above random",
                "B: area above random"
            ],
            rows
        ),
    )
}

/// Methods of the second question: the gradient SVDs, and the best of the others.
pub fn of_rivals(study: &Study) -> Vec<Method> {
    let score = |method: Method| {
        let of = |claim| ranked(study, claim, method).map_or(-1.0, |one| one.above.mean);
        Claim::ALL.map(of).into_iter().fold(-1.0, f64::max)
    };
    let mut methods = all(study);
    methods.sort_by(|&a, &b| score(b).total_cmp(&score(a)));
    let is_own = |method: &Method| method.group() == Group::GradientSvd;
    let (own, mut others): (Vec<Method>, Vec<Method>) = methods.into_iter().partition(is_own);
    others.truncate(SHOWN.saturating_sub(own.len()));
    own.into_iter().chain(others).collect()
}

/// Every method that was ranked.
fn all(study: &Study) -> Vec<Method> {
    Method::ALL
        .into_iter()
        .filter(|&method| ranked(study, Claim::A, method).is_some())
        .collect()
}

/// The second question.
pub fn rivals(study: &Study) -> String {
    let shown = of_rivals(study);
    let left_out = all(study).len() - shown.len();
    let rows = shown.into_iter().map(|method| {
        let mut row = vec![method.name().to_owned(), told(method.supervision()).into()];
        for claim in Claim::ALL {
            row.push(
                ranked(study, claim, method).map_or(NONE.into(), |one| with_interval(&one.above)),
            );
            row.push(own_edit(study, claim, method));
        }
        row.push(planted(study, method));
        row.push(ranked(study, Claim::A, method).map_or(NONE.into(), |one| fixed(one.seconds, 1)));
        row
    });
    format!(
        "Area: above that of random parameters, as in section 5. Own edit: of a method's edits the one farthest inside the rule on selection levels, and on how many seeds it meets the rule. Known: area under the ROC curve where \
         the answer is known (section 7), for A and B; .5 is chance. Seconds: to locate, a seed, without the training that records. The gradient SVDs and the \
         best of the others are shown; {left_out} more are in `tables/methods.csv`.\n\n{}",
        table(
            &[
                "method",
                "was told",
                "A: area",
                "A: own edit",
                "B: area",
                "B: own edit",
                "known",
                "seconds",
            ],
            rows
        ),
    )
}

/// On how many seeds its own edit meets the rule.
fn own_edit(study: &Study, claim: Claim, method: Method) -> String {
    let of = |family| match family {
        Family::Of(of, kind) if of == method => Some(kind.name().to_owned()),
        _ => None,
    };
    own(study, claim, &of).map_or(NONE.into(), |(edit, one)| {
        format!("{edit} {}/{}", one.successes, one.seeds)
    })
}

/// Mean areas over the composed policies that count, for A and B.
pub fn areas(study: &Study, method: Method) -> Option<[f64; 2]> {
    let found = study.calibration.on_plants(method)?;
    Some(found.map(|over| over.mean(|one| one.area)))
}

/// The same in words.
pub fn planted(study: &Study, method: Method) -> String {
    areas(study, method).map_or(NONE.into(), |areas| {
        let [a, b] = areas.map(|area| fixed(area, 2));
        format!("{a}, {b}")
    })
}
