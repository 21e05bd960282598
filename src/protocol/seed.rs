//! One seed, from its trained run to its findings: the protocol top to bottom.

use std::time::{Duration, Instant};

use super::agreement::agreements;
use super::bench::Bench;
use super::clock::Clock;
use super::controls::ControlDraws;
use super::currency::{blindfolded, curve};
use super::decompose;
use super::decomposed::Named;
use super::edit::Tried;
use super::extent::Extent;
use super::freeze::{self, Choice};
use super::history::History;
use super::loss_change::loss_change;
use super::portrait::portrait;
use super::relearn::Relearning;
use super::retrain::retrain;
use super::temporal::{behavioural_axis, temporal};
use super::test::TestLevels;
use super::tracing::trace_whole;
use super::trained_policy::TrainedPolicy;
use super::trials::Trials;
use crate::ablate::{Claim, PerClaim, Split, edit};
use crate::experiment::train::{self, Trained};
use crate::experiment::{Config, Error, Progress, Resolved};
use crate::findings::tracing::WholePolicy;
use crate::findings::{
    COMPARED, Claimed, Components, Currency, DecompositionSummary, DoseResponse, Family, Findings,
    Frozen, LossChange, Portrait, Relearnt, Temporal,
};
use crate::locate::{Component, Label};
use crate::locators::weights_svd::{self, AgainstNull, WeightsSvd};
use crate::locators::{self, Decompositions, Method, Run, trajectory};
use crate::nn::Layout;
use crate::storage::manifest::write_json;
use crate::storage::{Access, RunDir};

/// Share of the unedited policy's rate at which a behaviour is back.
const RELEARNT_SHARE: f64 = 0.9;
/// Learning rate of relearning, as a share of training's first.
const RELEARNING_RATE: f64 = 0.1;
/// Draws of shuffled weights and of random walks.
const WALKS: usize = 99;
/// The percentage at which the parameters of a method are counted by tensor.
const COUNTED_PERCENT: f64 = 5.0;

/// What the protocol found on one seed, and what the report of a single run shows beside it.
pub struct OneSeed {
    /// How it was trained.
    pub trained: Trained,
    /// What was found.
    pub found: Findings,
    /// Which tensors learnt which behaviour when.
    pub loss_change: Option<LossChange>,
    /// The total gradient's decompositions.
    pub decompositions: Vec<DecompositionSummary>,
    /// The chosen steps at growing doses, where the extent is brief.
    pub doses: Vec<DoseResponse>,
    /// The trained network and its history.
    pub history: History,
    /// For either claim, the chosen step along a component in words, and the edited parameters.
    pub best: PerClaim<Option<(String, Vec<f32>)>>,
}

/// Trains the seed where that is not done, and carries the protocol out.
///
/// # Errors
/// What any stage refuses.
pub fn one_seed(
    resolved: &Resolved,
    run: &RunDir,
    access: Access,
    every: Duration,
    extent: &Extent,
    progress: &mut dyn Progress,
) -> Result<OneSeed, Error> {
    let config = &resolved.config;
    let trained = train::train(config, run, every, progress)?;
    let mut clock = Clock::default();
    clock.seconds.insert("training".into(), trained.seconds);

    let history = History::open(config, run, access, &trained)?;
    let policy = history.policy();
    let judged = decompose::decompose(config, run, access, &history.checkpoints, progress)?;
    let decompositions = Decompositions::default();
    let (mut labelled, mut summaries) = (Vec::new(), Vec::new());
    for (decomposed, summary) in judged {
        labelled.push(labels(&decomposed.components));
        let (recorded, columns) = summary.of.source();
        decompositions.provide(recorded, columns, decomposed);
        summaries.push(summary);
    }
    clock.lap("decompositions");

    let seen = history.run(config, &decompositions);
    let levels = config.ablate.selection_levels;
    let selection = Bench::new(config, &policy, Split::Selection, levels)?;
    let named = Named::all(&seen, extent.streams)?;
    let mut trials = Trials::new(config, policy, &selection);
    trials.practical(&named, progress)?;
    trials.blindfold(progress)?;
    clock.lap("steps");
    let (currency, scored) = all_methods(&mut trials, &seen, extent, progress)?;
    clock.lap("locators");
    let loss_change = loss_change(&seen)?;
    clock.lap("loss change");
    trials.baselines(&named, seen.streams.total, progress)?;
    let tried = trials.tried;
    clock.lap("baselines");
    let (mut agreement, mut traced) = (Vec::new(), WholePolicy::default());
    if extent.comparisons {
        agreement = agreements(seen.layout, &scored);
        traced = trace_whole(config, &policy, &selection, progress)?;
        clock.lap("tracing");
    }

    let choices = freeze::freeze(&tried);
    let frozen: Vec<&Frozen> = choices.iter().map(|choice| &choice.frozen).collect();
    write_json(&run.path().join("frozen.json"), &frozen)?;
    let test = TestLevels::new(config, &policy)?;
    let mut claims = test.claims(&choices, &tried, progress)?;
    let doses = match extent.comparisons {
        true => Vec::new(),
        false => test.doses(&choices, &tried, progress)?,
    };
    clock.lap("test levels");
    let draws = ControlDraws {
        config,
        policy,
        selection: &selection,
        decompositions: &named,
        most: extent.controls,
    };
    draws.fill(&mut claims, &choices, &tried, progress)?;
    clock.lap("controls");

    let axis = behavioural_axis(&trained.curves);
    let displacement = seen.displacement();
    let temporal: Vec<Temporal> = named
        .iter()
        .map(|one| {
            let tau = history.recordings.tau(one.of.is_stream());
            temporal(one, tau, &axis, &tried, &displacement, config.seed)
        })
        .collect::<Result<_, Error>>()?;
    let (mut relearning, mut walks) = (Vec::new(), Vec::new());
    if extent.comparisons {
        relearning = relearnt(config, &policy, &choices, &tried, progress)?;
        clock.lap("relearning");
    }
    let retraining = match named.iter().find(|one| one.of == Components::UnitNorm) {
        Some(unit) if extent.retraining => {
            retrain(config, &policy, unit, &trained.curves, progress)?
        }
        _ => Vec::new(),
    };
    clock.lap("retraining");
    if extent.comparisons {
        walks = against_walks(&seen)?;
        clock.lap("walks");
    }
    let best = PerClaim::new(|claim| best_step(&policy, &choices, &tried, claim));
    let found = Findings {
        seed: config.seed,
        config_sha256: resolved.sha256(),
        gradient_checksum: format!("{:08x}", trained.total.checksum),
        frozen_sha256: freeze::hash(&frozen),
        curves: trained.curves.clone(),
        base: test.base(),
        floor: test.floor(),
        rises: test.rises,
        currency,
        loss_change: loss_change.as_ref().map(LossChange::brief),
        temporal,
        labelled: [labelled[0], labelled[1]],
        portraits: portraits(&history, &claims, &choices, &tried),
        claims,
        relearning,
        retraining,
        walks,
        agreement,
        traced,
        seconds: clock.seconds,
    };
    drop(test);
    drop(selection);
    Ok(OneSeed {
        found,
        loss_change,
        decompositions: summaries,
        doses,
        best,
        trained,
        history,
    })
}

/// Early and late labels.
fn labels(components: &[Component]) -> [usize; 2] {
    [Label::Early, Label::Late].map(|label| components.iter().filter(|c| c.label == label).count())
}

/// Methods with scores for A and for B.
type Scored = Vec<(Method, [Vec<f64>; 2])>;

/// Every method: its resets in the common currency, and its own edits. The scores of those that are held
/// against each other.
fn all_methods(
    trials: &mut Trials<'_>,
    seen: &Run<'_>,
    extent: &Extent,
    progress: &mut dyn Progress,
) -> Result<(Vec<Currency>, Scored), Error> {
    let methods = &extent.methods;
    let percents = trials.percents().to_vec();
    let (mut all, mut scored) = (Vec::new(), Vec::new());
    progress.begin(
        "methods and their edits on selection levels",
        methods.len() as u64,
    );
    let locators = locators::all().into_iter();
    let locators = locators.filter(|locator| methods.contains(&locator.method()));
    for (number, locator) in locators.enumerate() {
        let method = locator.method();
        progress.advance(number as u64, method.name());
        let progress = &mut Unseen(&*progress);
        let begun = Instant::now();
        let Some(located) = locator.locate(seen)? else {
            continue;
        };
        let seconds = begun.elapsed().as_secs_f64();
        let names = PerClaim::new(|claim| located.names(claim));
        let pairs = trials.resets(method, &located, extent.matched, progress)?;
        trials.native(method, located.offers.make()?, progress)?;
        let scores = |claim: Claim| &located.scores[claim as usize];
        let found = |claim: Claim| located.found[claim as usize].clone();
        all.push(Currency {
            locator: method,
            seconds,
            by_tensor: PerClaim::new(|claim| match names[claim] {
                true => by_tensor(seen.layout, scores(claim)),
                false => vec![0.0; seen.layout.tensors.len()],
            }),
            found: PerClaim::new(|claim| names[claim].then(|| found(claim))),
            curves: PerClaim::new(|claim| curve(claim, &percents, &pairs[claim])),
            blindfold: names[Claim::A]
                .then(|| blindfolded(seen.layout, scores(Claim::A)))
                .flatten(),
        });
        if COMPARED.contains(&method) {
            scored.push((method, located.scores));
        }
    }
    Ok((all, scored))
}

/// Passes on only whether the user asked to stop: a method's edits are not counted one by one.
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
    let tensors = layout.tensors.iter();
    tensors.map(|t| count(t) as f64 / len).collect()
}

/// The chosen step along a component for a claim, in words, with the edited parameters.
fn best_step(
    policy: &TrainedPolicy<'_>,
    choices: &[Choice],
    tried: &[Tried],
    claim: Claim,
) -> Option<(String, Vec<f32>)> {
    let choice = freeze::chosen(choices, claim, Family::Step)?;
    let recipe = &tried[choice.place].edit.recipe;
    let words = format!("{}, dose {:+}", choice.frozen.member, choice.frozen.dose);
    Some((words, policy.edited(recipe)))
}

/// What the chosen steps along components are.
fn portraits(
    history: &History,
    claims: &[Claimed],
    choices: &[Choice],
    tried: &[Tried],
) -> Vec<Portrait> {
    let policy = history.policy();
    let is_shown = |choice: &Choice| {
        choice.frozen.family.is_step_in_span() && freeze::is_chosen(choices, choice)
    };
    let steps = claims.iter().zip(choices);
    steps
        .filter(|(_, choice)| is_shown(choice))
        .map(|(claimed, choice)| {
            let recipe = &tried[choice.place].edit.recipe;
            let edited = policy.edited(recipe);
            portrait(&policy, &edited, &history.probes, &claimed.frozen)
        })
        .collect()
}

/// How fast what the chosen step along a component took comes back, and what the chosen random
/// in-span step took, each of its own length.
fn relearnt(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    choices: &[Choice],
    tried: &[Tried],
    progress: &mut dyn Progress,
) -> Result<Vec<Relearnt>, Error> {
    let mut found = Vec::new();
    if config.study.relearn_updates == 0 {
        return Ok(found);
    }
    let tasks = config.tasks(Split::Curve, config.ablate.selection_levels)?;
    progress.begin("relearning", 4);
    for claim in Claim::ALL {
        for family in [Family::Step, Family::RandomStep] {
            let Some(choice) = freeze::chosen(choices, claim, family) else {
                continue;
            };
            let recipe = &tried[choice.place].edit.recipe;
            let edited = policy.edited(recipe);
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
                edit: family,
                updates: relearning.updates(&config.settings(), policies, &tasks)?,
            });
            progress.advance(found.len() as u64, &family.name());
        }
    }
    Ok(found)
}

/// The spectra of weights, of the displacement and of the path of weights, against their nulls.
fn against_walks(seen: &Run<'_>) -> Result<Vec<AgainstNull>, Error> {
    let mut walks = weights_svd::nulls(WeightsSvd::Final, seen, WALKS)?;
    walks.extend(weights_svd::nulls(WeightsSvd::Displacement, seen, WALKS)?);
    walks.extend(trajectory::nulls(seen, WALKS)?);
    Ok(walks)
}
