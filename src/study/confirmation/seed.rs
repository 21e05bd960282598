//! One confirmation seed, from its trained run to its findings.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::{Deserialize, Serialize};

use crate::ablate::recipe::Recipe;
use crate::ablate::{Claim, Split, edit};
use crate::gradients::row_norms;
use crate::locators::weights_svd::{self, AgainstNull, WeightsSvd};
use crate::locators::{
    self, Columns, Decomposed, Decompositions, Located, Recorded, Run, Supervision, trajectory,
};
use crate::nn::Layout;
use crate::storage::manifest::write_json;
use crate::storage::{Access, RunDir};
use crate::study::candidates::{self, TrainedPolicy};
use crate::study::relearn::Relearning;
use crate::study::results::{Curves, Rise};
use crate::study::train;
use crate::study::{Config, Error, Progress, Resolved, decompose};

use super::agreement::{Agreement, METHODS, agreements};
use super::bench::Bench;
use super::claims::{self, Claimed};
use super::currency::{Currency, Curve};
use super::edits::{Family, Named, RANDOM_STEP, STEP, Trials, Tried};
use super::history::History;
use super::portrait::{Portrait, portrait};
use super::retrain::{Retrained, retrain};
use super::temporal::{Temporal, behavioural_axis, temporal};
use super::tracing::{Traced, trace};

/// Share of the unedited policy's rate at which a behaviour is back.
const RELEARNT_SHARE: f64 = 0.9;
/// Learning rate of relearning, as a share of training's first.
const RELEARNING_RATE: f64 = 0.1;
/// Draws of shuffled weights and of random walks.
const WALKS: usize = 99;
/// The percentage at which the parameters of a locator are counted by tensor.
const COUNTED_PERCENT: f64 = 5.0;

/// What one seed says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Findings {
    /// The seed.
    pub seed: u64,
    /// SHA-256 of its settings.
    pub config_sha256: String,
    /// Checksum of the matrix of total gradients.
    pub gradient_checksum: String,
    /// SHA-256 of the choices, frozen before test levels were touched.
    pub frozen_sha256: String,
    /// Rates along training and the phases.
    pub curves: Curves,
    /// t_corner and t_cheese in shares of training.
    pub phases: [Option<f64>; 2],
    /// Exact rates of the trained policy on test levels, in the order of `Rate::ALL`.
    pub base: [f64; 7],
    /// Of the untrained one.
    pub floor: [f64; 7],
    /// What training gained.
    pub rises: Vec<Rise>,
    /// Every locator in the common currency.
    pub currency: Vec<Currency>,
    /// Every frozen choice on test levels.
    pub claims: Vec<Claimed>,
    /// The temporal claim, by decomposition.
    pub temporal: Vec<Temporal>,
    /// Components with a label, early and late, of the raw and the unit-norm decomposition.
    pub labelled: [[usize; 2]; 2],
    /// What the dissociating directions are.
    pub portraits: Vec<Portrait>,
    /// How fast ablated behaviours come back.
    pub relearning: Vec<Relearnt>,
    /// Training again with components projected out, on the first `study.retrain_seeds` seeds.
    pub retraining: Vec<Retrained>,
    /// The spectra of weights, of the displacement and of the path of weights, against their nulls.
    pub walks: Vec<AgainstNull>,
    /// Whether methods point to the same parameters.
    #[serde(default)]
    pub agreement: Vec<Agreement>,
    /// What is said of the policy as a whole.
    #[serde(default)]
    pub traced: Traced,
    /// Seconds of each stage.
    pub seconds: BTreeMap<String, f64>,
}

/// How fast one edit's target came back.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Relearnt {
    /// The claim whose first target was waited for.
    pub claim: Claim,
    /// The family of the edit.
    pub edit: String,
    /// Updates until it was back; none where the budget was used up.
    pub updates: Option<u64>,
}

/// Trains the seed where that is not done, and finds what is to be found.
///
/// # Errors
/// What any stage refuses.
pub fn findings(
    resolved: &Resolved,
    run: &RunDir,
    access: Access,
    every: std::time::Duration,
    progress: &mut dyn Progress,
) -> Result<Findings, Error> {
    let config = &resolved.config;
    let trained = train::train(config, run, every, progress)?;
    let mut clock = Clock::default();
    clock.seconds.insert("training".into(), trained.seconds);

    let history = History::open(config, run, access, &trained)?;
    let policy = history.policy();
    let judged = decompose::decompose(config, run, access, &history.checkpoints, progress)?;
    let labelled = [0, 1].map(|which| labels(&judged[which].0.components));
    let decompositions = Decompositions::default();
    let norms = row_norms(&history.recordings.total.0)?;
    for ((found, _), columns) in judged.into_iter().zip([Columns::Raw, Columns::UnitNorm]) {
        let judged = Decomposed::judged(
            found.decomposition,
            found.components,
            norms.clone(),
            columns,
        );
        decompositions.provide(Recorded::Total, columns, judged);
    }
    clock.lap("decompositions");

    let seen = history.run(config, &decompositions);
    let selection = Bench::new(
        config,
        &policy,
        Split::Selection,
        config.study.selection_levels,
    )?;
    let named = named(&seen)?;
    let mut trials = Trials::new(config, &policy, &selection);
    trials.practical(&named, progress)?;
    rollbacks(&mut trials, &policy, progress)?;
    clock.lap("steps");
    let (currency, scored) = all_locators(&mut trials, &seen, progress)?;
    let tried = trials.tried;
    clock.lap("locators");
    let agreement = agreements(seen.layout, &scored);
    let traced = trace(config, &policy, &selection, progress)?;
    clock.lap("tracing");

    let frozen = claims::freeze(&tried);
    write_json(&run.path().join("frozen.json"), &frozen)?;
    let mut tested = claims::test(config, &policy, (&frozen, &tried), progress)?;
    clock.lap("test levels");
    claims::controls(
        config,
        &policy,
        &selection,
        (&mut tested.claims, &tried),
        &named,
        progress,
    )?;
    clock.lap("controls");

    let axis = behavioural_axis(&trained.curves);
    let temporal: Vec<Temporal> = named
        .iter()
        .map(|one| {
            let tau = history.recordings.tau(one.is_stream);
            temporal(one, tau, &axis, &tried, config.seed)
        })
        .collect::<Result<_, Error>>()?;
    let relearning = relearnt(config, &policy, (&tested.claims, &tried), progress)?;
    clock.lap("relearning");
    let claims = tested.claims;
    let is_retrained = config.seed - config.study.first_seed < config.study.retrain_seeds;
    let retraining = match named.iter().find(|one| one.name == "unit-norm") {
        Some(unit) if is_retrained => retrain(config, &policy, unit, progress)?,
        _ => Vec::new(),
    };
    clock.lap("retraining");
    let mut walks = weights_svd::nulls(WeightsSvd::Final, &seen, WALKS)?;
    walks.extend(weights_svd::nulls(WeightsSvd::Displacement, &seen, WALKS)?);
    walks.extend(trajectory::nulls(&seen, WALKS)?);
    clock.lap("walks");
    Ok(Findings {
        seed: config.seed,
        config_sha256: resolved.sha256(),
        gradient_checksum: format!("{:08x}", trained.total.checksum),
        frozen_sha256: claims::hash(&frozen),
        phases: history.phases,
        curves: trained.curves,
        base: tested.base,
        floor: tested.floor,
        rises: tested.rises,
        currency,
        temporal,
        labelled,
        portraits: portraits(&history, (&claims, &tried)),
        claims,
        relearning,
        retraining,
        walks,
        agreement,
        traced,
        seconds: clock.seconds,
    })
}

/// Seconds by stage.
struct Clock {
    last: Instant,
    seconds: BTreeMap<String, f64>,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            last: Instant::now(),
            seconds: BTreeMap::new(),
        }
    }
}

impl Clock {
    fn lap(&mut self, stage: &str) {
        let seconds = self.last.elapsed().as_secs_f64();
        self.seconds.insert(stage.into(), seconds);
        self.last = Instant::now();
    }
}

/// Early and late labels.
fn labels(components: &[crate::locate::Component]) -> [usize; 2] {
    use crate::locate::Label;
    [Label::Early, Label::Late].map(|label| components.iter().filter(|c| c.label == label).count())
}

/// The decompositions whose single components are tried.
fn named(run: &Run<'_>) -> Result<Vec<Named>, Error> {
    let mut named = Vec::new();
    for (name, recorded, columns) in [
        ("raw", Recorded::Total, Columns::Raw),
        ("unit-norm", Recorded::Total, Columns::UnitNorm),
        ("policy", Recorded::Policy, Columns::UnitNorm),
        ("before", Recorded::Before, Columns::UnitNorm),
        ("inside", Recorded::Inside, Columns::UnitNorm),
    ] {
        if let Some(decomposed) = run.decomposed(recorded, columns)? {
            named.push(Named {
                name,
                is_stream: recorded != Recorded::Total,
                decomposed,
            });
        }
    }
    Ok(named)
}

/// The baseline that no locator is needed for: earlier checkpoints.
fn rollbacks(
    trials: &mut Trials<'_>,
    policy: &TrainedPolicy<'_>,
    progress: &mut dyn Progress,
) -> Result<(), Error> {
    let family = Family {
        name: "rollback to a checkpoint",
        supervision: Supervision::Effects,
        meant_for: None,
        is_control: true,
    };
    let candidates = candidates::rollbacks(policy);
    trials.begin("rollbacks on selection levels", candidates.len(), progress);
    for candidate in candidates {
        let member = (candidate.member.as_str(), candidate.dose);
        trials.attempt(family, member, candidate.recipe, progress)?;
    }
    Ok(())
}

/// Names with scores for A and for B.
type Scored = Vec<(String, [Vec<f64>; 2])>;

/// Every locator: its resets in the common currency, and its own edits. The scores of those that are held
/// against each other.
fn all_locators(
    trials: &mut Trials<'_>,
    seen: &Run<'_>,
    progress: &mut dyn Progress,
) -> Result<(Vec<Currency>, Scored), Error> {
    let percents = trials.percents().to_vec();
    let (mut all, mut scored, locators) = (Vec::new(), Vec::new(), locators::all());
    progress.begin(
        "locators and their edits on selection levels",
        locators.len() as u64,
    );
    for (number, locator) in locators.into_iter().enumerate() {
        progress.advance(number as u64, locator.name());
        let progress = &mut Unseen(&*progress);
        let begun = Instant::now();
        let Some(located) = locator.locate(seen)? else {
            continue;
        };
        let seconds = begun.elapsed().as_secs_f64();
        let (name, supervision) = (locator.name(), locator.supervision());
        let pairs = trials.resets((number as u64, name, supervision), &located, progress)?;
        trials.native((name, supervision), located.offers.make()?, progress)?;
        all.push(Currency {
            locator: name.into(),
            meaning: locator.meaning().into(),
            supervision,
            seconds,
            by_tensor: [0, 1].map(|claim| by_tensor(seen.layout, &located.scores[claim])),
            found: located.found,
            curves: Claim::ALL
                .map(|claim| Curve::new(claim, &percents, &pairs[Located::index(claim)])),
        });
        if METHODS.contains(&name) {
            scored.push((name.into(), located.scores));
        }
    }
    Ok((all, scored))
}

/// Passes on only whether the user asked to stop: a locator's edits are not counted one by one.
struct Unseen<'a>(&'a dyn Progress);

impl Progress for Unseen<'_> {
    fn begin(&mut self, _: &str, _: u64) {}

    fn advance(&mut self, _: u64, _: &str) {}

    fn is_interrupted(&self) -> bool {
        self.0.is_interrupted()
    }
}

/// Of the parameters with the highest scores, the share in each tensor.
fn by_tensor(layout: &Layout, scores: &[f64]) -> Vec<f64> {
    let chosen = edit::top(scores, COUNTED_PERCENT);
    let count = |tensor: &crate::nn::layout::Tensor| {
        let range = tensor.range();
        chosen.iter().filter(|index| range.contains(index)).count()
    };
    let len = chosen.len().max(1) as f64;
    layout
        .tensors
        .iter()
        .map(|t| count(t) as f64 / len)
        .collect()
}

/// What the chosen steps along components are.
fn portraits(history: &History, (claims, tried): (&[Claimed], &[Tried])) -> Vec<Portrait> {
    let policy = history.policy();
    let shown = [STEP, RANDOM_STEP];
    let steps = claims
        .iter()
        .filter(|c| shown.contains(&c.frozen.family.as_str()));
    steps
        .map(|claimed| {
            let frozen = &claimed.frozen;
            let edited = tried[frozen.place()]
                .recipe
                .apply(policy.theta, policy.theta_0);
            let (family, member) = (frozen.family.as_str(), frozen.member.as_str());
            let what = (frozen.claim, family, member, frozen.dose);
            portrait(&policy, &edited, &history.probes, what)
        })
        .collect()
}

/// How fast what the chosen step along a component took comes back, and what the chosen random
/// in-span step took, each of its own length.
fn relearnt(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    (claims, tried): (&[Claimed], &[Tried]),
    progress: &mut dyn Progress,
) -> Result<Vec<Relearnt>, Error> {
    let mut found = Vec::new();
    if config.study.relearn_updates == 0 {
        return Ok(found);
    }
    let tasks = config.tasks(Split::Curve, config.study.selection_levels)?;
    progress.begin("relearning", 4);
    for claim in Claim::ALL {
        let own = claims
            .iter()
            .filter(|c| c.frozen.claim == claim && c.frozen.family == STEP);
        let random = claims
            .iter()
            .filter(|c| c.frozen.claim == claim && c.frozen.family == RANDOM_STEP);
        for claimed in own.chain(random) {
            let recipe: &Recipe = &tried[claimed.frozen.place()].recipe;
            let edited = recipe.apply(policy.theta, policy.theta_0);
            let relearning = Relearning {
                rate: claim.targets()[0],
                share: RELEARNT_SHARE,
                budget: config.study.relearn_updates,
                learning_rate: RELEARNING_RATE * config.ppo.learning_rate,
                seed: config.seed,
            };
            let policies = (policy.theta, edited);
            found.push(Relearnt {
                claim,
                edit: claimed.frozen.family.clone(),
                updates: relearning.updates(&config.settings(), policies, &tasks)?,
            });
            progress.advance(found.len() as u64, &claimed.frozen.family);
        }
    }
    Ok(found)
}
