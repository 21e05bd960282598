//! The locators against each other, gradients against weights, and the temporal claim.

use crate::ablate::Claim;
use crate::findings::{Pair, Study};
use crate::locators::Method;
use crate::report::number::{NONE, fixed, signed};

use crate::report::tables::{maybe, p, p_of, table, told, with_interval};

/// What stands behind the name of a locator that is not calibrated.
pub fn mark(study: &Study, method: Method) -> &'static str {
    let calibration = &study.calibration;
    if calibration.missed().contains(&method) {
        " *"
    } else if calibration.untested().contains(&method) {
        " †"
    } else {
        ""
    }
}

/// The common currency.
pub fn currency(study: &Study) -> String {
    let mut text = "`summary.ranking`, `seeds[].currency`; src/protocol/currency.rs.\n\n\
         The top q % of parameters by each locator's score are put back to their initial values; \
         the area is the mean of selectivity over ln q, on selection levels (it makes no choice). Beside \
         it one draw for each q of as many random parameters of every tensor. p is of \"above random\", \
         the sign-flip test over seeds; Holm over the gradient SVDs and both claims, the others \
         explore. A locator marked * missed a planted truth it should have found; one marked † could not be \
         asked (see the planted truth).\n\n"
        .to_owned();
    for claim in Claim::ALL {
        let rows = study.summary.ranking[claim].iter().map(|one| {
            vec![
                format!("{}{}", one.locator.name(), mark(study, one.locator)),
                told(one.locator.supervision()).into(),
                with_interval(&one.area),
                signed(one.random, 2),
                with_interval(&one.above),
                p(one.above.p),
                p(one.p_adjusted),
                one.oracle_share.map_or(NONE.into(), |s| fixed(s, 2)),
                one.area.values.len().to_string(),
            ]
        });
        text += &format!("**Claim {claim:?}**\n\n");
        text += &table(
            &[
                "locator",
                "was told",
                "area",
                "random's",
                "above random",
                "p",
                "p (Holm)",
                "share of the oracle",
                "seeds",
            ],
            rows,
        );
        text += "\n";
    }
    text
}

/// Differences of areas, pair by pair.
pub fn pairs(pairs: &[Pair]) -> String {
    let rows = pairs.iter().map(|pair| {
        vec![
            format!("{} minus {}", pair.gradients.name(), pair.other.name()),
            format!("{:?}", pair.claim),
            with_interval(&pair.difference),
            p(pair.difference.p),
            p(pair.p_adjusted),
        ]
    });
    table(&["", "claim", "difference of areas", "p", "p (Holm)"], rows)
}

/// The readers' first question.
pub fn gradients_or_weights(study: &Study) -> String {
    let first = study.seeds.first();
    let walks = first.map_or(&[][..], |one| &one.walks).iter().map(|walk| {
        let over = |of: &dyn Fn(&crate::locators::weights_svd::AgainstNull) -> f64| {
            let values: Vec<f64> = study
                .seeds
                .iter()
                .filter_map(|one| one.walks.iter().find(|w| w.what == walk.what))
                .map(of)
                .collect();
            fixed(crate::numeric::sum::mean(&values), 3)
        };
        vec![
            walk.what.clone(),
            over(&|w| w.observed),
            over(&|w| w.null_mean),
            over(&|w| w.null_95),
        ]
    });
    format!(
        "`summary.pairs`, `seeds[].walks`; src/over_seeds/summary.rs, \
         src/locators/weights_svd.rs.\n\n\
         Area in the common currency, gradients minus weights, seed by seed:\n\n{}\n\
         What the spectra of weights say, beside what noise or a random walk with the same step \
         lengths says (means over seeds):\n\n{}",
        pairs(&study.summary.pairs),
        table(&["", "observed", "null's mean", "null's 95 %"], walks),
    )
}

/// The temporal claim.
pub fn temporal(study: &Study) -> String {
    let rows = study.summary.temporal.iter().map(|one| {
        vec![
            one.decomposition.name().to_owned(),
            maybe(one.correlation.as_ref()),
            p_of(one.correlation.as_ref()),
            maybe(one.behavioural.as_ref()),
            p_of(one.behavioural.as_ref()),
            maybe(one.difference.as_ref()),
            p_of(one.difference.as_ref()),
            format!("{}/{}", one.beyond_random.0, one.beyond_random.1),
            one.labelled
                .map_or(NONE.into(), |[early, late]| format!("{early}, {late}")),
        ]
    });
    format!(
        "`summary.temporal`, `seeds[].temporal`; src/protocol/temporal.rs.\n\n\
         The effect of a component is what undoing it costs the corner more than the cheese in the region, in the mean over doses. The \
         proposal predicts a negative rank correlation with the temporal index, and a positive \
         difference between early and late sets. \"Beyond chance\": seeds whose difference exceeds \
         95 % of pairs of sets of the same lengths among the same components. p are of single tests. Labels need all nulls of METHOD \
         section 4 to reject. What rolling back or taking back the displacement of either phase \
         does stands under A and B (\"rollback\").\n\n{}",
        table(
            &[
                "components of",
                "correlation, time",
                "p",
                "correlation, behavioural axis",
                "p",
                "early minus late",
                "p",
                "beyond chance",
                "labelled early, late",
            ],
            rows
        ),
    )
}
