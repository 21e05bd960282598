//! The ablation stage: every candidate is tried on selection levels, the best of each family for
//! either claim is measured on test levels, beside the controls.
//!
//! The temporal hypothesis (components chosen by their time course alone) and the practical one
//! (components chosen by the effect of a step along them) are families of their own.

use std::collections::BTreeMap;

use crate::ablate::recipe::Candidate;
use crate::ablate::selectivity::is_learnt;
use crate::ablate::{Claim, Drawn, Measurement, Rate, Reference, Resampling, Split, Tasks};
use crate::nn::{Network, Policy};
use crate::numeric::statistics;

use crate::experiment::{Config, Error, Progress};
use crate::findings::results::{
    Ablation, Choice, DoseResponse, EditOutcome, Estimate, Loss, Rise, Role,
};
use crate::protocol::candidates::{
    Decomposed, RANDOM_STEP, STEP, TrainedPolicy, candidates, displacement, distance, role,
};

/// Bootstrap draws behind the intervals.
const BOOTSTRAP: u32 = 1000;

/// The stage's result.
#[derive(Debug)]
pub struct Outcome {
    /// For the report.
    pub ablation: Ablation,
    /// The edited parameters of the best non-control edit for A and for B, with their labels.
    pub best: [Option<(String, Vec<f32>)>; 2],
    /// By decomposition and component: mean of (S5 loss - S2 loss) over steps of either sign and
    /// every dose, on selection levels.
    pub step_effects: Vec<Vec<f64>>,
}

/// Runs the stage.
///
/// # Errors
/// Levels that cannot be made.
pub fn ablate(
    config: &Config,
    policy: &TrainedPolicy<'_>,
    decompositions: &[Decomposed],
    progress: &mut dyn Progress,
) -> Result<Outcome, Error> {
    let candidates = candidates(config, policy, decompositions);
    let selection = Bench::new(
        config,
        policy,
        Split::Selection,
        config.ablate.selection_levels,
    )?;
    progress.begin(
        "choosing edits on selection levels",
        candidates.len() as u64,
    );
    let mut tried = Vec::with_capacity(candidates.len());
    for (index, candidate) in candidates.iter().enumerate() {
        progress.stop_if_interrupted("ablation")?;
        let measured = selection.measure(&candidate.recipe.apply(policy.theta, policy.theta_0))?;
        tried.push(Tried {
            losses: Rate::ALL.map(|rate| selection.reference.loss(&measured, rate)),
        });
        progress.advance(index as u64 + 1, candidate.family);
    }
    let test = Bench::new(config, policy, Split::Test, config.ablate.test_levels)?;
    let resampling = Resampling::new(&test.tasks.seeds(), BOOTSTRAP, config.seed);
    let drawn = Drawn::new(&test.reference, &resampling);
    let mut report = Report {
        config,
        policy,
        candidates: &candidates,
        tried: &tried,
        rises: rises(&test.reference, &drawn),
        test,
        resampling,
        drawn,
    };
    report.run(decompositions, progress)
}

/// Losses of a candidate on selection levels, in the order of [`Rate::ALL`].
struct Tried {
    losses: [f64; 7],
}

impl Tried {
    fn loss(&self, rate: Rate) -> f64 {
        self.losses[rate.index()]
    }

    fn selectivity(&self, claim: Claim) -> f64 {
        claim.selectivity(&|rate| self.loss(rate))
    }

    fn margin(&self, claim: Claim) -> f64 {
        claim.margin(&|rate| self.loss(rate))
    }
}

/// Levels, and what the unedited and the untrained policy do on them.
struct Bench<'a> {
    tasks: Tasks,
    network: &'a Network,
    reference: Reference,
    seed: u64,
}

impl<'a> Bench<'a> {
    fn new(
        config: &Config,
        policy: &TrainedPolicy<'a>,
        split: Split,
        count: usize,
    ) -> Result<Self, Error> {
        let tasks = config.tasks(split, count)?;
        let measure = |theta| tasks.measure(Policy::new(policy.network, theta), config.seed);
        let reference = Reference {
            base: measure(policy.theta)?,
            floor: measure(policy.theta_0)?,
        };
        Ok(Self {
            tasks,
            network: policy.network,
            reference,
            seed: config.seed,
        })
    }

    fn measure(&self, params: &[f32]) -> Result<Measurement, Error> {
        let policy = Policy::new(self.network, params);
        Ok(self.tasks.measure(policy, self.seed)?)
    }
}

/// What is measured on test levels.
struct Report<'a> {
    config: &'a Config,
    policy: &'a TrainedPolicy<'a>,
    candidates: &'a [Candidate],
    tried: &'a [Tried],
    test: Bench<'a>,
    resampling: Resampling,
    drawn: Drawn,
    rises: Vec<Rise>,
}

/// By how much every rate rose in training, and whether that is a behaviour.
pub fn rises(reference: &Reference, drawn: &Drawn) -> Vec<Rise> {
    let rise = |rate| {
        let (value, interval) = (reference.rise(rate), drawn.rise(rate));
        Rise {
            rate,
            value,
            interval,
            is_learnt: is_learnt(value, interval),
        }
    };
    Rate::ALL.map(rise).into()
}

impl Report<'_> {
    fn run(
        &mut self,
        decompositions: &[Decomposed],
        progress: &mut dyn Progress,
    ) -> Result<Outcome, Error> {
        let chosen = self.choose();
        let doses = self.dosed(&chosen);
        let mut indices: Vec<usize> = chosen.iter().map(|c| c.1).collect();
        indices.sort_unstable();
        indices.dedup();
        let dose_len: usize = doses.iter().map(|(_, members)| members.len()).sum();
        progress.begin(
            "measuring on test levels",
            (indices.len() + dose_len) as u64,
        );
        let mut done = 0;
        let mut outcomes = Vec::new();
        for &index in &indices {
            outcomes.push(self.outcome(&self.candidates[index])?);
            done += 1;
            progress.advance(done, self.candidates[index].family);
        }
        let choices = self.choices(&chosen, &indices, &outcomes);
        let mut responses = Vec::new();
        for (name, members) in doses {
            let mut rates = Vec::new();
            for &index in &members {
                let candidate = &self.candidates[index];
                rates.push(estimates(&self.test.measure(&self.edited(candidate))?));
                done += 1;
                progress.advance(done, "dose-response");
            }
            responses.push(DoseResponse {
                name,
                is_control: self.candidates[members[0]].is_control,
                unit: "share of |theta_T - theta_0|".into(),
                doses: members.iter().map(|&i| self.candidates[i].dose).collect(),
                rates,
            });
        }
        let best = [0, 1].map(|claim| {
            let mut steps = choices
                .iter()
                .filter(|c| c.claim == claim && c.family == STEP);
            let index = indices[steps.next()?.outcome];
            Some((
                label(&self.candidates[index]),
                self.edited(&self.candidates[index]),
            ))
        });
        let base = &self.test.reference.base;
        Ok(Outcome {
            ablation: Ablation {
                base: estimates(base),
                floor: estimates(&self.test.reference.floor),
                rises: self.rises.clone(),
                decision: (base.p_cheese, base.p_corner),
                level_len: (
                    self.config.ablate.selection_levels,
                    self.config.ablate.test_levels,
                ),
                choices,
                outcomes,
                doses: responses,
            },
            best,
            step_effects: self.step_effects(decompositions),
        })
    }

    /// The choices with what is known of each; `indices` are the candidates of `outcomes`.
    fn choices(
        &self,
        chosen: &[(usize, usize, usize)],
        indices: &[usize],
        outcomes: &[EditOutcome],
    ) -> Vec<Choice> {
        let components = self.members(STEP) as f64;
        let mut choices = Vec::new();
        for &(claim, index, candidates) in chosen {
            let kind = Claim::ALL[claim];
            let candidate = &self.candidates[index];
            let tried = &self.tried[index];
            let p = match candidate.family {
                STEP => self.p(kind, tried.margin(kind)),
                _ => None,
            };
            choices.push(Choice {
                claim,
                family: candidate.family.into(),
                role: role(candidate.family, candidate.is_control, kind),
                candidates,
                outcome: indices
                    .binary_search(&index)
                    .expect("every choice is measured"),
                selection_selectivity: tried.selectivity(kind),
                p,
                p_best: p.map(|p| 1.0 - (1.0 - p).powf(components)),
                p_fall: None,
            });
        }
        let targets = |choice: &Choice| {
            let losses = outcomes[choice.outcome].losses.iter();
            let targets = losses.filter(|l| Claim::ALL[choice.claim].targets().contains(&l.rate));
            targets.map(|loss| loss.p).fold(0.0, f64::max)
        };
        let mut edits: Vec<&mut Choice> = choices
            .iter_mut()
            .filter(|choice| choice.role != Role::Control)
            .collect();
        let p: Vec<f64> = edits.iter().map(|choice| targets(choice)).collect();
        for (choice, adjusted) in edits.iter_mut().zip(statistics::holm(&p)) {
            choice.p_fall = Some(adjusted);
        }
        choices
    }

    /// Different members of a family: its directions, whatever their signs and doses.
    fn members(&self, family: &str) -> usize {
        let members = self.candidates.iter().filter(|c| c.family == family);
        let mut names: Vec<&str> = members.map(|c| c.member.as_str()).collect();
        names.sort_unstable();
        names.dedup();
        names.len()
    }

    /// Claim, candidate and how many were tried, for the best of each family.
    fn choose(&self) -> Vec<(usize, usize, usize)> {
        let mut families: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (index, candidate) in self.candidates.iter().enumerate() {
            families.entry(candidate.family).or_default().push(index);
        }
        let mut chosen = Vec::new();
        for (claim, &kind) in Claim::ALL.iter().enumerate() {
            for members in families.values() {
                // The first of equals, so that the choice does not depend on the sort.
                let best = members.iter().copied().reduce(|best, index| {
                    let better = self.tried[index].margin(kind) > self.tried[best].margin(kind);
                    if better { index } else { best }
                });
                chosen.push((claim, best.expect("a family has members"), members.len()));
            }
        }
        chosen
    }

    /// The chosen steps and random steps, each with all its doses in order.
    fn dosed(&self, chosen: &[(usize, usize, usize)]) -> Vec<(String, Vec<usize>)> {
        let mut dosed: Vec<(String, Vec<usize>)> = Vec::new();
        for &(_, index, _) in chosen {
            let candidate = &self.candidates[index];
            if ![STEP, RANDOM_STEP].contains(&candidate.family)
                || dosed.iter().any(|(name, _)| *name == candidate.member)
            {
                continue;
            }
            let mut members: Vec<usize> = (0..self.candidates.len())
                .filter(|&i| {
                    let other = &self.candidates[i];
                    other.family == candidate.family && other.member == candidate.member
                })
                .collect();
            members.sort_by(|&a, &b| self.candidates[a].dose.total_cmp(&self.candidates[b].dose));
            dosed.push((candidate.member.clone(), members));
        }
        dosed
    }

    /// Share of random directions, each at its best sign and dose, that reach `margin`.
    fn p(&self, claim: Claim, margin: f64) -> Option<f64> {
        let mut best: BTreeMap<&str, f64> = BTreeMap::new();
        for (candidate, tried) in self.candidates.iter().zip(self.tried) {
            if candidate.family == RANDOM_STEP {
                let entry = best.entry(&candidate.member).or_insert(f64::NEG_INFINITY);
                *entry = entry.max(tried.margin(claim));
            }
        }
        let reached = best.values().filter(|&&value| value >= margin).count() as u64;
        (!best.is_empty()).then(|| statistics::monte_carlo_p(reached, best.len() as u64))
    }

    fn step_effects(&self, decompositions: &[Decomposed]) -> Vec<Vec<f64>> {
        let effect = |name: String| {
            let effects: Vec<f64> = self
                .candidates
                .iter()
                .zip(self.tried)
                .filter(|(candidate, _)| candidate.family == STEP && candidate.member == name)
                .map(|(_, tried)| tried.loss(Rate::S5) - tried.loss(Rate::S2))
                .collect();
            crate::numeric::sum::mean(&effects)
        };
        decompositions
            .iter()
            .map(|decomposed| {
                let tried = self
                    .config
                    .ablate
                    .components
                    .min(decomposed.decomposition.rank);
                (0..tried)
                    .map(|i| effect(format!("{} {i}", decomposed.name)))
                    .collect()
            })
            .collect()
    }

    fn edited(&self, candidate: &Candidate) -> Vec<f32> {
        candidate
            .recipe
            .apply(self.policy.theta, self.policy.theta_0)
    }

    fn outcome(&self, candidate: &Candidate) -> Result<EditOutcome, Error> {
        let edited = self.edited(candidate);
        let measured = self.test.measure(&edited)?;
        let reference = &self.test.reference;
        let found = reference.losses(&measured, &self.resampling, &self.drawn);
        let losses = Rate::ALL.map(|rate| {
            let (lost, won) = reference.discordant(&measured, rate);
            Loss {
                rate,
                value: found.values[rate.index()],
                interval: found.intervals[rate.index()],
                p: statistics::mcnemar(lost, won),
            }
        });
        let learnt = |rate: Rate| self.rises[rate.index()].is_learnt;
        let succeeds = |claim: Claim| {
            let loss = |rate: Rate| (losses[rate.index()].value, losses[rate.index()].interval);
            claim.can_be_judged(&learnt) && claim.succeeds(&loss)
        };
        Ok(EditOutcome {
            family: candidate.family.into(),
            is_control: candidate.is_control,
            label: label(candidate),
            dose: candidate.dose,
            length: distance(&edited, self.policy.theta) / displacement(self.policy),
            rates: estimates(&measured),
            decision: (measured.p_cheese, measured.p_corner),
            selectivity: found.selectivity,
            selectivity_intervals: found.selectivity_intervals,
            succeeds: Claim::ALL.map(succeeds),
            losses: losses.into(),
        })
    }
}

fn label(candidate: &Candidate) -> String {
    format!(
        "{}, dose {:+}",
        candidate.member,
        (candidate.dose * 1e4).round() / 1e4
    )
}

fn estimates(measured: &Measurement) -> Vec<Estimate> {
    let estimate = |rate| {
        let (successes, count) = measured.count(rate);
        let interval = statistics::wilson(successes, count, 0.95);
        Estimate {
            rate,
            successes,
            count,
            interval: (interval.low, interval.high),
        }
    };
    Rate::ALL.map(estimate).into()
}
