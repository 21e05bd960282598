//! The readers' second question: why SVD, and not tracing, patching, scrubbing or circuits read by hand?

use crate::ablate::Claim;
use crate::circuits::Sought;
use crate::findings::{COMPARED, Family, FamilyOver, Role, Study};
use crate::locators::{Group, Method, Supervision};
use crate::report::number::{NONE, fixed, signed};

use super::methods::{mark, pairs};
use crate::report::tables::{share, table, told, with_interval};

/// All of it.
pub fn question(study: &Study) -> String {
    let question = &study.summary.question;
    if question.pairs.is_empty() {
        return "`summary.question`; src/over_seeds/question.rs. Not asked in this study.\n".into();
    }
    format!(
        "`summary.ranking`, `summary.families`, `summary.question`, `calibration`; \
         src/over_seeds/question.rs, src/protocol/agreement.rs.\n\n{}\n\n\
         Every method on the same policies, levels and statistics. Area: its top parameters reset, above as \
         many random ones of every tensor (selection levels; .5 to 20 % of parameters). Own edit: of its \
         edits, resets among them, the one farthest inside the rule on selection levels; on how many seeds it \
         meets the rule on test levels, and its selectivity there. Planted: area under the ROC curve where the answer is known, the claim's set against the other's; ° \
         on made-up gradients (easy plants: mean and range), else on each of the composed policies that count. Seconds: to locate, a seed; the gradient SVDs' do not count \
         the training that records nor the decompositions (\"What it took\").\n\n{}\n\
         Areas in the common currency, gradient SVD minus the other, seed by seed, with Holm over this \
         table. The area itself credits a method for the layers that it points to; \"above random\", in the table \
         before, does not:\n\n{}\n{}\n{}\n{}",
        sentence(study),
        methods(study),
        pairs(&question.pairs),
        agreement(study),
        scrubbed(study),
        taken_off(study),
    )
}

/// How the gradient SVDs fare against the others, in short.
pub fn sentence(study: &Study) -> String {
    let all = &study.summary.question.pairs;
    let of = |claim: Claim| {
        let pairs: Vec<_> = all.iter().filter(|pair| pair.claim == claim).collect();
        let beyond = |above: bool| -> Vec<String> {
            let differ = pairs.iter().filter(|pair| pair.differs(above));
            differ
                .map(|pair| format!("{} against {}", pair.gradients.name(), pair.other.name()))
                .collect()
        };
        let list = |names: Vec<String>| match names.len() {
            0 => "in none".to_owned(),
            len => format!("in {len} ({})", names.join("; ")),
        };
        let (above, below) = (beyond(true), beyond(false));
        let undecided = pairs.len() - above.len() - below.len();
        format!(
            "{claim:?}: of {} pairs of a gradient SVD and another method the gradient SVD's area is larger {}, \
             smaller {}, undecided in {undecided} (adjusted p of .05)",
            pairs.len(),
            list(above),
            list(below),
        )
    };
    format!("{}.", Claim::ALL.map(of).join(". "))
}

fn methods(study: &Study) -> String {
    let mut methods: Vec<Method> = Method::of(Group::GradientSvd).collect();
    methods.extend([Method::WeightsSvd, Method::DisplacementSvd]);
    for group in [Group::Rival, Group::Oracle, Group::Random] {
        methods.extend(Method::of(group));
    }
    // Which component is not the method's to say: all are tried, as many random directions beside.
    let by_effect = [
        (Family::Step, "components of the gradient SVD, by effect"),
        (
            Family::RandomStep,
            "control: random directions in their span",
        ),
    ];
    let of = |claim: Claim| {
        let ranking = &study.summary.ranking[claim];
        let rows = methods.iter().filter_map(|&method| {
            let found = ranking.iter().find(|one| one.locator == method)?;
            Some(vec![
                format!("{}{}", method.name(), mark(study, method)),
                told(method.supervision()).into(),
                fixed(found.seconds, 1),
                with_interval(&found.above),
                own_edit(study, claim, &|family| match family {
                    Family::Of(of, kind) if of == method => Some(kind.name().to_owned()),
                    _ => None,
                }),
                planted(study, claim, method),
            ])
        });
        let steps = by_effect.iter().map(|(family, name)| {
            vec![
                (*name).to_owned(),
                told(Supervision::Effects).into(),
                NONE.into(),
                NONE.into(),
                own_edit(study, claim, &|of| {
                    (of == *family).then(|| "step".to_owned())
                }),
                NONE.into(),
            ]
        });
        let headings = [
            "method",
            "was told",
            "seconds",
            "area above random",
            "own edit",
            "planted",
        ];
        format!(
            "**Claim {claim:?}**\n\n{}",
            table(&headings, rows.chain(steps))
        )
    };
    Claim::ALL.map(of).join("\n")
}

/// "steer 3/10, +0.41 [+0.20, +0.60]": of a method's families the one that was farthest inside the rule on
/// selection levels.
fn own_edit(study: &Study, claim: Claim, words: &dyn Fn(Family) -> Option<String>) -> String {
    own(study, claim, words).map_or(NONE.into(), |(edit, family)| {
        format!(
            "{edit} {}/{}, {}",
            family.successes,
            family.seeds,
            with_interval(&family.selectivity)
        )
    })
}

/// Of the families that have `words` the one that was farthest inside the rule on selection levels.
pub fn own<'a>(
    study: &'a Study,
    claim: Claim,
    words: &dyn Fn(Family) -> Option<String>,
) -> Option<(String, &'a FamilyOver)> {
    let margin = |family: &FamilyOver| {
        let claims = study.seeds.iter().flat_map(|one| &one.claims);
        let own = claims.filter(|one| {
            let frozen = &one.frozen;
            frozen.claim == claim && (frozen.family, frozen.role) == (family.family, family.role)
        });
        let margins: Vec<f64> = own.map(|one| one.frozen.margin).collect();
        crate::numeric::sum::mean(&margins)
    };
    let families = study.summary.families[claim].iter();
    let own = families.filter(|family| family.role != Role::Swapped);
    let found = own.filter_map(|family| Some((words(family.family)?, family)));
    found.max_by(|(_, a), (_, b)| margin(a).total_cmp(&margin(b)))
}

/// The area where the answer is known: of each of the composed policies that count; else mean and range of
/// made-up gradients.
fn planted(study: &Study, claim: Claim, method: Method) -> String {
    let calibration = &study.calibration;
    if let Some(found) = calibration.on_plants(method) {
        let areas = found[claim as usize].0.iter();
        let areas: Vec<String> = areas.map(|one| fixed(one.area, 2)).collect();
        return areas.join(", ");
    }
    let easy = calibration.synthetic.iter();
    let easy = easy.filter(|one| one.is_easy && one.locator == method);
    let areas = easy.filter_map(|one| Some(one.areas.as_ref()?[claim as usize].told_apart));
    let values: Vec<f64> = areas.collect();
    if values.is_empty() {
        return NONE.into();
    }
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    format!(
        "{}° [{}, {}]",
        fixed(crate::numeric::sum::mean(&values), 2),
        fixed(least, 2),
        fixed(most, 2)
    )
}

/// Whether the methods point where the gradient SVDs and the oracle do.
fn agreement(study: &Study) -> String {
    let with = [
        Method::GradientSvdUnitNorm,
        Method::GradientSvdPerTensor,
        Method::MaskOracle,
    ];
    let find = |claim: Claim, a: Method, b: Method| {
        let mut all = study.summary.question.agreed.iter();
        all.find(|one| one.claim == claim && (one.between == [a, b] || one.between == [b, a]))
    };
    let mut rows = Vec::new();
    for claim in Claim::ALL {
        for method in COMPARED.into_iter().filter(|method| *method != with[0]) {
            let mut row = vec![method.name().to_owned(), format!("{claim:?}")];
            for other in with {
                match find(claim, method, other) {
                    Some(one) => {
                        row.push(with_interval(&one.rho_above));
                        row.push(format!(
                            "{} ({}), {}/{}",
                            fixed(one.overlap.mean, 2),
                            fixed(one.overlap_null, 2),
                            one.beyond,
                            one.overlap.values.len()
                        ));
                    }
                    None => row.extend([NONE.into(), NONE.into()]),
                }
            }
            rows.push(row);
        }
    }
    format!(
        "Whether a method points where the gradient SVDs and the oracle do: rank correlation of the scores \
         over all parameters, above its null; and the share of the top 5 % in common (its null), seeds on which \
         it is more than two deviations above. Null: the output channels of every tensor shuffled for one of \
         the two, so that to point to the same layers is no agreement. The other pairs stand in \
         study.json.\n\n{}",
        table(
            &[
                "method",
                "claim",
                "SVD, unit-norm: correlation",
                "overlap",
                "SVD, per tensor: correlation",
                "overlap",
                "mask oracle: correlation",
                "overlap",
            ],
            rows
        )
    )
}

fn scrubbed(study: &Study) -> String {
    let rows = study.summary.question.scrubbed.iter().map(|one| {
        let [low, middle, high] = one.quantiles.map(|q| signed(q, 2));
        vec![
            one.name.clone(),
            share(Some(&one.recovered)),
            format!("{low}, {middle}, {high}"),
            one.size.0.to_string(),
            fixed(100.0 * one.size.1, 0),
            fixed(100.0 * one.unmatched, 0),
        ]
    });
    format!(
        "Causal scrubbing of whole hypotheses (METHOD section 7): the share of the policy's predictions that is \
         left when all is resampled that the hypothesis calls irrelevant. 1: nothing is lost; 0: as much as \
         under a random state. \"late\": in the region, a quarter of the hidden units carry where the cheese \
         lies from the mouse, and nothing else matters; its null is its own units of any state. \"early\": \
         outside of the region everything depends on walls and mouse, not on the cheese.\n\n{}",
        table(
            &[
                "hypothesis",
                "recovered",
                "10, 50, 90 % of states",
                "nodes",
                "channels, %",
                "unmatched, %",
            ],
            rows
        )
    )
}

fn taken_off(study: &Study) -> String {
    let rows = study.summary.question.taken_off.iter().map(|one| {
        vec![
            match one.sought {
                Sought::Cheese => format!("cheese at {}", one.site),
                Sought::Corner => format!("corner at {}", one.site),
            },
            share(Some(&one.before)),
            share(Some(&one.after)),
            share(Some(&one.random)),
        ]
    });
    format!(
        "What an average cheese, or an average open corner, adds to the activations of a site, taken off in \
         every forward pass: probability at decision squares of the step to the cheese, or to the corner \
         (selection levels). Published for the cheese and a net of 15 layers, with the difference of one \
         level: .62 to .09.\n\n{}",
        table(
            &[
                "taken off",
                "as it is",
                "taken off",
                "random vector of its length",
            ],
            rows
        )
    )
}
