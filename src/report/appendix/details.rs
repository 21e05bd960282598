//! What the directions are, where locators point, relearning and retraining, what failed, and what it took.

use crate::ablate::Claim;
use crate::findings::{Family, Study};
use crate::report::number::{NONE, fixed, signed};

use super::behaviour::is_locators;
use crate::report::tables::{p, table, with_interval};

/// What the dissociating directions are.
pub fn directions(study: &Study) -> String {
    let tensors = &study.layout.tensors;
    let rows = study.seeds.iter().flat_map(|one| {
        one.portraits.iter().map(|portrait| {
            let mut order: Vec<usize> = (0..tensors.len()).collect();
            order.sort_by(|&a, &b| portrait.by_tensor[b].total_cmp(&portrait.by_tensor[a]));
            let top: Vec<String> = order
                .iter()
                .take(3)
                .map(|&i| format!("{} {}", tensors[i].name, fixed(portrait.by_tensor[i], 2)))
                .collect();
            let claimed = one.claims.iter().find(|c| {
                c.frozen.claim == portrait.claim
                    && c.frozen.member == portrait.member
                    && c.frozen.family == portrait.family
            });
            vec![
                one.seed.to_string(),
                format!("{:?}", portrait.claim),
                portrait.family.name(),
                format!("{} {}", portrait.member, signed(portrait.dose, 3)),
                claimed.map_or(NONE.into(), |c| signed(c.selectivity, 2)),
                claimed.map_or(NONE.into(), |c| {
                    if c.succeeds { "yes" } else { "no" }.into()
                }),
                fixed(portrait.bias, 2),
                top.join(", "),
            ]
        })
    });
    let bias = |family: Family| {
        let all = study.seeds.iter().flat_map(|one| &one.portraits);
        let of = all.filter(|portrait| portrait.family == family);
        let biases: Vec<f64> = of.map(|portrait| portrait.bias).collect();
        fixed(crate::numeric::sum::mean(&biases), 2)
    };
    format!(
        "`seeds[].portraits`; src/protocol/portrait.rs.\n\n\
         For the step along one component, and the random in-span step, that were chosen for each \
         claim: whether it is a bias towards actions (share of the change of the centred logits that is \
         the same in every probe state; mean {} for components, {} for random directions), and the \
         tensors with the largest shares of its squared length.\n\n{}",
        bias(Family::Step),
        bias(Family::RandomStep),
        table(
            &[
                "seed",
                "claim",
                "family",
                "component, dose",
                "selectivity",
                "met",
                "action bias",
                "tensors"
            ],
            rows
        ),
    )
}

/// Where in the network the locators point.
pub fn places(study: &Study) -> String {
    let tensors = &study.layout.tensors;
    let total: f64 = tensors.iter().map(|t| t.len() as f64).sum();
    let weights: Vec<usize> = (0..tensors.len())
        .filter(|&i| tensors[i].len() as f64 / total >= 0.01)
        .collect();
    let mut headings = vec!["locator", "claim"];
    headings.extend(weights.iter().map(|&i| tensors[i].name.as_str()));
    let mut rows = vec![{
        let mut row = vec!["all parameters".into(), NONE.into()];
        row.extend(
            weights
                .iter()
                .map(|&i| fixed(tensors[i].len() as f64 / total, 2)),
        );
        row
    }];
    let first = study.seeds.first();
    for one in first.map_or(&[][..], |one| &one.currency) {
        for claim in Claim::ALL {
            let mut row = vec![one.locator.name().to_owned(), format!("{claim:?}")];
            row.extend(weights.iter().map(|&i| {
                let values: Vec<f64> = study
                    .seeds
                    .iter()
                    .filter_map(|seed| seed.currency.iter().find(|c| c.locator == one.locator))
                    .filter(|found| found.found[claim].is_some())
                    .map(|found| found.by_tensor[claim][i])
                    .collect();
                fixed(crate::numeric::sum::mean(&values), 2)
            }));
            rows.push(row);
        }
    }
    format!(
        "`seeds[].currency[].by_tensor`; src/protocol/seed.rs.\n\n{}",
        table(&headings, rows),
    )
}

/// How fast ablated behaviours come back.
pub fn relearning(study: &Study) -> String {
    let mut keys: Vec<(Claim, Family)> = Vec::new();
    for one in study.seeds.iter().flat_map(|one| &one.relearning) {
        let key = (one.claim, one.edit);
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let rows = keys.into_iter().map(|(claim, edit)| {
        let all: Vec<Option<u64>> = study
            .seeds
            .iter()
            .flat_map(|one| &one.relearning)
            .filter(|one| one.claim == claim && one.edit == edit)
            .map(|one| one.updates)
            .collect();
        let back = all.iter().flatten().count();
        // What never came back took longer than anything that did.
        let mut order: Vec<u64> = all
            .iter()
            .map(|updates| updates.unwrap_or(u64::MAX))
            .collect();
        order.sort_unstable();
        let median = order.get(order.len() / 2).copied().unwrap_or(u64::MAX);
        vec![
            edit.name(),
            format!("{claim:?}"),
            format!("{back}/{}", all.len()),
            if median == u64::MAX {
                "never".into()
            } else {
                median.to_string()
            },
            all.iter()
                .map(|updates| updates.map_or("never".into(), |u| u.to_string()))
                .collect::<Vec<String>>()
                .join(", "),
        ]
    });
    format!(
        "`seeds[].relearning`; src/protocol/relearn.rs.\n\n\
         Updates of further training until the claim's first target (A: cheese in, up-right, B: S5 region) is back to 90 % of \
         the unedited policy's rate on curve levels, after the chosen step along a component and after \
         the chosen random in-span step, each of its own length.\n\n{}",
        table(
            &["edit", "claim", "back on", "median updates", "by seed"],
            rows
        ),
    )
}

/// Edit (e).
pub fn retraining(study: &Study) -> String {
    let rows = study.summary.retraining.iter().map(|one| {
        vec![
            format!("{} components, {}", one.set.name(), one.when.name()),
            one.updates.len().to_string(),
            one.updates.first().map_or(NONE.into(), u64::to_string),
            with_interval(&one.corner),
            p(one.corner.p),
            with_interval(&one.cheese),
            p(one.cheese.p),
        ]
    });
    format!(
        "`summary.retraining`, `seeds[].retraining`; src/protocol/retrain.rs.\n\n\
         The same seed trained again with the early, the late or random in-span directions of its \
         unit-norm decomposition taken off every gradient or every update; rates minus those of the \
         run's own checkpoint at the same update. The updates are those by which the cheese was learnt in the run \
         itself. The temporal claim predicts that without the early set the corner is learnt later, and without the late set \
         the cheese.\n\n{}",
        table(
            &[
                "projected out",
                "seeds",
                "updates",
                "change of the corner",
                "p",
                "change of the cheese in the region",
                "p"
            ],
            rows
        ),
    )
}

/// What failed.
pub fn failed(study: &Study) -> String {
    let mut items = Vec::new();
    let seeds = study.seeds.len();
    for claim in Claim::ALL {
        let judged = study.summary.judged[claim];
        if judged < seeds {
            items.push(format!(
                "{claim:?} cannot be judged on {} of {seeds} seeds: a behaviour was not learnt.",
                seeds - judged
            ));
        }
        let families = &study.summary.families[claim];
        let reached = families
            .iter()
            .filter(|f| is_locators(f))
            .map(|f| f.reached)
            .max()
            .unwrap_or(0);
        if reached < (8 * seeds).div_ceil(10) {
            items.push(format!(
                "{claim:?} is not reached on {} of {seeds} seeds, eight of ten, by any locator's edit; the most is {reached}.",
                (8 * seeds).div_ceil(10)
            ));
        }
        let never = families
            .iter()
            .filter(|f| f.successes == 0 && is_locators(f));
        items.push(format!(
            "{claim:?}: {} of {} locators' families of edits meet the rule on no seed.",
            never.count(),
            families.iter().filter(|f| is_locators(f)).count()
        ));
    }
    items.iter().map(|item| format!("- {item}\n")).collect()
}

/// Seconds by stage.
pub fn cost(study: &Study) -> String {
    let mut stages: Vec<&String> = study.seeds.iter().flat_map(|s| s.seconds.keys()).collect();
    stages.sort_unstable();
    stages.dedup();
    let rows = stages.into_iter().map(|stage| {
        let values: Vec<f64> = study
            .seeds
            .iter()
            .filter_map(|one| one.seconds.get(stage).copied())
            .collect();
        vec![
            stage.clone(),
            fixed(crate::numeric::sum::mean(&values), 0),
            fixed(values.iter().sum::<f64>() / 60.0, 1),
        ]
    });
    let locators = study.summary.ranking[Claim::A]
        .iter()
        .map(|one| vec![one.locator.name().to_owned(), fixed(one.seconds, 1)]);
    let means: Vec<String> = study
        .seeds
        .iter()
        .map(|one| {
            format!(
                "seed {}: gradients {}, choices {}",
                one.seed,
                one.gradient_checksum,
                &one.frozen_sha256[..16.min(one.frozen_sha256.len())]
            )
        })
        .collect();
    format!(
        "`seeds[].seconds` (with the seconds of the methods' table the only figures here that another run \
         changes), \
         `seeds[].gradient_checksum`, `seeds[].frozen_sha256`.\n\n{}\n{}\n{}.\n",
        table(&["stage", "seconds a seed", "minutes in all"], rows),
        table(&["locator", "seconds a seed"], locators),
        means.join("; "),
    )
}
