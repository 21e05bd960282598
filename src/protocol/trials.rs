//! Every edit that is tried on selection levels, and what it costs there.

use std::sync::Arc;

use super::bench::Bench;
use super::decomposed::Named;
use super::edit::{Direction, Edit, Member, Tried};
use super::trained_policy::TrainedPolicy;
use crate::ablate::recipe::Recipe;
use crate::ablate::{Claim, PerClaim, PerRate, compass, edit};
use crate::experiment::{Config, Error, Progress};
use crate::findings::Family;
use crate::locators::{Kind, Located, Method, Native, Offer, Steer, Supervision};
use crate::numeric::draws::{self, packed};

/// Isotropic directions.
const ISOTROPIC: usize = 3;
/// Checkpoints that are tried.
const CHECKPOINTS: usize = 12;
/// Doses of a direction of activations, in shares of it.
const STEERING_DOSES: [f64; 6] = [-2.0, -1.0, -0.5, 0.5, 1.0, 2.0];

/// Tries edits and remembers them.
#[derive(Debug)]
pub struct Trials<'a> {
    config: &'a Config,
    policy: TrainedPolicy<'a>,
    selection: &'a Bench<'a>,
    displacement: f64,
    /// All that was tried.
    pub tried: Vec<Tried>,
    /// How much of it before the present stage.
    begun: usize,
}

/// What the members of a family have in common.
#[derive(Clone, Copy, Debug)]
struct Common {
    family: Family,
    supervision: Supervision,
    meant_for: Option<Claim>,
}

impl Common {
    /// Of a family of which the effects must say what each member is for.
    fn by_effect(family: Family) -> Self {
        Self {
            family,
            supervision: Supervision::Effects,
            meant_for: None,
        }
    }

    fn edit(self, member: Member, dose: f64, recipe: Recipe) -> Edit {
        Edit {
            family: self.family,
            supervision: self.supervision,
            meant_for: self.meant_for,
            member,
            dose,
            recipe,
        }
    }
}

/// What a reset of a method's top parameters cost, and that of as many random ones, at every percentage.
pub type Resets = Vec<[PerRate<f64>; 2]>;

impl<'a> Trials<'a> {
    /// Nothing tried yet.
    pub fn new(config: &'a Config, policy: TrainedPolicy<'a>, selection: &'a Bench<'a>) -> Self {
        Self {
            config,
            displacement: policy.displacement(),
            policy,
            selection,
            tried: Vec::new(),
            begun: 0,
        }
    }

    /// The percentages of parameters that resets put back.
    pub fn percents(&self) -> &[f64] {
        &self.config.ablate.reset_percent
    }

    fn begin(&mut self, stage: &str, steps: usize, progress: &mut dyn Progress) {
        self.begun = self.tried.len();
        progress.begin(stage, steps as u64);
    }

    /// Tries one edit; what it lost.
    fn attempt(&mut self, edit: Edit, progress: &mut dyn Progress) -> Result<PerRate<f64>, Error> {
        progress.stop_if_interrupted("the choice of edits")?;
        let losses = self.selection.losses(&edit.recipe)?;
        let family = edit.family;
        self.tried.push(Tried { edit, losses });
        progress.advance((self.tried.len() - self.begun) as u64, &family.name());
        Ok(losses)
    }

    /// Steps along directions, either sign, at every dose; a dose of 1 is a step of length `unit`.
    fn steps(
        &mut self,
        common: Common,
        directions: &[Direction],
        doses: &[f64],
        unit: f64,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        for (member, values) in directions {
            for dose in doses.iter().flat_map(|&dose| [dose, -dose]) {
                let recipe = Recipe::Step(values.clone(), dose * unit);
                self.attempt(common.edit(member.clone(), dose, recipe), progress)?;
            }
        }
        Ok(())
    }

    /// The practical hypothesis with its controls: steps along the leading components of each
    /// decomposition, as many random directions in their spans, some isotropic ones, and the compass.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn practical(
        &mut self,
        decompositions: &[Named],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let config = self.config;
        let doses = &config.ablate.step_doses;
        let len = config.ablate.components;
        let rank = |named: &Named| len.min(named.decomposed.decomposition.rank);
        let steps = |named: &Named| match named.of.is_stream() {
            true => rank(named),
            // As many random directions beside them.
            false => 2 * rank(named) * doses.len(),
        };
        let components: usize = decompositions.iter().map(steps).sum();
        let env = &config.env;
        let compass = compass::directions(&self.policy.network.layout, env.actions);
        let others = ISOTROPIC * doses.len() + compass.len() * compass::DOSES.len();
        let all = 2 * (components + others);
        self.begin("steps along components on selection levels", all, progress);
        let (mut random, unit) = (Vec::new(), self.displacement);
        for (number, named) in decompositions.iter().enumerate() {
            let components = named.directions(len);
            if named.of.is_stream() {
                let middle = &doses[doses.len() / 2..][..1];
                let common = Common::by_effect(Family::StreamStep);
                self.steps(common, &components, middle, unit, progress)?;
                continue;
            }
            let common = Common::by_effect(Family::Step);
            self.steps(common, &components, doses, unit, progress)?;
            for i in 0..components.len() {
                let index = packed(&[(number as u64, 4), (i as u64, 20)]);
                let mut stream = draws::BESIDE_COMPONENTS.stream(config.seed, index);
                let values = named.in_span(components.len(), &mut stream);
                random.push((Member::Random(named.of, i), Arc::new(values)));
            }
        }
        let common = Common::by_effect(Family::RandomStep);
        self.steps(common, &random, doses, unit, progress)?;
        let isotropic = |i: usize| {
            let mut stream = draws::ISOTROPIC.stream(config.seed, i as u64);
            let values = edit::isotropic(self.policy.theta.len(), &mut stream);
            (Member::Isotropic(i), Arc::new(values))
        };
        let isotropic: Vec<Direction> = (0..ISOTROPIC).map(isotropic).collect();
        let common = Common::by_effect(Family::IsotropicStep);
        self.steps(common, &isotropic, doses, unit, progress)?;
        let compass = compass.into_iter();
        let compass: Vec<Direction> = compass
            .map(|(name, values)| (Member::Named(name.into()), Arc::new(values)))
            .collect();
        let common = Common::by_effect(Family::Compass);
        // In logits.
        self.steps(common, &compass, &compass::DOSES, 1.0, progress)
    }

    /// The baseline that no method is needed for: earlier checkpoints, evenly spaced, neither the
    /// untrained nor the final policy.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn checkpoints(&mut self, progress: &mut dyn Progress) -> Result<(), Error> {
        let last = self.policy.checkpoints.len() - 1;
        let picked = (1..=CHECKPOINTS).map(|i| i * last / (CHECKPOINTS + 1));
        let mut picked: Vec<usize> = picked.filter(|&i| i > 0).collect();
        picked.dedup();
        self.begin("rollbacks on selection levels", picked.len(), progress);
        for index in picked {
            let (share, theta) = &self.policy.checkpoints[index];
            let recipe = Recipe::Rollback(Arc::new(theta.clone()));
            let member = Member::Named("checkpoint".into());
            let edit = Common::by_effect(Family::Checkpoint).edit(member, *share, recipe);
            self.attempt(edit, progress)?;
        }
        Ok(())
    }

    /// What a method offers beside resets: its own edits.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn native(
        &mut self,
        method: Method,
        offers: Vec<Offer>,
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let config = self.config;
        let project_doses = &config.ablate.project_doses;
        for offer in offers {
            let common = Common {
                family: Family::Of(method, offer.edit),
                supervision: method.supervision().max(offer.supervision),
                meant_for: offer.claim,
            };
            let member = Member::Named(offer.member);
            let recipes: Vec<(f64, Recipe)> = match offer.native {
                Native::Step(direction) => {
                    let directions = [(member, Arc::new(direction))];
                    let (doses, unit) = (&config.ablate.step_doses, self.displacement);
                    self.steps(common, &directions, doses, unit, progress)?;
                    continue;
                }
                Native::Steer(all) => {
                    self.steer(common, &all, progress)?;
                    continue;
                }
                Native::Project(basis) => {
                    let basis = Arc::new(basis);
                    let recipe = |&dose: &f64| (dose, Recipe::Project(basis.clone(), dose));
                    project_doses.iter().map(recipe).collect()
                }
                // What no component added up to.
                Native::Add(vector) if vector.iter().all(|&x| x == 0.0) => continue,
                Native::Add(vector) => {
                    let vector = Arc::new(vector);
                    let recipe = |&dose: &f64| (dose, Recipe::Add(vector.clone(), dose));
                    project_doses.iter().map(recipe).collect()
                }
                Native::Params(choices) => {
                    let choices = choices.into_iter();
                    let recipe =
                        |(dose, theta): (f64, Vec<f32>)| (dose, Recipe::Rollback(Arc::new(theta)));
                    choices.map(recipe).collect()
                }
            };
            for (dose, recipe) in recipes {
                self.attempt(common.edit(member.clone(), dose, recipe), progress)?;
            }
        }
        Ok(())
    }

    /// Directions of activations at their sites, either sign, and beside each a random vector of its
    /// length.
    fn steer(
        &mut self,
        own: Common,
        all: &[Steer],
        progress: &mut dyn Progress,
    ) -> Result<(), Error> {
        let random = Common {
            family: Family::RandomSteer,
            ..own
        };
        for Steer { member, steering } in all {
            let mut stream =
                draws::BESIDE_STEERING.stream(self.config.seed, self.tried.len() as u64);
            let drawn = steering.random_like(&mut stream);
            for (common, steering) in [(own, steering), (random, &drawn)] {
                for dose in STEERING_DOSES {
                    let recipe = Recipe::Steer(Arc::new(steering.times(dose)));
                    let member = Member::Named(member.clone());
                    self.attempt(common.edit(member, dose, recipe), progress)?;
                }
            }
        }
        Ok(())
    }

    /// The common currency: the parameters with the highest scores put back to theta_0, and as many
    /// random ones of every tensor beside them.
    ///
    /// # Errors
    /// The user's interruption.
    pub fn resets(
        &mut self,
        method: Method,
        located: &Located<'_>,
        progress: &mut dyn Progress,
    ) -> Result<PerClaim<Resets>, Error> {
        let directed = located.scores[0] != located.scores[1];
        let mut found = PerClaim::new(|_| Vec::new());
        for claim in Claim::ALL {
            if claim == Claim::B && !directed {
                found[Claim::B] = found[Claim::A].clone();
                break;
            }
            let scores = &located.scores[claim as usize];
            if scores.iter().all(|&score| score == 0.0) {
                // It names nothing: nothing is reset, and nothing lost.
                let nothing = [PerRate::new(|_| 0.0); 2];
                found[claim] = vec![nothing; self.percents().len()];
                continue;
            }
            let own = Common {
                family: Family::Of(method, Kind::Reset),
                supervision: method.supervision(),
                meant_for: directed.then_some(claim),
            };
            let matched = Common {
                family: Family::Matched(method),
                ..own
            };
            for (place, percent) in self.percents().to_vec().into_iter().enumerate() {
                let indices = edit::top(scores, percent);
                let number = packed(&[(method as u64, 8), (claim as u64, 8), (place as u64, 8)]);
                let mut stream = draws::BESIDE_RESETS.stream(self.config.seed, number);
                let layout = &self.policy.network.layout;
                let random = edit::layer_matched(layout, &indices, &mut stream);
                let member = Member::Named(located.found[claim as usize].clone());
                let of_method = Member::Named(method.name().into());
                let mut reset = |common: Common, member, indices| {
                    let recipe = Recipe::Reset(Arc::new(indices));
                    self.attempt(common.edit(member, percent, recipe), progress)
                };
                found[claim].push([
                    reset(own, member, indices)?,
                    reset(matched, of_method, random)?,
                ]);
            }
        }
        Ok(found)
    }
}
